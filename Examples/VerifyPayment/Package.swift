// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "VerifyPayment",
    platforms: [.macOS(.v15)],
    dependencies: [.package(path: "../../Packages/TimeCoinCore")],
    targets: [.executableTarget(name: "VerifyPayment", dependencies: ["TimeCoinCore"])]
)
