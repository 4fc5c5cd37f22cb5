import TimeCoinCore

/// What members gone bad do towards one group of correct members in one round.
enum ForkHelp: UInt64, CaseIterable, Sendable {
    /// Prevote and precommit what the group has before it: it decides.
    case decide
    /// Prevote it alone: the group locks; the precommits are kept for later.
    case lock
    /// Vote nil, so that the round passes.
    case refuse
    /// Prevote and precommit as if deciding, but say it to nobody: what certificates come of it, only they
    /// know.
    case conceal
}

/// A run's particulars, all drawn from its seed: who is bad, who hears whom, and what the bad do.
struct ForkPlan: Sendable {
    let seed: UInt64
    let weights: [UInt64]
    /// By place in the set: whether the member went bad. More than a third of the weight, less than two.
    let isBad: [Bool]
    /// By place in the set: the group of a correct member, 0 or 1. Messages cross only sometimes.
    let groups: [Int]
    /// Messages of a thousand that cross from one group to the other before the end.
    let crossing: UInt64
    /// Whether the bad propose other values to the two groups.
    let isEquivocating: Bool
    /// Rounds after which the members give up.
    let roundsMax: Round
    let isReal: Bool

    static let membersRange = 4...7
    private static let drawsMax = 64

    /// `nil` where no draw gives two groups that each are a quorum together with the bad.
    init?(seed: UInt64, nodes: Int?) {
        var random = SimulationRandom(seed: seed, .plan, 7)
        self.seed = seed
        isReal = random.below(100) as UInt64 == 0
        crossing = random.chance(permille: 500) ? 0 : random.within(50...500)
        isEquivocating = random.chance(permille: 600)
        roundsMax = Round(random.within(3...8))
        for _ in 0..<ForkPlan.drawsMax {
            let count = nodes ?? 4 + random.below(4)
            let isEqual = random.chance(permille: 700)
            let weights = (0..<count).map { _ in isEqual ? 1 : random.within(1...4) }
            let total = weights.reduce(0, +)
            let isBad = weights.map { _ in random.chance(permille: 480) }
            let bad = zip(weights, isBad).reduce(UInt64(0)) { $0 + ($1.1 ? $1.0 : 0) }
            let groups = weights.indices.map { _ in random.below(2) }
            let parts = (0..<2).map { group in
                weights.indices.reduce(UInt64(0)) {
                    $0 + (!isBad[$1] && groups[$1] == group ? weights[$1] : 0)
                }
            }
            guard 3 * bad > total, 3 * bad <= 2 * total, parts.allSatisfy({ 3 * ($0 + bad) > 2 * total }),
                parts.allSatisfy({ $0 > 0 })
            else { continue }
            self.weights = weights
            self.isBad = isBad
            self.groups = groups
            return
        }
        return nil
    }
}
