// The consensus machine at the largest set: votes, certificates, memory.
//
// usage: consensus [MEMBERS]
import BenchmarkSupport
import Foundation
import TimeCoinConsensus
import TimeCoinCore

let argument = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) : ValidatorSet.membersMax
guard let members = argument, (4...ValidatorSet.membersMax).contains(members) else {
    FileHandle.standardError.write(Data("usage: consensus [MEMBERS]\n".utf8))
    exit(64)
}
let fixture = try ConsensusFixture(members: members)

// First, while nothing has been freed.
let memory = MemoryBenchmark(fixture: fixture)
_ = try memory.normal()
/// What is allowed for a member, everything held of it at once.
let bytesAMember = 8192.0
for (name, bytes) in [("memory", try memory.normal()), ("memory-under-attack", try memory.worst())] {
    Figure(
        "consensus/\(name)", Double(bytes), "B", reference: "8 KiB a member of \(members)",
        bytesAMember * Double(members), floor: nil, ceiling: 1
    ).report()
}

let votes = try VoteBenchmark(fixture)
var rates: [(name: String, rate: Double)] = [
    ("votes-of-whole-heights", 0), ("votes-while-deciding", 0), ("votes-refused", 0),
    ("votes-of-rounds-ahead", 0),
]
for _ in 0..<9 {
    rates[0].rate = max(rates[0].rate, try votes.taken(heights: 300))
    rates[1].rate = max(rates[1].rate, try votes.decided(heights: 300))
    rates[2].rate = max(rates[2].rate, try votes.refused(turns: 1000))
    rates[3].rate = max(rates[3].rate, try votes.future(rounds: 4))
}
for (name, rate) in rates {
    Figure(
        "consensus/\(name)-per-cpu-second", rate, "votes/s", reference: "asked for", 500_000, floor: 1
    ).report()
}

// In turns with the reference, because these machines drift.
let certificates = try CertificateBenchmark(fixture)
let turns = 10
var raw = Double.infinity
var verifying = Double.infinity
var decoding = Double.infinity
for _ in 0..<15 {
    raw = min(raw, try certificates.raw(turns: turns))
    verifying = min(verifying, try certificates.verifying(turns: turns))
    decoding = min(decoding, try certificates.decodingAndVerifying(turns: turns))
}
let signatures = Double(turns * members)
for (name, seconds) in [("verified", verifying), ("decoded-and-verified", decoding)] {
    Figure(
        "certificates/signatures-\(name)-per-cpu-second", signatures / seconds, "1/s",
        reference: "libsodium alone on the same signatures", signatures / raw, floor: 0.95
    ).report()
}
