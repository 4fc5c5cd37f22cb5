import TimeCoinCore

/// The votes of one type in one round, by place in the set; one a member.
struct Tally: Hashable, Sendable {
    private(set) var votes: [VerifiedVote?]
    private(set) var weight: UInt64 = 0
    /// Weight by value; at most one entry a member.
    private var byValue: [(value: Hash256?, weight: UInt64)] = []

    init(members: Int) {
        votes = [VerifiedVote?](repeating: nil, count: members)
    }

    func weight(of value: Hash256?) -> UInt64 {
        byValue.first { $0.value == value }?.weight ?? 0
    }

    /// Takes the first vote of a member; a later one changes nothing.
    mutating func add(_ vote: VerifiedVote, weight memberWeight: UInt64) {
        guard votes[vote.index] == nil else { return }
        votes[vote.index] = vote
        weight += memberWeight
        if let place = byValue.firstIndex(where: { $0.value == vote.vote.value }) {
            byValue[place].weight += memberWeight
        } else {
            byValue.append((vote.vote.value, memberWeight))
        }
    }

    /// The value, not nil, that more than two thirds voted for.
    func quorumValue(_ validators: ValidatorSet) -> Hash256? {
        byValue.first { $0.value != nil && validators.isQuorum($0.weight) }?.value
    }

    /// Whether no value and not nil either can still reach a quorum.
    func isHopeless(_ validators: ValidatorSet) -> Bool {
        let outstanding = validators.totalWeight - weight
        guard !validators.isQuorum(outstanding) else { return false }
        return byValue.allSatisfy { !validators.isQuorum($0.weight + outstanding) }
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

    static func == (left: Tally, right: Tally) -> Bool { left.votes == right.votes }

    func hash(into hasher: inout Hasher) { hasher.combine(votes) }
}

/// What is known of one round.
struct RoundState: Hashable, Sendable {
    struct KnownProposal: Hashable, Sendable {
        let verified: VerifiedProposal
        let isTimely: Bool

        var proposal: Proposal { verified.proposal }
    }

    /// In order of arrival; a second one is kept because the others may vote for it.
    var proposals: [KnownProposal] = []
    var prevotes: Tally
    var precommits: Tally

    static let proposalsMax = 2

    init(members: Int) {
        prevotes = Tally(members: members)
        precommits = Tally(members: members)
    }

    func tally(_ type: VoteType) -> Tally { type == .prevote ? prevotes : precommits }

    mutating func add(_ vote: VerifiedVote, weight: UInt64) {
        switch vote.vote.type {
        case .prevote: prevotes.add(vote, weight: weight)
        case .precommit: precommits.add(vote, weight: weight)
        }
    }
}
