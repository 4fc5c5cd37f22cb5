// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"), .treatAllWarnings(as: .error),
]

/// `TimeCoinStore` alone: a chain and its outputs in LMDB, the journal, the signer's record, and the checks for
/// those who bring a store of their own, on `TimeCoinCore`, libsodium and LMDB and nothing else. The sources are
/// those of the whole project.
let package = Package(
    name: "TimeCoinStore",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "TimeCoinStore", targets: ["TimeCoinStore", "TimeCoinCore"]),
        .library(name: "TimeCoinStoreConformance", targets: ["TimeCoinStoreConformance"]),
    ],
    targets: [
        .systemLibrary(
            name: "CSodium", pkgConfig: "libsodium",
            providers: [.apt(["libsodium-dev"]), .brew(["libsodium"])]),
        .systemLibrary(
            name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"]), .brew(["lmdb"])]),
        .target(name: "TimeCoinCore", dependencies: ["CSodium"], swiftSettings: strict),
        .target(name: "TimeCoinStore", dependencies: ["TimeCoinCore", "CLMDB"], swiftSettings: strict),
        .target(
            name: "TimeCoinStoreConformance", dependencies: ["TimeCoinStore", "TimeCoinCore"],
            swiftSettings: strict),
    ]
)
