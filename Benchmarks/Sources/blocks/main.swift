// Verification of blocks without input and output, next to libsodium alone in the same run.
//
// usage: blocks [PAYMENTS]
import BenchmarkSupport
import CAllocationCount
import Foundation
import TimeCoinCore

guard let count = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) : 5000 else {
    FileHandle.standardError.write(Data("usage: blocks [PAYMENTS]\n".utf8))
    exit(64)
}
let cores = ProcessInfo.processInfo.activeProcessorCount
let fixture = try BlockFixture(transactions: count)

/// The best of some turns: what the machine can do when nothing else runs.
func best(_ turns: Int, by clock: () -> Double = seconds, _ body: () async throws -> Void) async throws
    -> Double
{
    var least = Double.infinity
    for _ in 0..<turns {
        let start = clock()
        try await body()
        least = min(least, clock() - start)
    }
    return least
}

try await fixture.verify()
// In turns with the reference, because these machines drift.
var raw = 0.0
var rawAll = 0.0
var processor = Double.infinity
var elapsed = Double.infinity
for _ in 0..<9 {
    raw = max(raw, RawSodium.verificationsPerSecond(lasting: 0.3))
    processor = min(processor, try await best(1, by: processorSeconds) { try await fixture.verify() })
    rawAll = max(rawAll, await RawSodium.verificationsPerSecond(lasting: 0.3, threads: cores))
    elapsed = min(elapsed, try await best(1) { try await fixture.verify() })
}
Figure(
    "blocks/verified-per-cpu-second", Double(count) / processor, "tx/s",
    reference: "libsodium verifications a second on one core", raw, floor: 0.92
).report()
Figure(
    "blocks/verified-per-second-all-cores", Double(count) / elapsed, "tx/s",
    reference: "libsodium verifications a second on \(cores) cores", rawAll, floor: 0.92
).report()

let encoded = fixture.encoded
let decoding = try await best(10) { _ = try Block(decoding: encoded) }
Figure(
    "blocks/decoding", decoding * 1000, "ms",
    reference: "verifying its \(count) signatures, ms, of which at most 5 % are asked for",
    Double(count) / raw * 1000, floor: nil, ceiling: 0.05
).report()

let bytes = try Block(decoding: encoded).transactions.map(\.encoded)
let checking = try await best(10) {
    for transaction in bytes { _ = try CheckedTransaction(decoding: transaction) }
}
Figure(
    "transactions/decoded-checked-and-named-per-cpu-second", Double(count) / checking, "tx/s",
    reference: "asked for", 500_000, floor: 1
).report()

let worst = try WorstTransaction()
let judging = try await best(3) { try worst.judge() }
Figure(
    "transactions/worst-to-judge", judging, "s", reference: "asked for at most, s", 0.5, floor: nil,
    ceiling: 1
).report()

let before = allocation_count()
try await fixture.verify()
Figure(
    "blocks/allocations-per-transaction", Double(allocation_count() - before) / Double(count), "1",
    reference: "one each for transaction, two scripts and the lists of inputs and outputs", 5, floor: nil
).report()
