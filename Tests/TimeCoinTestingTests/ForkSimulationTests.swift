import Testing

@testable import TimeCoinTesting

@Suite("Forks by more than f members")
struct ForkSimulationTests {
    @Test("every fork blames a third and no correct member; those who remain go on")
    func forks() async {
        var summary = ForkSummary()
        var violations: [String] = []
        await ForkRun.campaign(seeds: 1...700, nodes: nil, workers: 2) { outcome in
            summary.take(outcome)
            if let violation = outcome.violation { violations.append("seed \(outcome.seed): \(violation)") }
            return true
        }
        #expect(violations.isEmpty)
        #expect(summary.missing.isEmpty)
        #expect(summary.forked > 250 && summary[.recovered] > 250)
    }

    @Test("a seed is one run, whatever else runs")
    func deterministic() throws {
        for seed in [UInt64(3), 100, 4711] {
            let first = try #require(ForkRun.replay(seed: seed))
            let second = try #require(ForkRun.replay(seed: seed))
            #expect(first.trace == second.trace && first.kinds == second.kinds, "seed \(seed)")
        }
    }

    @Test("a run that saw no fork says what is missing")
    func floors() throws {
        var summary = ForkSummary()
        let quiet = try #require(
            (1...50).lazy.compactMap { ForkRun.replay(seed: $0) }.first { !$0.hasForked })
        for _ in 0..<ForkSummary.floorSeeds { summary.take(quiet) }
        #expect(summary.missing.contains(ForkKind.oneRound.rawValue))
        #expect(summary.missing.contains("a fork in every third run"))
    }
}
