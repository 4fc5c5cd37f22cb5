/// Makes a failing run smaller as long as it breaks the same law.
public enum SimulationShrinker {
    /// Runs that are tried at most.
    public static let attemptsMax = 200

    /// - Parameter progress: told each smaller one.
    /// - Returns: the smallest found; `nil` when the seed breaks no law.
    public static func shrink(
        seed: UInt64, _ options: SimulationOptions, progress: (SimulationOptions, Violation) -> Void
    ) -> (options: SimulationOptions, violation: Violation)? {
        shrink(options, progress: progress) { SimulationRun.replay(seed: seed, $0)?.violation }
    }

    /// - Parameter violation: what a run with these options breaks, if anything.
    static func shrink(
        _ options: SimulationOptions, progress: (SimulationOptions, Violation) -> Void,
        violation: (SimulationOptions) -> Violation?
    ) -> (options: SimulationOptions, violation: Violation)? {
        guard let first = violation(options) else { return nil }
        var best = (options: options, violation: first)
        var attempts = 0
        var isSmaller = true
        while isSmaller {
            isSmaller = false
            for candidate in smaller(best.options, failingAt: best.violation.time) {
                guard attempts < attemptsMax else { return best }
                attempts += 1
                guard let found = violation(candidate), found.law == first.law else { continue }
                best = (candidate, found)
                progress(candidate, found)
                isSmaller = true
                break
            }
        }
        return best
    }

    /// One step smaller, the largest steps first.
    private static func smaller(_ options: SimulationOptions, failingAt time: UInt64) -> [SimulationOptions] {
        var candidates: [SimulationOptions] = []
        func add(_ change: (inout SimulationOptions) -> Void) {
            var candidate = options
            change(&candidate)
            if candidate != options { candidates.append(candidate) }
        }
        for fault in FaultClass.allCases where !options.without.contains(fault) {
            add { $0.without.insert(fault) }
        }
        for nodes in [1, 3, 4, 5, 7] where nodes < options.nodes ?? SimulationOptions.nodesMax {
            add { $0.nodes = nodes }
        }
        for heights in [1, options.heights / 2, options.heights - 1] where heights > 0 {
            add { $0.heights = min(heights, options.heights) }
        }
        // What happens after the violation is of no use to it.
        let window = options.faultsFor ?? SimulationPlan.usualFaults(heights: options.heights)
        for shorter in [time / 2, time * 9 / 10, time + 1] where shorter > 0 && shorter < window {
            add { $0.faultsFor = shorter }
        }
        return candidates
    }
}
