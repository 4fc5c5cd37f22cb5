/// Two statements of one member that a correct member never makes both, whatever it hears, and however often
/// it crashes.
public enum Misbehaviour: Hashable, Sendable {
    /// Two votes at one position.
    case votes(SignedVote, SignedVote)
    /// Two proposals at one position.
    case proposals(SignedProposal, SignedProposal)
    /// A precommit, and in a later round a prevote for another value that names no polka since.
    case amnesia(precommit: SignedVote, prevote: SignedVote)

    /// Its name in answers.
    public var kind: String {
        switch self {
        case .votes: "two-votes"
        case .proposals: "two-proposals"
        case .amnesia: "amnesia"
        }
    }

    /// Who made them.
    public var member: PublicKey {
        switch self {
        case .votes(let first, _), .amnesia(let first, _): first.member
        case .proposals(let first, _): first.proposer
        }
    }

    /// The height that they are about.
    public var height: Height {
        switch self {
        case .votes(let first, _), .amnesia(let first, _): first.vote.height
        case .proposals(let first, _): first.proposal.height
        }
    }

    /// The same pair in the one order that it is named by.
    public var canonical: Misbehaviour {
        switch self {
        case .votes(let first, let second):
            Misbehaviour.isOrdered(first.encode, second.encode) ? self : .votes(second, first)
        case .proposals(let first, let second):
            Misbehaviour.isOrdered(first.encode, second.encode) ? self : .proposals(second, first)
        case .amnesia: self
        }
    }

    /// Whether one member cannot rightly have said both. Signatures are another question.
    public var isContradiction: Bool {
        switch self {
        case .votes(let first, let second):
            first.member == second.member && first.vote.type == second.vote.type
                && first.vote.height == second.vote.height && first.vote.round == second.vote.round
                && first.vote != second.vote
        case .proposals(let first, let second):
            first.proposer == second.proposer && first.proposal.height == second.proposal.height
                && first.proposal.round == second.proposal.round && first.proposal != second.proposal
        case .amnesia(let precommit, let prevote):
            precommit.member == prevote.member && precommit.vote.forgets(prevote.vote)
        }
    }

    private static func isOrdered(
        _ first: (inout ByteWriter) -> Void, _ second: (inout ByteWriter) -> Void
    ) -> Bool {
        var left = ByteWriter()
        var right = ByteWriter()
        first(&left)
        second(&right)
        return !right.bytes.lexicographicallyPrecedes(left.bytes)
    }
}

extension Vote {
    /// Whether this precommit was forgotten by who casts that prevote: it is for another value in a later
    /// round, and no polka since is named that could have moved the lock.
    public func forgets(_ prevote: Vote) -> Bool {
        guard type == .precommit, prevote.type == .prevote, prevote.height == height, prevote.round > round,
            let value, let other = prevote.value, value != other
        else { return false }
        return prevote.validRound.map { $0 < round } ?? true
    }
}
