import TimeCoinCore

/// Who decides a height.
struct Electorate: Sendable {
    let validators: ValidatorSet
    /// Numbers of the members, by their place in the set.
    let numbers: [Int]
    /// Weights by number; 0 for who is no member.
    let weights: [UInt64]

    /// - Parameter keys: those of all, by number.
    init?(weights: [UInt64], keys: SimulatedKeys) {
        let members = weights.indices.filter { weights[$0] > 0 }
        let set = try? ValidatorSet(
            members.map { Member(operatorKey: keys.keys[$0], weight: weights[$0]) })
        guard let set else { return nil }
        validators = set
        numbers = set.members.compactMap { keys.number(of: $0.operatorKey) }
        self.weights = weights
    }

    /// Of a set that is there already.
    init(_ validators: ValidatorSet, keys: SimulatedKeys) {
        self.validators = validators
        numbers = validators.members.compactMap { keys.number(of: $0.operatorKey) }
        weights = keys.keys.map { key in
            validators.index(of: key).map { validators.members[$0].weight } ?? 0
        }
    }

    /// Summed here again, and not by what is under test.
    func isQuorum(_ mask: MemberMask) -> Bool {
        let weight = numbers.reduce(UInt64(0)) { mask.contains($1) ? $0 + weights[$1] : $0 }
        return 3 * weight > 2 * validators.totalWeight
    }
}

/// The members of every height: always the same ones, or others from one height to the next, as a registry
/// would have them. A function of the run's seed, so that all nodes have the same without telling each other.
///
/// At every height correct members are a quorum, whatever weights the draws give.
final class SimulatedSets {
    private let keys: SimulatedKeys
    private let isBad: [Bool]
    private let isChanging: Bool
    /// Members without a machine: the last numbers.
    private let sleepers: Int
    private var random: SimulationRandom
    private var electorates: [Electorate]
    private(set) var counts = SimulationCounts()

    private static let sizes = [1, 3, 3, 4, 4, 4]
    private static let usualWeights: [UInt64] = [1, 1, 1, 2, 3, 10, 100]
    /// Draws until one leaves correct members a quorum; then the set stays.
    private static let drawsMax = 6

    /// One set for every height.
    init(constant electorate: Electorate, keys: SimulatedKeys) {
        self.keys = keys
        isBad = electorate.weights.map { _ in false }
        isChanging = false
        sleepers = 0
        random = SimulationRandom(seed: 0, .sets)
        electorates = [electorate]
        note(electorate)
    }

    init?(_ plan: SimulationPlan, _ keys: SimulatedKeys) {
        self.keys = keys
        isBad = keys.keys.indices.map { $0 >= plan.weights.count || plan.habits[$0] != nil }
        isChanging = plan.changesSets
        sleepers = plan.sleepers
        random = SimulationRandom(seed: plan.seed, .sets)
        // Whoever sleeps has the least weight that there is.
        let scale: UInt64 = plan.sleepers > 0 ? 10_000 : 1
        let weights =
            plan.weights.map { $0 * scale } + [UInt64](repeating: 1, count: plan.sleepers)
        guard let first = Electorate(weights: weights, keys: keys) else { return nil }
        electorates = [first]
        if isChanging { electorates = [draw(SimulatedSets.fresh, after: first) ?? first] }
        note(electorates[0])
    }

    /// Who decides a height. Heights far beyond those that were asked for have nobody of their own.
    func electorate(of height: Height) -> Electorate {
        guard isChanging, height > 0 else { return electorates[0] }
        let place = Int(clamping: min(height - 1, UInt64(electorates.count) + 64))
        while electorates.count <= place {
            let last = electorates[electorates.count - 1]
            let next = change(last)
            count(from: last, to: next)
            electorates.append(next)
        }
        return electorates[place]
    }

    /// Members of the largest set so far.
    private(set) var membersMax = 0

    // MARK: - Draws

    private typealias Change = (SimulatedSets) -> ([UInt64]) -> [UInt64]

    private func change(_ current: Electorate) -> Electorate {
        let kinds: [Change] = [
            SimulatedSets.joined, SimulatedSets.left, SimulatedSets.reweighed, SimulatedSets.reweighed,
            SimulatedSets.heaviest, SimulatedSets.replaced, SimulatedSets.fresh,
        ]
        guard random.chance(permille: 700), let kind = random.pick(kinds) else { return current }
        return draw(kind, after: current) ?? current
    }

