// swift-tools-version: 6.2
import PackageDescription

/// `TimeCoinCore` alone: types, scripts, rules, certificates and proofs, on libsodium and nothing else. The
/// sources are those of the whole project.
let package = Package(
    name: "TimeCoinCore",
    platforms: [.macOS(.v15)],
    products: [.library(name: "TimeCoinCore", targets: ["TimeCoinCore"])],
    targets: [
        .systemLibrary(
            name: "CSodium", pkgConfig: "libsodium",
            providers: [.apt(["libsodium-dev"]), .brew(["libsodium"])]),
        .target(
            name: "TimeCoinCore", dependencies: ["CSodium"],
            swiftSettings: [
                .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"), .treatAllWarnings(as: .error),
            ]),
    ]
)
