/// Shows to somebody without the chain that a block is final: its header, a commit certificate, and the
/// validators who signed it. A claim; ``verify(against:)`` is the check.
public struct FinalityProof: Hashable, Sendable {
    public let header: BlockHeader
    public let certificate: Certificate
    public let validators: ValidatorSet

    public static let version: UInt8 = 1
    /// Bytes of an encoded proof at most.
    public static let bytesMax = 1 + BlockHeader.byteCount + ValidatorSet.bytesMax + Certificate.bytesMax

    public init(header: BlockHeader, certificate: Certificate, validators: ValidatorSet) {
        self.header = header
        self.certificate = certificate
        self.validators = validators
    }

    /// Verifies everything against what is trusted.
    ///
    /// - Returns: the header, now known to be final: there is never another one at its height.
    public func verify(against anchor: TrustAnchor) throws(ProofRejection) -> FinalHeader {
        guard validators.hash == anchor.validators, header.validators == validators.hash else {
            throw .otherValidators
        }
        guard header.height >= anchor.from else { throw .beforeAnchor }
        let hash = header.hash
        guard certificate.kind == .commit, certificate.height == header.height, certificate.value == hash
        else { throw .certificateOfAnother }
        do {
            _ = try VerifiedCertificate(certificate, validators: validators, chain: anchor.chain)
        } catch {
            throw .certificate(error)
        }
        return FinalHeader(header: header, hash: hash)
    }

    /// Version, header, validators, certificate.
    public var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 1024)
        encode(into: &writer)
        return writer.bytes
    }

    func encode(into writer: inout ByteWriter) {
        writer.write(FinalityProof.version)
        header.encode(into: &writer)
        validators.encode(into: &writer)
        certificate.encode(into: &writer)
    }

    /// Decodes exactly one proof; nothing of it is verified yet.
    public init(decoding bytes: [UInt8]) throws(ProofRejection) {
        self = try ProofRejection.decode(bytes, version: FinalityProof.version) {
            reader throws(DecodingFailure) in try FinalityProof(content: &reader)
        }
    }

    init(from reader: inout ByteReader) throws(DecodingFailure) {
        guard try reader.readByte() == FinalityProof.version else { throw reader.failure(.unknownKind) }
        try self.init(content: &reader)
    }

    private init(content reader: inout ByteReader) throws(DecodingFailure) {
        header = try BlockHeader(from: &reader)
        validators = try ValidatorSet(from: &reader)
        certificate = try Certificate(from: &reader)
    }
}

/// A header that is known to be final; its only constructor is a verified proof.
public struct FinalHeader: Hashable, Sendable {
    public let header: BlockHeader
    public let hash: Hash256
}
