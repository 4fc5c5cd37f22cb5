import Testing
import TimeCoinCore
import TimeCoinStore

@testable import TimeCoinTesting

@Suite("Simulator")
struct SimulatorTests {
    @Test("no law is broken in runs of values without content", arguments: 1...12 as ClosedRange<UInt64>)
    func consensus(seed: UInt64) throws {
        let options = SimulationOptions(profile: .consensus, heights: 6)
        let outcome = try #require(SimulationRun.replay(seed: seed, options))
        #expect(outcome.violation == nil, "timecoin-simulator replay \(seed) \(options.arguments)")
        #expect(outcome.counts.heights >= 2)
    }

    @Test("no law is broken in runs of whole nodes", arguments: 1...6 as ClosedRange<UInt64>)
    func nodes(seed: UInt64) throws {
        let options = SimulationOptions(profile: .node, heights: 3)
        let outcome = try #require(SimulationRun.replay(seed: seed, options))
        #expect(outcome.violation == nil, "timecoin-simulator replay \(seed) \(options.arguments)")
        #expect(outcome.counts.heights >= 2)
    }

    @Test("K6: networks of one and of three start and decide", arguments: [1, 3], [2, 5] as [UInt64])
    func few(nodes: Int, seed: UInt64) throws {
        let options = SimulationOptions(profile: .node, nodes: nodes, heights: 3)
        let outcome = try #require(SimulationRun.replay(seed: seed, options))
        #expect(outcome.violation == nil, "timecoin-simulator replay \(seed) \(options.arguments)")
        #expect(outcome.counts.heights >= 2)
    }

    @Test("the same seed leaves the same trace, another another", arguments: SimulationProfile.allCases)
    func trace(profile: SimulationProfile) throws {
        let options = SimulationOptions(profile: profile, heights: 2)
        let traces = try [7, 7, 8].map { try #require(SimulationRun.replay(seed: $0, options)).trace }
        #expect(traces[0] == traces[1])
        #expect(traces[0] != traces[2])
    }

    @Test("real signatures change nothing that matters")
    func realSignatures() throws {
        var options = SimulationOptions(profile: .consensus, nodes: 4, heights: 2)
        options.realSignatures = true
        let outcome = try #require(SimulationRun.replay(seed: 3, options))
        #expect(outcome.violation == nil)
    }

    @Test("the arguments of a run say everything that its seed does not")
    func arguments() {
        var options = SimulationOptions(profile: .node, nodes: 5, heights: 7)
        options.without = [.loss, .setChanges]
        options.faultsFor = 900
        options.realSignatures = false
        let words = "--profile node --nodes 5 --heights 7 --without loss,set-changes --faults-for 900"
        #expect(options.arguments == words + " --no-real")
        options.realSignatures = true
        #expect(options.arguments == words + " --real")
    }

    @Test("leaving a fault out leaves it out")
    func without() throws {
        var options = SimulationOptions(profile: .consensus, heights: 4)
        options.without = Set(FaultClass.allCases)
        for seed in 1...4 as ClosedRange<UInt64> {
            let counts = try #require(SimulationRun.replay(seed: seed, options)).counts
            let kinds: [FaultKind] = [
                .lostMessage, .kill, .powerLoss, .partition, .doubleVote, .diskError, .setChange, .largeSet,
            ]
            #expect(kinds.allSatisfy { counts[$0] == 0 })
        }
    }

    @Test("a long run that saw no fault says so, a short one need not")
    func floors() throws {
        var options = SimulationOptions(profile: .consensus, nodes: 4, heights: 1)
        let outcome = try #require(SimulationRun.replay(seed: 1, options))
        var summary = SimulationSummary()
        summary.take(outcome)
        #expect(summary.missing(options).isEmpty)
        for _ in 1..<SimulationSummary.floorSeeds {
            summary.take(
                SimulationOutcome(
                    seed: 1, nodes: 4, counts: SimulationCounts(), trace: 0, violation: nil))
        }
        #expect(summary.missing(options).contains(FaultKind.tornWrite.rawValue))
        options.without = [.crashes]
        #expect(!summary.missing(options).contains(FaultKind.tornWrite.rawValue))
    }

    @Test("campaigns hand outcomes on in the order of their seeds")
    func order() async {
        var seeds: [UInt64] = []
        await SimulationRun.campaign(
            seeds: 1...6, SimulationOptions(profile: .consensus, nodes: 1, heights: 1), workers: 3
        ) { outcome in
            seeds.append(outcome.seed)
            return true
        }
        #expect(seeds == [1, 2, 3, 4, 5, 6])
    }
}
