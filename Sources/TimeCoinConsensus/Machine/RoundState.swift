import TimeCoinCore

/// A proposal, and whether its time was near this node's clock when it first came.
struct KnownProposal: Hashable, Sendable {
    let verified: VerifiedProposal
    let isTimely: Bool

    var proposal: Proposal { verified.proposal }
}

/// What is known of one round.
struct RoundState: Hashable, Sendable {
    let number: Round
    /// In order of arrival; a second one is kept because the others may vote for it.
    var proposals: [KnownProposal] = []
    private(set) var prevotes: Tally
    private(set) var precommits: Tally

    static let proposalsMax = 2

    init(_ number: Round, members: Int) {
        self.number = number
        prevotes = Tally(members: members)
        precommits = Tally(members: members)
    }

    func tally(_ type: VoteType) -> Tally { type == .prevote ? prevotes : precommits }

    /// The vote of one member, if it is known.
    func vote(_ type: VoteType, of index: Int) -> VerifiedVote? {
        type == .prevote ? prevotes.votes[index] : precommits.votes[index]
    }

    mutating func add(_ vote: VerifiedVote, weight: UInt64) {
        switch vote.vote.type {
        case .prevote: prevotes.add(vote, weight: weight)
        case .precommit: precommits.add(vote, weight: weight)
        }
    }
}
