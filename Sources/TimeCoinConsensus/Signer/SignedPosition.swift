public import TimeCoinCore

/// A message that some key has signed, as a witness of the position: nobody is believed without it.
public enum SignedPosition: Hashable, Sendable {
    case proposal(SignedProposal)
    case vote(SignedVote)

    public var position: SignerPosition {
        switch self {
        case .proposal(let signed): SignerPosition(.proposal(signed.proposal))
        case .vote(let signed): SignerPosition(.vote(signed.vote))
        }
    }

    public var signer: PublicKey {
        switch self {
        case .proposal(let signed): signed.proposer
        case .vote(let signed): signed.member
        }
    }

    /// Names the signed bytes, as ``SignerRecord/digest`` does.
    public func digest(chain: Hash256) -> Hash256 {
        Blake2b.hash256(.position, signedBytes(chain: chain))
    }

    /// Whether the signature is the signer's.
    public func verifies(chain: Hash256) -> Bool { verifies(chain: chain, check: .ed25519) }

    package func verifies(chain: Hash256, check: SignatureCheck) -> Bool {
        let signature =
            switch self {
            case .proposal(let signed): signed.signature
            case .vote(let signed): signed.signature
            }
        return check.verifies(signature, of: signer, over: signedBytes(chain: chain))
    }

    private func signedBytes(chain: Hash256) -> [UInt8] {
        switch self {
        case .proposal(let signed): signed.proposal.signedBytes(chain: chain)
        case .vote(let signed): signed.vote.signedBytes(chain: chain)
        }
    }

    private enum Tag {
        static let proposal: UInt8 = 0
        static let vote: UInt8 = 1
    }

    /// A byte that tells which, then the signed message.
    public func encode(into writer: inout ByteWriter) {
        switch self {
        case .proposal(let signed):
            writer.write(Tag.proposal)
            signed.encode(into: &writer)
        case .vote(let signed):
            writer.write(Tag.vote)
            signed.encode(into: &writer)
        }
    }

    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.readByte() {
        case Tag.proposal: self = .proposal(try SignedProposal(from: &reader))
        case Tag.vote: self = .vote(try SignedVote(from: &reader))
        default: throw reader.failure(.unknownKind)
        }
    }
}
