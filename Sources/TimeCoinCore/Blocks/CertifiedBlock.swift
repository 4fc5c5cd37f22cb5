/// A checked block with the commit certificate that makes it final: what a node accepts from a stranger, and
/// what anybody can verify who knows the validators of its height.
public struct CertifiedBlock: Sendable {
    public let block: CheckedBlock
    public let certificate: VerifiedCertificate

    /// Verifies that the certificate is a commit of exactly this block by more than two thirds of the weight
    /// of the set that its header names.
    ///
    /// - Parameters:
    ///   - validators: the set of the block's height.
    ///   - chain: the hash of the genesis block.
    public init(
        _ block: CheckedBlock, certificate: Certificate, validators: ValidatorSet, chain: Hash256
    ) throws(CertifiedBlockRejection) {
        try self.init(block, certificate: certificate, validators: validators, chain: chain, check: .ed25519)
    }

    package init(
        _ block: CheckedBlock, certificate: Certificate, validators: ValidatorSet, chain: Hash256,
        check: SignatureCheck
    ) throws(CertifiedBlockRejection) {
        guard certificate.kind == .commit, certificate.height == block.header.height,
            certificate.value == block.hash
        else { throw .certificateOfAnother }
        // Whoever judges the block holds its header against the set of its height.
        guard block.header.validators == validators.hash else { throw .anotherSet }
        do {
            self.certificate = try VerifiedCertificate(
                certificate, validators: validators, chain: chain, check: check)
        } catch {
            throw .certificate(error)
        }
        self.block = block
    }

    /// Decodes and verifies bytes of unknown origin.
    public init(
        decoding block: [UInt8], certificate: [UInt8], validators: ValidatorSet, chain: Hash256
    ) throws(CertifiedBlockRejection) {
        try self.init(
            decoding: block, certificate: certificate, validators: validators, chain: chain, check: .ed25519)
    }

    package init(
        decoding block: [UInt8], certificate: [UInt8], validators: ValidatorSet, chain: Hash256,
        check: SignatureCheck
    ) throws(CertifiedBlockRejection) {
        let checked: CheckedBlock
        do {
            checked = try CheckedBlock(decoding: block)
        } catch {
            throw .block(error)
        }
        let decoded: Certificate
        do {
            decoded = try Certificate(decoding: certificate)
        } catch {
            throw .malformedCertificate(error)
        }
        try self.init(
            checked, certificate: decoded, validators: validators, chain: chain, check: check)
    }
}

/// Why a block with its certificate is refused.
public enum CertifiedBlockRejection: Error, Equatable, Sendable, CustomStringConvertible {
    case block(BlockRejection)
    case malformedCertificate(DecodingFailure)
    case certificate(CertificateRejection)
    /// It is no commit certificate, or names another block or height.
    case certificateOfAnother
    /// The header names another validator set than the one that the certificate is verified with.
    case anotherSet

    /// The name in logs.
    public var reason: String {
        switch self {
        case .block(let rejection): rejection.rule.rawValue
        case .malformedCertificate: "malformed-certificate"
        case .certificate(let rejection): rejection.rawValue
        case .certificateOfAnother: "certificate-of-another-block"
        case .anotherSet: "another-validator-set"
        }
    }

    public var description: String {
        switch self {
        case .block(let rejection): rejection.description
        case .malformedCertificate(let failure): "malformed-certificate: \(failure)"
        default: reason
        }
    }
}
