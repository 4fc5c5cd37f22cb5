/// Why a proof shows nothing.
public enum ProofRejection: Error, Equatable, Sendable, CustomStringConvertible {
    case malformed(DecodingFailure)
    case unknownVersion(UInt8)
    /// The validators named are not those trusted, or not those of the header.
    case otherValidators
    /// The header stands below the heights that the trusted set decides.
    case beforeAnchor
    /// It is no commit certificate of this header.
    case certificateOfAnother
    case certificate(CertificateRejection)
    /// A step of a path of validators does not lead to another set.
    case noSetChange
    case transaction(TransactionRejection)
    /// The transaction does not stand in the block.
    case notInBlock
    /// No such output stands at its position.
    case notAmongOutputs
    /// The spent bits are not those of the commitment.
    case otherSpentOutputs
    /// The commitment is not that of the state after the block.
    case otherState

    /// The name in answers.
    public var reason: String {
        switch self {
        case .malformed: "malformed-proof"
        case .unknownVersion: "unknown-proof-version"
        case .otherValidators: "other-validators"
        case .beforeAnchor: "before-anchor"
        case .certificateOfAnother: "certificate-of-another-block"
        case .certificate(let rejection): rejection.rawValue
        case .noSetChange: "no-set-change"
        case .transaction(let rejection): rejection.rule.rawValue
        case .notInBlock: "not-in-block"
        case .notAmongOutputs: "not-among-outputs"
        case .otherSpentOutputs: "other-spent-outputs"
        case .otherState: "other-state"
        }
    }

    public var description: String {
        switch self {
        case .malformed(let failure): "the bytes are no proof: \(failure)"
        case .unknownVersion(let version): "version \(version) of proofs is not known here"
        case .otherValidators: "it is signed by other validators than those trusted"
        case .beforeAnchor: "its block lies before those that the trusted validators decide"
        case .certificateOfAnother: "its certificate is of another block"
        case .certificate(let rejection): "its certificate does not verify: \(rejection.rawValue)"
        case .noSetChange: "a step of its path of validators does not change them"
        case .transaction(let rejection): "its transaction breaks a rule: \(rejection.detail)"
        case .notInBlock: "its transaction does not stand in its block"
        case .notAmongOutputs: "no such output stands at its position"
        case .otherSpentOutputs: "its spent outputs are not those of its commitment"
        case .otherState: "its commitment is not that of the state after its block"
        }
    }

    /// Reads a version, then exactly one value.
    static func decode<Value>(
        _ bytes: [UInt8], version: UInt8, _ body: (inout ByteReader) throws(DecodingFailure) -> Value
    ) throws(ProofRejection) -> Value {
        guard let found = bytes.first else {
            throw .malformed(DecodingFailure(reason: .truncated, offset: 0))
        }
        guard found == version else { throw .unknownVersion(found) }
        do {
            return try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
                _ = try reader.readByte()
                return try body(&reader)
            }
        } catch {
            throw .malformed(error)
        }
    }
}
