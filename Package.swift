// swift-tools-version: 6.2
import PackageDescription

/// Strict settings of every target: the language mode of the tools version, explicit existentials, explicit
/// import levels, and no warning left standing.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "timecoin",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "TimeCoinCore", targets: ["TimeCoinCore"]),
        .library(name: "TimeCoinConsensus", targets: ["TimeCoinConsensus"]),
        .library(name: "TimeCoinNet", targets: ["TimeCoinNet"]),
        .library(name: "TimeCoinStore", targets: ["TimeCoinStore"]),
        .library(name: "TimeCoinStoreConformance", targets: ["TimeCoinStoreConformance"]),
        .library(name: "TimeCoinControl", targets: ["TimeCoinControl"]),
        .library(name: "TimeCoinNode", targets: ["TimeCoinNode"]),
        .library(name: "TimeCoinTesting", targets: ["TimeCoinTesting"]),
        .executable(name: "timecoin-node", targets: ["timecoin-node"]),
        .executable(name: "timecoin-cli", targets: ["timecoin-cli"]),
        .executable(name: "timecoin-simulator", targets: ["timecoin-simulator"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // The C libraries.
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),

        // The product: four libraries. The three above Core never import each other.
        .target(name: "TimeCoinCore", dependencies: ["CSodium"], swiftSettings: strict),
        .target(name: "TimeCoinConsensus", dependencies: ["TimeCoinCore"], swiftSettings: strict),
        .target(
            name: "TimeCoinNet",
            dependencies: [
                "TimeCoinCore",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: strict
        ),
        .target(name: "TimeCoinStore", dependencies: ["TimeCoinCore", "CLMDB"], swiftSettings: strict),

        // For those who bring their own store: what every store must do.
        .target(
            name: "TimeCoinStoreConformance", dependencies: ["TimeCoinStore", "TimeCoinCore"],
            swiftSettings: strict),

        // Assembly.
        .target(
            name: "TimeCoinControl",
            dependencies: [
                "TimeCoinCore",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "TimeCoinNode",
            dependencies: [
                "TimeCoinCore", "TimeCoinConsensus", "TimeCoinNet", "TimeCoinStore", "TimeCoinControl",
                "CSodium",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "TimeCoinTesting",
            dependencies: [
                "TimeCoinCore", "TimeCoinConsensus", "TimeCoinNet", "TimeCoinStore", "TimeCoinNode",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),

        // Front ends: parse, make one call, render.
        .executableTarget(
            name: "timecoin-node",
            dependencies: [
                "TimeCoinNode", "TimeCoinControl", "TimeCoinCore", "TimeCoinNet", "TimeCoinStore",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "timecoin-cli",
            dependencies: ["TimeCoinControl"],
            swiftSettings: strict
        ),

        .executableTarget(
            name: "timecoin-simulator",
            dependencies: [
                "TimeCoinTesting", "TimeCoinControl",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),

        // Writes a chain into a directory, for tests that kill it and hurt its disk.
        .executableTarget(
            name: "store-exerciser",
            dependencies: [
                "TimeCoinTesting", "TimeCoinNode", "TimeCoinStore", "TimeCoinStoreConformance",
                "TimeCoinConsensus", "TimeCoinCore",
            ],
            path: "Tests/StoreExerciser", swiftSettings: strict),
        // Meters what a thread of a test allocates.
        .target(name: "CAllocationMeter", path: "Tests/CAllocationMeter"),
        // Where the tests find published test data.
        .target(name: "TestVectors", path: "Tests/TestVectors", swiftSettings: strict),
        .testTarget(
            name: "TimeCoinCoreTests", dependencies: ["TimeCoinCore", "TestVectors", "CAllocationMeter"],
            swiftSettings: strict),
        .testTarget(
            name: "TimeCoinConsensusTests",
            dependencies: ["TimeCoinConsensus", "TimeCoinCore", "CAllocationMeter"], swiftSettings: strict),
        .testTarget(
            name: "TimeCoinNetTests",
            dependencies: [
                "TimeCoinNet", "TimeCoinCore",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "TimeCoinStoreTests",
            dependencies: ["TimeCoinStore", "TimeCoinStoreConformance", "TimeCoinCore"], swiftSettings: strict
        ),
        .testTarget(
            name: "TimeCoinControlTests", dependencies: ["TimeCoinControl", "TimeCoinCore", "TestVectors"],
            swiftSettings: strict),
        .testTarget(
            name: "TimeCoinNodeTests",
            dependencies: [
                "TimeCoinNode", "TimeCoinControl", "TimeCoinTesting", "TimeCoinConsensus", "TimeCoinCore",
                "TimeCoinStore", "CAllocationMeter",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "TimeCoinTestingTests",
            dependencies: ["TimeCoinTesting", "TimeCoinConsensus", "TimeCoinCore", "TimeCoinStore"],
            swiftSettings: strict),
        .testTarget(name: "HouseTests", swiftSettings: strict),
    ]
)
