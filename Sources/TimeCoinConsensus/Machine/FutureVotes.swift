import TimeCoinCore

/// Votes of rounds above the current one: each member's highest prevote and highest precommit, so that
/// nobody fills the memory with rounds, and the weight that votes in each of these rounds.
struct FutureVotes: Hashable, Sendable {
    private var prevotes: [VerifiedVote?]
    private var precommits: [VerifiedVote?]
    /// By round, lowest first; none without weight. A member counts once a round and for at most two.
    private var weights: [RoundWeight] = []
    /// L55: the highest round in which members with more than a third of the weight vote.
    private(set) var roundOfThird: Round?

    private struct RoundWeight: Hashable, Sendable {
        let round: Round
        var weight: UInt64
    }

    init(members: Int) {
        prevotes = [VerifiedVote?](repeating: nil, count: members)
        precommits = prevotes
    }

    /// Votes held.
    var count: Int { prevotes.count { $0 != nil } + precommits.count { $0 != nil } }

    func vote(_ type: VoteType, of index: Int) -> VerifiedVote? {
        type == .prevote ? prevotes[index] : precommits[index]
    }

    /// Takes a vote of a higher round than the one held of this member and type, which it replaces.
    mutating func take(_ vote: VerifiedVote, _ validators: ValidatorSet) {
        let type = vote.vote.type
        let weight = validators.members[vote.index].weight
        let other = self.vote(type == .prevote ? .precommit : .prevote, of: vote.index)?.vote.round
        if let left = self.vote(type, of: vote.index)?.vote.round, left != other {
            let place = place(of: left)
            weights[place].weight -= weight
            if weights[place].weight == 0 { weights.remove(at: place) }
        }
        if vote.vote.round != other {
            let place = place(of: vote.vote.round)
            if place == weights.endIndex || weights[place].round != vote.vote.round {
                weights.insert(RoundWeight(round: vote.vote.round, weight: 0), at: place)
            }
            weights[place].weight += weight
        }
        switch type {
        case .prevote: prevotes[vote.index] = vote
        case .precommit: precommits[vote.index] = vote
        }
        findThird(validators)
    }

    /// Takes out what is not above a round that is entered; calls `body` with the votes of that round.
    mutating func leave(upTo round: Round, _ validators: ValidatorSet, _ body: (VerifiedVote) -> Void) {
        for index in prevotes.indices {
            if let vote = prevotes[index], vote.vote.round <= round {
                if vote.vote.round == round { body(vote) }
                prevotes[index] = nil
            }
            if let vote = precommits[index], vote.vote.round <= round {
                if vote.vote.round == round { body(vote) }
                precommits[index] = nil
            }
        }
        weights.removeAll { $0.round <= round }
        findThird(validators)
    }

    private mutating func findThird(_ validators: ValidatorSet) {
        roundOfThird = weights.last { validators.isThird($0.weight) }?.round
    }

    /// The place of a round in `weights`, or where it belongs.
    private func place(of round: Round) -> Int {
        var low = 0
        var high = weights.count
        while low < high {
            let middle = (low + high) / 2
            if weights[middle].round < round { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
