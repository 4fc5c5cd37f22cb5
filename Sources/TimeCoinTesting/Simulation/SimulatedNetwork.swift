/// The network between the members: decides of each message whether, when and how often it arrives.
struct SimulatedNetwork {
    private let plan: SimulationPlan
    private var random: SimulationRandom
    private var delays: SimulationRandom
    private(set) var counts = SimulationCounts()
    /// Whether messages from one (row) to another member are cut.
    private var cut: [[Bool]]
    private var partition = 0
    /// When the last message of each connection arrives: without reordering no later one comes before it.
    private var last: [[UInt64]]
    private var isHealed = false

    init(_ plan: SimulationPlan) {
        self.plan = plan
        random = SimulationRandom(seed: plan.seed, .network)
        delays = SimulationRandom(seed: plan.seed, .delays)
        let count = plan.weights.count
        cut = [[Bool]](repeating: [Bool](repeating: false, count: count), count: count)
        last = [[UInt64]](repeating: [UInt64](repeating: 0, count: count), count: count)
    }

    /// The times at which a message arrives: none, one or two.
    mutating func arrivals(from: Int, to: Int, at now: UInt64) -> (UInt64?, UInt64?) {
        guard !cut[from][to] else {
            counts[.cutMessage] += 1
            return (nil, nil)
        }
        if !isHealed, random.chance(permille: plan.loss) {
            counts[.lostMessage] += 1
            return (nil, nil)
        }
        let first = arrival(from: from, to: to, at: now)
        guard !isHealed, random.chance(permille: plan.duplication) else { return (first, nil) }
        counts[.doubledMessage] += 1
        return (first, arrival(from: from, to: to, at: now))
    }

    private mutating func arrival(from: Int, to: Int, at now: UInt64) -> UInt64 {
        var time = now + delays.within(plan.delay)
        if !isHealed, plan.reordering > 0 {
            if random.chance(permille: plan.reordering) {
                time += delays.within(1...plan.holdMax)
                counts[.heldMessage] += 1
            }
            return time
        }
        time = max(time, last[from][to])
        last[from][to] = time
        return time
    }

    /// Cuts members off from the rest, both ways or one; an earlier cut ends.
    ///
    /// - Parameter side: whether a member is on it, by number.
    mutating func separate(_ side: [Bool], isOneWay: Bool) -> Int {
        endPartition(partition)
        partition += 1
        for from in cut.indices {
            for to in cut.indices {
                cut[from][to] = isOneWay ? side[from] && !side[to] : side[from] != side[to]
            }
        }
        return partition
    }

    mutating func endPartition(_ number: Int) {
        guard number == partition else { return }
        for from in cut.indices {
            for to in cut.indices { cut[from][to] = false }
        }
    }

    mutating func heal() {
        endPartition(partition)
        isHealed = true
    }
}