    private func draw(_ change: Change, after current: Electorate) -> Electorate? {
        for _ in 0..<SimulatedSets.drawsMax {
            let weights = change(self)(current.weights)
            guard weights != current.weights, holds(weights) else { continue }
            return Electorate(weights: weights, keys: keys)
        }
        return nil
    }

    private func holds(_ weights: [UInt64]) -> Bool {
        var (total, bad) = (UInt64(0), UInt64(0))
        for number in weights.indices {
            guard weights[number] <= ValidatorSet.totalWeightMax - total else { return false }
            total += weights[number]
            if isBad[number] { bad += weights[number] }
        }
        return total > 0 && 3 * bad < total
    }

    /// Those who have a machine; who sleeps stays as it is.
    private var seats: [Int] { isBad.indices.filter { $0 < isBad.count - sleepers } }

    private func drawWeight() -> UInt64 {
        let scale: UInt64 = sleepers > 0 ? 10_000 : 1
        return (random.pick(SimulatedSets.usualWeights) ?? 1) * scale
    }

    private func joined(_ weights: [UInt64]) -> [UInt64] {
        var weights = weights
        if let number = random.pick(seats.filter { weights[$0] == 0 }) { weights[number] = drawWeight() }
        return weights
    }

    private func left(_ weights: [UInt64]) -> [UInt64] {
        var weights = weights
        if let number = random.pick(seats.filter { weights[$0] > 0 }) { weights[number] = 0 }
        return weights
    }

    private func reweighed(_ weights: [UInt64]) -> [UInt64] {
        var weights = weights
        if let number = random.pick(seats.filter { weights[$0] > 0 }) { weights[number] = drawWeight() }
        return weights
    }

    /// All the weight that there can be.
    private func heaviest(_ weights: [UInt64]) -> [UInt64] {
        var weights = weights
        let members = seats.filter { weights[$0] > 0 }
        var left = ValidatorSet.totalWeightMax - UInt64(sleepers)
        for (order, number) in members.enumerated() {
            let others = UInt64(members.count - order - 1)
            let even = left / (others + 1)
            weights[number] = others == 0 ? left : even - random.below(even / 8)
            left -= weights[number]
        }
        return weights
    }

    /// Nobody stays who was there.
    private func replaced(_ weights: [UInt64]) -> [UInt64] {
        chosen(of: seats.filter { weights[$0] == 0 }, weights)
    }

    private func fresh(_ weights: [UInt64]) -> [UInt64] { chosen(of: seats, weights) }

    private func chosen(of candidates: [Int], _ weights: [UInt64]) -> [UInt64] {
        var (weights, candidates) = (weights, candidates)
        guard !candidates.isEmpty else { return weights }
        for number in seats { weights[number] = 0 }
        let isEqual = random.chance(permille: 500)
        let size = random.pick(SimulatedSets.sizes + [candidates.count]) ?? 1
        for _ in 0..<min(size, candidates.count) {
            let number = candidates.remove(at: random.below(candidates.count))
            weights[number] = isEqual ? (sleepers > 0 ? 10_000 : 1) : drawWeight()
        }
        return weights
    }

    // MARK: - Counts

    private func note(_ electorate: Electorate) {
        membersMax = max(membersMax, electorate.numbers.count)
        if electorate.numbers.count >= 100 { counts[.largeSet] += 1 }
    }

    private func count(from last: Electorate, to next: Electorate) {
        note(next)
        guard next.weights != last.weights else { return }
        counts[.setChange] += 1
        if next.validators.totalWeight == ValidatorSet.totalWeightMax { counts[.heaviestSet] += 1 }
        if seats.allSatisfy({ last.weights[$0] == 0 || next.weights[$0] == 0 }) { counts[.setReplaced] += 1 }
        if next.numbers.count == 1 { counts[.singleMember] += 1 }
        counts[.memberJoined] += UInt64(seats.count { last.weights[$0] == 0 && next.weights[$0] > 0 })
        counts[.memberLeft] += UInt64(seats.count { last.weights[$0] > 0 && next.weights[$0] == 0 })
    }
}
