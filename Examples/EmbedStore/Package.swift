// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "EmbedStore",
    platforms: [.macOS(.v15)],
    dependencies: [.package(path: "../../Packages/TimeCoinStore")],
    targets: [
        .executableTarget(
            name: "EmbedStore",
            dependencies: [
                .product(name: "TimeCoinStore", package: "TimeCoinStore"),
                .product(name: "TimeCoinStoreConformance", package: "TimeCoinStore"),
            ])
    ]
)
