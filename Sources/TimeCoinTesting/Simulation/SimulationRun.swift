/// Runs simulations: one seed, or many on all cores.
public enum SimulationRun {
    /// One seed.
    ///
    /// - Parameter narrator: told what happens, line by line.
    /// - Returns: `nil` when the options make no world.
    public static func replay(
        seed: UInt64, _ options: SimulationOptions, narrator: ((String) -> Void)? = nil
    ) -> SimulationOutcome? {
        guard let world = SimulationWorld(SimulationPlan(seed: seed, options: options)) else { return nil }
        world.narrator = narrator
        return world.run()
    }

    /// All seeds of a range, some at a time; outcomes are handed on in the order of the seeds.
    ///
    /// - Parameter body: told each outcome; returning false ends the run after it.
    public static func campaign(
        seeds: ClosedRange<UInt64>, _ options: SimulationOptions, workers: Int,
        _ body: (SimulationOutcome) -> Bool
    ) async {
        await SeedCampaign.run(seeds: seeds, workers: workers, { replay(seed: $0, options) }, body)
    }
}

/// Runs the seeds of a range, some at a time, and hands on what comes of them in their order.
enum SeedCampaign {
    /// - Parameters:
    ///   - replay: one seed; `nil` where nothing comes of it.
    ///   - body: told each outcome; returning false ends the run after it.
    static func run<Outcome: Sendable>(
        seeds: ClosedRange<UInt64>, workers: Int, _ replay: @escaping @Sendable (UInt64) -> Outcome?,
        _ body: (Outcome) -> Bool
    ) async {
        await withTaskGroup(of: (UInt64, Outcome?).self) { group in
            var next: UInt64? = seeds.lowerBound
            var waiting: [UInt64: Outcome?] = [:]
            var due = seeds.lowerBound
            func add() {
                guard let seed = next else { return }
                next = seed < seeds.upperBound ? seed + 1 : nil
                group.addTask { (seed, replay(seed)) }
            }
            for _ in 0..<max(1, workers) { add() }
            while let (seed, outcome) = await group.next() {
                waiting[seed] = .some(outcome)
                while let outcome = waiting.removeValue(forKey: due) {
                    due += 1
                    if let outcome, !body(outcome) {
                        group.cancelAll()
                        return
                    }
                }
                add()
            }
        }
    }
}
