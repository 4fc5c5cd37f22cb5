/// What a proposer puts to the vote; PBFT calls it pre-prepare.
public struct Proposal: Hashable, Sendable {
    public let height: Height
    public let round: Round
    public let value: Hash256
    /// The round in which the value gathered a polka, when it is proposed again.
    public let validRound: Round?

    public init(height: Height, round: Round, value: Hash256, validRound: Round?) {
        self.height = height
        self.round = round
        self.value = value
        self.validRound = validRound
    }

    /// What is signed; it names the chain, so that a signature can be replayed to no other position.
    public func signedBytes(chain: Hash256) -> [UInt8] {
        var writer = ByteWriter(reserving: 112)
        writer.write(raw: HashDomain.proposal.bytes)
        writer.write(chain)
        encode(into: &writer)
        return writer.bytes
    }

    public func encode(into writer: inout ByteWriter) {
        writer.write(height)
        writer.write(round)
        writer.write(value)
        writer.write(optional: validRound)
    }

    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        height = try reader.readInteger()
        round = try reader.readInteger()
        value = try reader.readHash()
        validRound = try reader.readOptionalRound()
    }
}

/// A proposal that claims to be a member's.
public struct SignedProposal: Hashable, Sendable {
    public let proposal: Proposal
    public let proposer: PublicKey
    public let signature: Signature

    public init(proposal: Proposal, proposer: PublicKey, signature: Signature) {
        self.proposal = proposal
        self.proposer = proposer
        self.signature = signature
    }

    public func encode(into writer: inout ByteWriter) {
        proposal.encode(into: &writer)
        writer.write(proposer)
        writer.write(signature)
    }

    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        proposal = try Proposal(from: &reader)
        proposer = try reader.readPublicKey()
        signature = try reader.readSignature()
    }
}

/// A proposal that really is a member's; whether it was that member's turn the machine judges.
public struct VerifiedProposal: Hashable, Sendable {
    public let signed: SignedProposal
    /// Place of the proposer in the set.
    public let index: Int

    public var proposal: Proposal { signed.proposal }

    /// `nil` for a stranger's proposal or a wrong signature.
    public init?(_ signed: SignedProposal, validators: ValidatorSet, chain: Hash256) {
        self.init(signed, validators: validators, chain: chain, check: .ed25519)
    }

    package init?(
        _ signed: SignedProposal, validators: ValidatorSet, chain: Hash256, check: SignatureCheck
    ) {
        guard let index = validators.index(of: signed.proposer),
            check.verifies(
                signed.signature, of: signed.proposer, over: signed.proposal.signedBytes(chain: chain))
        else { return nil }
        self.signed = signed
        self.index = index
    }
}

extension ByteWriter {
    /// A byte that says whether there is one, then the hash.
    public mutating func write(optional hash: Hash256?) {
        write(UInt8(hash == nil ? 0 : 1))
        if let hash { write(hash) }
    }

    /// A byte that says whether there is one, then the round.
    public mutating func write(optional round: Round?) {
        write(UInt8(round == nil ? 0 : 1))
        if let round { write(round) }
    }
}

extension ByteReader {
    public mutating func readFlag() throws(DecodingFailure) -> Bool {
        let byte = try readByte()
        guard byte <= 1 else { throw failure(.valueOutOfRange) }
        return byte == 1
    }

    public mutating func readOptionalHash() throws(DecodingFailure) -> Hash256? {
        guard try readFlag() else { return nil }
        return try readHash()
    }

    public mutating func readOptionalRound() throws(DecodingFailure) -> Round? {
        guard try readFlag() else { return nil }
        return try readInteger()
    }
}
