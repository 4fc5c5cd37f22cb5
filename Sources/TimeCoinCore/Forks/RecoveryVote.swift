/// How a chain goes on after a fork: on which branch, from which block on, and without whom.
public struct RecoveryVote: Hashable, Sendable {
    /// The height that was decided twice.
    public let height: Height
    /// The value of the branch at that height.
    public let branch: Hash256
    /// The last block of the branch that stays; the next header commits to the new set.
    public let lastHeight: Height
    public let lastHash: Hash256
    /// Name of the ``ForkProof`` by which members leave the set.
    public let proof: Hash256
    /// Hash of the set without exactly those whom the proof blames.
    public let validators: Hash256

    /// Blocks from the fork to the last block that stays at most, and blocks that a node takes back at most.
    public static let depthMax: UInt64 = 1000

    /// `nil` when the proof blames too few or everybody, the value is of neither branch, or the last block is
    /// not on it.
    public init?(_ fork: ProvenFork, branch: Hash256, lastHeight: Height, lastHash: Hash256) {
        guard fork.isComplete, let remaining = fork.remaining, fork.proof.branches.contains(branch),
            lastHeight >= fork.height, lastHeight - fork.height < RecoveryVote.depthMax,
            lastHeight > fork.height || lastHash == branch
        else { return nil }
        height = fork.height
        self.branch = branch
        self.lastHeight = lastHeight
        self.lastHash = lastHash
        proof = fork.proof.name
        validators = remaining.hash
    }

    /// What is signed; it names what is voted under until then, so that it can be replayed nowhere else.
    ///
    /// - Parameter chain: the voting chain of the fork's height, ``ChainState/votingChain``.
    public func signedBytes(chain: Hash256) -> [UInt8] {
        var writer = ByteWriter(reserving: 224)
        writer.write(raw: HashDomain.recovery.bytes)
        writer.write(chain)
        encode(into: &writer)
        return writer.bytes
    }

    /// The voting chain from then on: votes before and after a recovery never meet at one position.
    public func votingChain(after chain: Hash256) -> Hash256 {
        var writer = ByteWriter(reserving: 192)
        writer.write(chain)
        encode(into: &writer)
        return Blake2b.hash256(.recovery, writer.bytes)
    }

    public func encode(into writer: inout ByteWriter) {
        writer.write(height)
        writer.write(branch)
        writer.write(lastHeight)
        writer.write(lastHash)
        writer.write(proof)
        writer.write(validators)
    }

    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        height = try reader.readInteger()
        branch = try reader.readHash()
        lastHeight = try reader.readInteger()
        lastHash = try reader.readHash()
        proof = try reader.readHash()
        validators = try reader.readHash()
    }
}

/// A recovery vote that claims to be a member's.
public struct SignedRecoveryVote: Hashable, Sendable {
    public let vote: RecoveryVote
    public let member: PublicKey
    public let signature: Signature

    /// Bytes of an encoded vote, exactly.
    public static let byteCount = 16 + 4 * Hash256.byteCount + PublicKey.byteCount + Signature.byteCount

    public init(vote: RecoveryVote, member: PublicKey, signature: Signature) {
        self.vote = vote
        self.member = member
        self.signature = signature
    }

    public var encoded: [UInt8] {
        var writer = ByteWriter(reserving: SignedRecoveryVote.byteCount)
        encode(into: &writer)
        return writer.bytes
    }

    public func encode(into writer: inout ByteWriter) {
        vote.encode(into: &writer)
        writer.write(member)
        writer.write(signature)
    }

    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        vote = try RecoveryVote(from: &reader)
        member = try reader.readPublicKey()
        signature = try reader.readSignature()
    }

    public init(decoding bytes: [UInt8]) throws(DecodingFailure) {
        self = try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
            try SignedRecoveryVote(from: &reader)
        }
    }
}
