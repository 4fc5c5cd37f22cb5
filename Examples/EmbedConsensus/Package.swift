// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "EmbedConsensus",
    platforms: [.macOS(.v15)],
    dependencies: [.package(path: "../../Packages/TimeCoinConsensus")],
    targets: [.executableTarget(name: "EmbedConsensus", dependencies: ["TimeCoinConsensus"])]
)
