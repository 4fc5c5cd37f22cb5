public import TimeCoinCore

/// A machine's facts for people who ask what it waits for. It holds no time: the machine knows none.
public struct ConsensusStatus: Hashable, Sendable {
    /// What a member said in one step of the current round.
    public enum Word: Hashable, Sendable {
        case missing
        /// It voted for no value.
        case nothing
        case value(Hash256)
    }

    /// A member and its words in the current round.
    public struct Voter: Hashable, Sendable {
        public let key: PublicKey
        public let weight: UInt64
        public let prevote: Word
        public let precommit: Word

        public func word(_ type: VoteType) -> Word { type == .prevote ? prevote : precommit }
    }

    /// Weight by what was said; the three parts are the total weight.
    public struct Count: Hashable, Sendable {
        public let values: UInt64
        public let nothing: UInt64
        public let missing: UInt64

        public var heard: UInt64 { values + nothing }
    }

    /// What is known of the current round's proposal.
    public enum ProposalState: String, Hashable, Sendable {
        case missing
        /// Its block is not here yet, or not executed.
        case unjudged
        case valid
        case invalid
    }

    /// What has to come for the machine to act, timeouts aside.
    public enum Awaited: String, Hashable, Sendable {
        /// That round 0 begins: a block is due, a transaction waits, or others vote.
        case start
        /// A block of this node's own, to propose.
        case ownBlock = "own-block"
        case proposal
        /// That the block of a proposal, or one that a quorum voted for, arrives and is executed.
        case block
        /// The prevotes of the round in which a value that is proposed again had a quorum.
        case earlierPrevotes = "earlier-prevotes"
        case prevotes
        case precommits
        /// Nothing: the height is decided.
        case nothing
    }

    public let height: Height
    public let round: Round
    public let step: ConsensusStep
    public let hasStarted: Bool
    public let proposer: PublicKey
    /// Of the first proposal known, when there are two.
    public let proposal: ProposalState
    public let proposedValue: Hash256?
    public let locked: ConsensusMachine.ValidValue?
    public let valid: ConsensusMachine.ValidValue?
    /// In the order of the set.
    public let voters: [Voter]
    public let totalWeight: UInt64
    /// The least weight that is strictly more than two thirds.
    public let quorumWeight: UInt64
    public let timers: [Timeout]
    public let awaited: Awaited
    /// The block whose verdict is wanted first.
    public let awaitedBlock: Hash256?

    /// Whose words of the awaited kind have not come; empty when no votes are awaited.
    public var missing: [Voter] { awaitedVotes.map { voters(saying: .missing, $0) } ?? [] }

    /// The type of votes that are awaited.
    public var awaitedVotes: VoteType? {
        switch awaited {
        case .prevotes: .prevote
        case .precommits: .precommit
        default: nil
        }
    }

    public func voters(saying word: Word, _ type: VoteType) -> [Voter] {
        voters.filter { $0.word(type) == word }
    }

    public func count(_ type: VoteType) -> Count {
        var (values, nothing, missing): (UInt64, UInt64, UInt64) = (0, 0, 0)
        for voter in voters {
            switch voter.word(type) {
            case .missing: missing += voter.weight
            case .nothing: nothing += voter.weight
            case .value: values += voter.weight
            }
        }
        return Count(values: values, nothing: nothing, missing: missing)
    }

    /// The weight whose votes are still needed until a quorum has voted, for whatever; 0 if it has.
    public func weightLacking(_ type: VoteType) -> UInt64 {
        let heard = count(type).heard
        return quorumWeight > heard ? quorumWeight - heard : 0
    }
}

extension ConsensusMachine {
    /// What this machine knows and waits for.
    public var status: ConsensusStatus {
        let state = rounds[current]
        let voters = validators.members.indices.map { index in
            ConsensusStatus.Voter(
                key: validators.members[index].operatorKey, weight: validators.members[index].weight,
                prevote: word(state.vote(.prevote, of: index)),
                precommit: word(state.vote(.precommit, of: index)))
        }
        let proposed = state.proposals.first?.proposal.value
        let judged = requests.lazy.compactMap { if case .judge(let value) = $0 { value } else { nil } }
        return ConsensusStatus(
            height: height, round: round, step: step, hasStarted: hasStarted,
            proposer: proposer(of: round), proposal: proposed.map(proposalState) ?? .missing,
            proposedValue: proposed, locked: locked, valid: valid, voters: voters,
            totalWeight: validators.totalWeight, quorumWeight: validators.totalWeight * 2 / 3 + 1,
            timers: timers, awaited: awaited(state), awaitedBlock: judged.first)
    }

    private func word(_ vote: VerifiedVote?) -> ConsensusStatus.Word {
        guard let vote else { return .missing }
        return vote.vote.value.map { .value($0) } ?? .nothing
    }

    private func proposalState(_ value: Hash256) -> ConsensusStatus.ProposalState {
        verdicts[value].map { $0 ? .valid : .invalid } ?? .unjudged
    }

    private func awaited(_ state: RoundState) -> ConsensusStatus.Awaited {
        guard decision == nil else { return .nothing }
        // L49: only the verdict is missing.
        guard commits.allSatisfy({ verdicts[$0.certificate.value] != nil }) else { return .block }
        guard hasStarted else { return .start }
        switch step {
        case .propose:
            guard let known = state.proposals.first else { return awaitsValue ? .ownBlock : .proposal }
            // L22, L28: both are answered when the verdict is known, one also needs its polka.
            if verdicts[known.proposal.value] == nil { return .block }
            return known.proposal.validRound == nil ? .block : .earlierPrevotes
        case .prevote:
            // L36: there is a polka; proposal and verdict are missing.
            guard let value = state.prevotes.quorumValue(validators) else { return .prevotes }
            return state.proposals.contains { $0.proposal.value == value } ? .block : .proposal
        case .precommit: return .precommits
        }
    }
}
