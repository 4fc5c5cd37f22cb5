/// The two kinds of votes; PBFT calls them prepare and commit.
public enum VoteType: UInt8, Hashable, Sendable, CaseIterable {
    case prevote = 1
    case precommit = 2
}

/// What a member says in one step of one round: this value, or none.
public struct Vote: Hashable, Sendable {
    public let type: VoteType
    public let height: Height
    public let round: Round
    /// `nil` votes for no value.
    public let value: Hash256?
    /// The round whose polka justifies a prevote against an own lock; only prevotes have one.
    public let validRound: Round?

    public init(type: VoteType, height: Height, round: Round, value: Hash256?, validRound: Round? = nil) {
        self.type = type
        self.height = height
        self.round = round
        self.value = value
        self.validRound = type == .prevote ? validRound : nil
    }

    /// Only a prevote for a value has a valid round, and one below its own.
    var isWellFormed: Bool {
        guard let validRound else { return true }
        return type == .prevote && value != nil && validRound < round
    }

    /// What is signed; it names the chain, so that a signature can be replayed to no other position.
    public func signedBytes(chain: Hash256) -> [UInt8] {
        var writer = ByteWriter(reserving: 112)
        writer.write(raw: HashDomain.vote.bytes)
        writer.write(chain)
        encode(into: &writer)
        return writer.bytes
    }

    public func encode(into writer: inout ByteWriter) {
        writer.write(type.rawValue)
        writer.write(height)
        writer.write(round)
        writer.write(optional: value)
        writer.write(optional: validRound)
    }

    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        guard let type = VoteType(rawValue: try reader.readByte()) else { throw reader.failure(.unknownKind) }
        self.type = type
        height = try reader.readInteger()
        round = try reader.readInteger()
        value = try reader.readOptionalHash()
        validRound = try reader.readOptionalRound()
        guard isWellFormed else { throw reader.failure(.valueOutOfRange) }
    }
}

/// A vote that claims to be a member's.
public struct SignedVote: Hashable, Sendable {
    public let vote: Vote
    public let member: PublicKey
    public let signature: Signature

    public init(vote: Vote, member: PublicKey, signature: Signature) {
        self.vote = vote
        self.member = member
        self.signature = signature
    }

    public func encode(into writer: inout ByteWriter) {
        vote.encode(into: &writer)
        writer.write(member)
        writer.write(signature)
    }

    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        vote = try Vote(from: &reader)
        member = try reader.readPublicKey()
        signature = try reader.readSignature()
    }
}

/// A vote that really is a member's; its only constructor checks membership and signature.
public struct VerifiedVote: Hashable, Sendable {
    public let signed: SignedVote
    /// Place of the member in the set.
    public let index: Int

    public var vote: Vote { signed.vote }

    /// `nil` for a stranger's vote, a wrong signature, or a valid round that cannot be.
    public init?(_ signed: SignedVote, validators: ValidatorSet, chain: Hash256) {
        self.init(signed, validators: validators, chain: chain, check: .ed25519)
    }

    package init?(_ signed: SignedVote, validators: ValidatorSet, chain: Hash256, check: SignatureCheck) {
        guard signed.vote.isWellFormed, let index = validators.index(of: signed.member),
            check.verifies(signed.signature, of: signed.member, over: signed.vote.signedBytes(chain: chain))
        else { return nil }
        self.signed = signed
        self.index = index
    }
}
