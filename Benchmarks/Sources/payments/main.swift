// Finalised payments a second of four validating nodes on this machine at saturation, and the latency from
// submission to final at 100 payments a second, next to libsodium alone.
//
// usage: payments PATH-OF-timecoin-node [PAYMENTS]
import BenchmarkSupport
import Foundation
import TimeCoinControl
import TimeCoinCore

let arguments = CommandLine.arguments
guard arguments.count >= 2, let total = arguments.count > 2 ? Int(arguments[2]) : 20_000 else {
    FileHandle.standardError.write(Data("usage: payments PATH-OF-timecoin-node [PAYMENTS]\n".utf8))
    exit(64)
}
// Whoever stops reading shall not leave four nodes running.
signal(SIGPIPE, SIG_IGN)
let network = try Network(node: arguments[1])
defer { network.down() }
do {
    let bench = try PaymentBenchmark(network: network)
    let before = RawSodium.verificationsPerSecond(lasting: 2)
    let rate = try bench.saturate(payments: total)
    let after = RawSodium.verificationsPerSecond(lasting: 2)
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let raw = max(before, after)
    Figure(
        "payments/finalised-per-second", rate, "1/s",
        reference: "libsodium verifications a second and core (\(Int(raw))) × \(cores) cores ÷ 4 nodes",
        raw * Double(cores) / 4, floor: 0.4
    ).report()
    let latencies = try bench.latencies(perSecond: 100, lasting: 10)
    let sync = try syncMilliseconds(in: network.directory)
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        Figure(
            "payments/latency-\(name)-at-100-per-second", percentile(share, of: latencies) * 1000, "ms",
            reference: "fdatasync of 4 KiB, median, ms", sync, floor: nil
        ).report()
    }
    let memory = try network.anonymousMemory().max() ?? 0
    Figure(
        "payments/memory-headroom-below-150-MB", 150e6 / Double(max(1, memory)), "x",
        reference: "largest RssAnon of a node, MB", 1, floor: 1
    ).report()
} catch {
    network.down()
    FileHandle.standardError.write(Data("payments: \(error)\n".utf8))
    exit(1)
}

/// What one durable write costs here: three of them lie between a proposal and its decision.
func syncMilliseconds(in directory: String) throws -> Double {
    let path = directory + "/sync-probe"
    let descriptor = open(path, O_RDWR | O_CREAT, 0o600)
    defer { close(descriptor) }
    let block = [UInt8](repeating: 1, count: 4096)
    return percentile(
        0.5,
        of: (0..<100).map { _ in
            let start = seconds()
            _ = write(descriptor, block, block.count)
            _ = fdatasync(descriptor)
            return (seconds() - start) * 1000
        })
}
