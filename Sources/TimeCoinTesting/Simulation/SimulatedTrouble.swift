/// When what goes wrong: a stream of its own for every kind, so that leaving out one moves no other.
struct SimulatedTrouble {
    private let plan: SimulationPlan
    var partitions: SimulationRandom
    var crashes: SimulationRandom
    var disks: SimulationRandom
    var clocks: SimulationRandom
    var byzantine: SimulationRandom
    private var times: [FaultClass: SimulationRandom] = [:]

    private static let scheduled: [FaultClass] = [
        .partitions, .crashes, .diskErrors, .fullDisks, .clockJumps, .freezes,
    ]

    init(_ plan: SimulationPlan) {
        self.plan = plan
        partitions = SimulationRandom(seed: plan.seed, .partitions)
        crashes = SimulationRandom(seed: plan.seed, .crashes)
        disks = SimulationRandom(seed: plan.seed, .disks, -1)
        clocks = SimulationRandom(seed: plan.seed, .clocks)
        byzantine = SimulationRandom(seed: plan.seed, .byzantine)
        for (number, fault) in SimulatedTrouble.scheduled.enumerated() {
            times[fault] = SimulationRandom(seed: plan.seed, .crashes, number + 1)
        }
    }

    private func mean(_ fault: FaultClass) -> UInt64? {
        switch fault {
        case .partitions: plan.partitionsEvery
        case .crashes: plan.crashesEvery
        case .diskErrors: plan.diskErrorsEvery
        case .fullDisks: plan.fullDisksEvery
        case .clockJumps: plan.jumpsEvery
        case .freezes: plan.freezesEvery
        default: nil
        }
    }

    /// The first of each kind.
    mutating func firsts() -> [(FaultClass, UInt64)] {
        SimulatedTrouble.scheduled.compactMap { fault in next(fault, after: 0).map { (fault, $0) } }
    }

    mutating func next(_ fault: FaultClass, after now: UInt64) -> UInt64? {
        guard let mean = mean(fault), let wait = times[fault]?.within(mean / 2...mean * 3 / 2) else {
            return nil
        }
        return now + wait
    }

    /// Millionths, either way.
    mutating func drawDrift() -> Int64? {
        guard plan.driftMax > 0 else { return nil }
        return Int64(clocks.within(0...2 * plan.driftMax)) - Int64(plan.driftMax)
    }
}
