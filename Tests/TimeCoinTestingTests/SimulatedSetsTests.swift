import Testing
import TimeCoinCore

@testable import TimeCoinTesting

@Suite("Sets of a simulation")
struct SimulatedSetsTests {
    private func plan(_ seed: UInt64) -> SimulationPlan {
        SimulationPlan(seed: seed, options: SimulationOptions(profile: .consensus))
    }

    private func sets(_ plan: SimulationPlan) throws -> SimulatedSets {
        let keys = try #require(
            SimulatedKeys(count: plan.weights.count, sleepers: plan.sleepers, isReal: false))
        return try #require(SimulatedSets(plan, keys))
    }

    @Test("whatever is drawn, those who are correct and awake are a quorum at every height")
    func quorum() throws {
        var counts = SimulationCounts()
        let plans = (0..<2000).map(plan)
        for plan in plans.prefix(200) + plans.filter({ $0.sleepers > 0 }) {
            let seed = plan.seed
            let sets = try sets(plan)
            for height in 1...30 as ClosedRange<Height> {
                let electorate = sets.electorate(of: height)
                let awake = plan.habits.indices.filter { plan.habits[$0] == nil }
                let weight = awake.reduce(UInt64(0)) { $0 + electorate.weights[$1] }
                #expect(electorate.validators.isQuorum(weight), "seed \(seed) height \(height)")
                #expect(electorate.numbers.count == electorate.weights.count { $0 > 0 })
                if !plan.changesSets { #expect(electorate.weights == sets.electorate(of: 1).weights) }
            }
            counts += sets.counts
        }
        let kinds: [FaultKind] = [
            .setChange, .setReplaced, .memberJoined, .memberLeft, .heaviestSet, .singleMember, .largeSet,
        ]
        for kind in kinds { #expect(counts[kind] > 0, "\(kind) never came about") }
    }

    @Test("sets follow from the seed, and are the same in whatever order heights are asked for")
    func order() throws {
        let changing = try #require((0..<100).map(plan).first { $0.changesSets })
        let (first, second) = (try sets(changing), try sets(changing))
        let late = second.electorate(of: 25).weights
        let weights = (1...25 as ClosedRange<Height>).map { first.electorate(of: $0).weights }
        #expect(weights.last == late)
        #expect(weights == (1...25).map { second.electorate(of: $0).weights })
        #expect(Set(weights).count > 3)
    }

    @Test("no law is broken where sets change", arguments: 0..<8)
    func run(number: Int) throws {
        let options = SimulationOptions(profile: .consensus, heights: 8)
        let seeds = (0..<200 as Range<UInt64>).filter {
            SimulationPlan(seed: $0, options: options).changesSets
        }
        let outcome = try #require(SimulationRun.replay(seed: seeds[number], options))
        #expect(
            outcome.violation == nil, "timecoin-simulator replay \(seeds[number]) \(options.arguments)")
        #expect(outcome.counts[.setChange] > 0)
    }
}
