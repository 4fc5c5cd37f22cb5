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
        await withTaskGroup(of: (UInt64, SimulationOutcome?).self) { group in
            var next: UInt64? = seeds.lowerBound
            var waiting: [UInt64: SimulationOutcome?] = [:]
            var due = seeds.lowerBound
            func add() {
                guard let seed = next else { return }
                next = seed < seeds.upperBound ? seed + 1 : nil
                group.addTask { (seed, replay(seed: seed, options)) }
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
