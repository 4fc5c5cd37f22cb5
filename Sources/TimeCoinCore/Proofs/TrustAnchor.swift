/// What somebody must know of a chain beforehand to verify proofs of it offline.
public struct TrustAnchor: Hashable, Sendable {
    /// The hash of the genesis block.
    public let chain: Hash256
    /// The hash of the validator set that decides the heights in question.
    public let validators: Hash256

    public init(chain: Hash256, validators: Hash256) {
        self.chain = chain
        self.validators = validators
    }
}

/// Why a proof shows nothing.
public enum ProofRejection: Error, Equatable, Sendable, CustomStringConvertible {
    case malformed(DecodingFailure)
    case unknownVersion(UInt8)
    /// The validators named are not those trusted, or not those of the header.
    case otherValidators
    /// It is no commit certificate of this header.
    case certificateOfAnother
    case certificate(CertificateRejection)
    case transaction(TransactionRejection)
    /// The transaction does not stand in the block.
    case notInBlock

    /// The name in answers.
    public var reason: String {
        switch self {
        case .malformed: "malformed-proof"
        case .unknownVersion: "unknown-proof-version"
        case .otherValidators: "other-validators"
        case .certificateOfAnother: "certificate-of-another-block"
        case .certificate(let rejection): rejection.rawValue
        case .transaction(let rejection): rejection.rule.rawValue
        case .notInBlock: "not-in-block"
        }
    }

    public var description: String {
        switch self {
        case .malformed(let failure): "the bytes are no proof: \(failure)"
        case .unknownVersion(let version): "version \(version) of proofs is not known here"
        case .otherValidators: "it is signed by other validators than those trusted"
        case .certificateOfAnother: "its certificate is of another block"
        case .certificate(let rejection): "its certificate does not verify: \(rejection.rawValue)"
        case .transaction(let rejection): "its transaction breaks a rule: \(rejection.detail)"
        case .notInBlock: "its transaction does not stand in its block"
        }
    }
}
