// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// Programs that measure. Each prints one JSON line a figure, next to a reference measured in the same run.
let package = Package(
    name: "timecoin-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "timecoin", path: "..")],
    targets: [
        // What figures are compared with: the C libraries themselves.
        .systemLibrary(name: "CReference", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .target(name: "BenchmarkSupport", dependencies: ["CReference"], swiftSettings: settings),
        // Counts the allocations of a program that links it.
        .target(name: "CAllocationCount"),
        .executableTarget(
            name: "blocks",
            dependencies: [
                "BenchmarkSupport", "CAllocationCount",
                .product(name: "TimeCoinCore", package: "timecoin"),
                .product(name: "TimeCoinNode", package: "timecoin"),
                .product(name: "TimeCoinStore", package: "timecoin"),
                .product(name: "TimeCoinTesting", package: "timecoin"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "consensus",
            dependencies: [
                "BenchmarkSupport", "CAllocationCount",
                .product(name: "TimeCoinConsensus", package: "timecoin"),
                .product(name: "TimeCoinCore", package: "timecoin"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "store",
            dependencies: [
                "BenchmarkSupport", "CReference",
                .product(name: "TimeCoinCore", package: "timecoin"),
                .product(name: "TimeCoinNode", package: "timecoin"),
                .product(name: "TimeCoinStore", package: "timecoin"),
                .product(name: "TimeCoinTesting", package: "timecoin"),
            ],
            exclude: ["kernel.py"],
            swiftSettings: settings),
        .executableTarget(
            name: "payments",
            dependencies: [
                "BenchmarkSupport",
                .product(name: "TimeCoinCore", package: "timecoin"),
                .product(name: "TimeCoinControl", package: "timecoin"),
            ],
            swiftSettings: settings),
    ]
)
