import TimeCoinCore

/// The votes of one type in one round, by place in the set; one a member.
///
/// What the rules ask is kept beside the votes, so that neither a vote nor a question walks over the members.
struct Tally: Hashable, Sendable {
    private(set) var votes: [VerifiedVote?]
    private(set) var weight: UInt64 = 0
    private(set) var nilWeight: UInt64 = 0
    /// Weight by value, nil left out; at most one entry a member.
    private var byValue: [(value: Hash256, weight: UInt64)] = []
    /// The first value among those of the highest weight.
    private var leading: (value: Hash256, weight: UInt64)?

    init(members: Int) {
        votes = [VerifiedVote?](repeating: nil, count: members)
    }

    /// Takes the first vote of a member; a later one changes nothing.
    mutating func add(_ vote: VerifiedVote, weight memberWeight: UInt64) {
        guard votes[vote.index] == nil else { return }
        votes[vote.index] = vote
        weight += memberWeight
        guard let value = vote.vote.value else {
            nilWeight += memberWeight
            return
        }
        let place = byValue.firstIndex { $0.value == value } ?? byValue.endIndex
        if place == byValue.endIndex { byValue.append((value, 0)) }
        byValue[place].weight += memberWeight
        if byValue[place].weight > leading?.weight ?? 0 { leading = byValue[place] }
    }

    /// The value, not nil, that more than two thirds voted for.
    func quorumValue(_ validators: ValidatorSet) -> Hash256? {
        guard let leading, validators.isQuorum(leading.weight) else { return nil }
        return leading.value
    }

    /// Whether no value and not nil either can still reach a quorum.
    func isHopeless(_ validators: ValidatorSet) -> Bool {
        let outstanding = validators.totalWeight - weight
        return !validators.isQuorum(max(nilWeight, leading?.weight ?? 0) + outstanding)
    }

    func votes(for value: Hash256) -> [VerifiedVote] {
        votes.compactMap { $0 }.filter { $0.vote.value == value }
    }

    /// One bit a member heard, lowest bit first.
    var bitmap: [UInt8] {
        var bitmap = [UInt8](repeating: 0, count: (votes.count + 7) / 8)
        for (index, vote) in votes.enumerated() where vote != nil {
            bitmap[index >> 3] |= 1 << UInt8(index & 7)
        }
        return bitmap
    }

    // The rest follows from the votes, but for the order of arrival.
    static func == (left: Tally, right: Tally) -> Bool { left.votes == right.votes }

    func hash(into hasher: inout Hasher) { hasher.combine(votes) }
}
