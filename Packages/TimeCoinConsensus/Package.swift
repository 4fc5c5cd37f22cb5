// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"), .treatAllWarnings(as: .error),
]

/// `TimeCoinConsensus` alone: the consensus machine, its journal records and the rules of the signer, on
/// `TimeCoinCore` and libsodium and nothing else. The sources are those of the whole project. Both modules are in
/// one package because the seam for injected signatures between them is not public.
let package = Package(
    name: "TimeCoinConsensus",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "TimeCoinConsensus", targets: ["TimeCoinConsensus", "TimeCoinCore"]),
        .library(name: "TimeCoinCore", targets: ["TimeCoinCore"]),
    ],
    targets: [
        .systemLibrary(
            name: "CSodium", pkgConfig: "libsodium",
            providers: [.apt(["libsodium-dev"]), .brew(["libsodium"])]),
        .target(name: "TimeCoinCore", dependencies: ["CSodium"], swiftSettings: strict),
        .target(name: "TimeCoinConsensus", dependencies: ["TimeCoinCore"], swiftSettings: strict),
    ]
)
