/// Why evidence shows nothing.
public enum EvidenceRejection: Error, Equatable, Sendable, CustomStringConvertible {
    case malformed(DecodingFailure)
    case unknownVersion(UInt8)
    /// One correct member may have made both statements, or they are of two members.
    case noContradiction
    /// The two are not in the order that they are named by.
    case order
    case signature
    /// The signer does not stand in the trusted validator set with that weight.
    case notMember

    /// The name in answers.
    public var reason: String {
        switch self {
        case .malformed: "malformed-evidence"
        case .unknownVersion: "unknown-evidence-version"
        case .noContradiction: "no-contradiction"
        case .order: "evidence-order"
        case .signature: "evidence-signature"
        case .notMember: "evidence-not-member"
        }
    }

    public var description: String {
        switch self {
        case .malformed(let failure): "the bytes are no evidence: \(failure)"
        case .unknownVersion(let version): "version \(version) of evidence is not known here"
        case .noContradiction: "a correct member may have said both"
        case .order: "the two statements are not in their canonical order"
        case .signature: "a signature is not the member's on this chain"
        case .notMember: "the signer is not a member of the trusted validator set"
        }
    }
}

/// A member's misbehaviour with the proof of its membership: anybody can verify it from its bytes and two
/// hashes.
public struct Evidence: Hashable, Sendable {
    public let misbehaviour: Misbehaviour
    /// Weight of the member in its set.
    public let weight: UInt64
    /// That member and weight stand in the set.
    public let membership: MerkleProof

    static let version: UInt8 = 1
    /// Bytes of encoded evidence at most.
    public static let bytesMax = 4096

    /// `nil` when the two statements do not contradict each other or the member is not in the set.
    public init?(_ misbehaviour: Misbehaviour, validators: ValidatorSet) {
        guard misbehaviour.isContradiction, let index = validators.index(of: misbehaviour.member),
            let membership = validators.membership(of: index)
        else { return nil }
        self.misbehaviour = misbehaviour.canonical
        weight = validators.members[index].weight
        self.membership = membership
    }

    /// What names it: the same pair of statements has the same name, whoever found it and in whatever order.
    public var name: Hash256 {
        var writer = ByteWriter()
        Evidence.encode(misbehaviour, into: &writer)
        return Blake2b.hash256(.evidence, writer.bytes)
    }

    /// Verifies everything.
    ///
    /// - Returns: the member that is to blame.
    public func verify(against anchor: TrustAnchor) throws(EvidenceRejection) -> Member {
        guard misbehaviour.isContradiction else { throw .noContradiction }
        guard misbehaviour.canonical == misbehaviour else { throw .order }
        let member = Member(operatorKey: misbehaviour.member, weight: weight)
        guard misbehaviour.height >= anchor.from,
            ValidatorSet.contains(member, by: membership, in: anchor.validators)
        else { throw .notMember }
        guard hasSignatures(on: anchor.chain) else { throw .signature }
        return member
    }

    private func hasSignatures(on chain: Hash256) -> Bool {
        func isSigned(_ signed: SignedVote) -> Bool {
            signed.member.verifies(signed.signature, over: signed.vote.signedBytes(chain: chain))
        }
        func isSigned(_ signed: SignedProposal) -> Bool {
            signed.proposer.verifies(signed.signature, over: signed.proposal.signedBytes(chain: chain))
        }
        switch misbehaviour {
        case .votes(let first, let second), .amnesia(let first, let second):
            return isSigned(first) && isSigned(second)
        case .proposals(let first, let second): return isSigned(first) && isSigned(second)
        }
    }
}

extension Evidence {
    private enum Kind: UInt8 {
        case votes = 1
        case proposals = 2
        case amnesia = 3
    }

    /// Version, kind, the two statements, weight, proof of membership.
    public var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 1024)
        writer.write(Evidence.version)
        Evidence.encode(misbehaviour, into: &writer)
        writer.write(weight)
        membership.encode(into: &writer)
        return writer.bytes
    }

    private static func encode(_ misbehaviour: Misbehaviour, into writer: inout ByteWriter) {
        switch misbehaviour {
        case .votes(let first, let second):
            writer.write(Kind.votes.rawValue)
            first.encode(into: &writer)
            second.encode(into: &writer)
        case .proposals(let first, let second):
            writer.write(Kind.proposals.rawValue)
            first.encode(into: &writer)
            second.encode(into: &writer)
        case .amnesia(let precommit, let prevote):
            writer.write(Kind.amnesia.rawValue)
            precommit.encode(into: &writer)
            prevote.encode(into: &writer)
        }
    }

    /// Reads the structure alone; ``verify(against:)`` is the check.
    public init(decoding bytes: [UInt8]) throws(EvidenceRejection) {
        guard bytes.count <= Evidence.bytesMax else {
            throw .malformed(DecodingFailure(reason: .lengthLimit, offset: 0))
        }
        guard let version = bytes.first else {
            throw .malformed(DecodingFailure(reason: .truncated, offset: 0))
        }
        guard version == Evidence.version else { throw .unknownVersion(version) }
        do {
            self = try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
                try Evidence(from: &reader)
            }
        } catch {
            throw .malformed(error)
        }
    }

    private init(from reader: inout ByteReader) throws(DecodingFailure) {
        _ = try reader.readByte()
        guard let kind = Kind(rawValue: try reader.readByte()) else { throw reader.failure(.unknownKind) }
        switch kind {
        case .votes: misbehaviour = .votes(try SignedVote(from: &reader), try SignedVote(from: &reader))
        case .proposals:
            misbehaviour = .proposals(
                try SignedProposal(from: &reader), try SignedProposal(from: &reader))
        case .amnesia:
            misbehaviour = .amnesia(
                precommit: try SignedVote(from: &reader), prevote: try SignedVote(from: &reader))
        }
        weight = try reader.readInteger()
        membership = try MerkleProof(from: &reader)
    }
}
