import Testing

@testable import TimeCoinTesting

@Suite("Shrinker")
struct SimulationShrinkerTests {
    /// A run in which a law is broken as soon as the power of some member fails.
    private func planted(_ options: SimulationOptions, seed: UInt64) -> Violation? {
        guard let world = SimulationWorld(SimulationPlan(seed: seed, options: options)) else { return nil }
        world.narrator = { [unowned world] line in
            if line.hasSuffix("is down (powerLost)") { world.monitor.fail(.fault, line) }
        }
        return world.run().violation
    }

    @Test(
        "a planted violation is reduced to what it needs, and still fails", arguments: [3, 8, 21] as [UInt64])
    func reduced(seed: UInt64) throws {
        // Seeds without a loss of power have nothing to shrink: the next one that has is taken.
        let options = SimulationOptions(profile: .consensus, nodes: 7, heights: 12)
        let failing = try #require((seed..<seed + 20).first { planted(options, seed: $0) != nil })
        var steps = 0
        let found = try #require(
            SimulationShrinker.shrink(options, progress: { _, _ in steps += 1 }) {
                planted($0, seed: failing)
            }, "seed \(failing)")
        #expect(found.violation.law == .fault, "seed \(failing)")
        #expect(found.options.without == Set(FaultClass.allCases).subtracting([.crashes]), "seed \(failing)")
        #expect(found.options.heights <= 2 && (found.options.nodes ?? 7) <= 3, "seed \(failing)")
        #expect(found.options.faultsFor ?? .max < 20_000 && steps > 10, "seed \(failing)")
        let again = planted(found.options, seed: failing)
        #expect(again == found.violation, "seed \(failing)")
    }

    @Test("another law is not what is looked for, and what breaks none is not shrunk")
    func sameLaw() throws {
        let options = SimulationOptions(profile: .consensus, nodes: 4, heights: 8)
        #expect(SimulationShrinker.shrink(options, progress: { _, _ in }) { _ in nil } == nil)
        let found = try #require(
            SimulationShrinker.shrink(options, progress: { _, _ in }) { options in
                // With loss left out something else fails, which is not to be taken for the same.
                Violation(
                    law: options.without.contains(.loss) ? .liveness : .agreement, message: "", time: 1000)
            })
        #expect(found.violation.law == .agreement)
        #expect(found.options.without == Set(FaultClass.allCases).subtracting([.loss]))
        #expect(found.options.nodes == 1 && found.options.heights == 1)
    }
}
