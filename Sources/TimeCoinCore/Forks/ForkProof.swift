/// Shows to anybody that a height was decided twice, and by whose fault: two commit certificates for
/// different values, polkas of the height, and the members of its set. A claim; ``verify(against:)`` is the
/// check.
public struct ForkProof: Hashable, Sendable {
    /// The certificate of the lower round; in one round that of the lower value.
    public let first: Certificate
    public let second: Certificate
    /// Those that show somebody's contradiction, by round, value and bytes.
    public let polkas: [Certificate]
    /// The set that decided the height.
    public let validators: ValidatorSet

    static let version: UInt8 = 1
    /// Polkas of a proof at most. Three are always enough where they are the right ones.
    public static let polkasMax = 8
    /// Polkas that are looked through for a proof at most; those of the lowest rounds are taken.
    public static let polkasConsideredMax = 256
    /// Bytes of an encoded proof at most.
    public static let bytesMax =
        2 + ValidatorSet.bytesMax + (2 + ForkProof.polkasMax) * Certificate.bytesMax

    public var height: Height { first.height }
    /// The two values, that of ``first`` first.
    public var branches: [Hash256] { [first.value, second.value] }

    /// Puts together the proof that blames most members, from what is known of the height.
    ///
    /// - Returns: `nil` unless the two are commit certificates of one height for different values.
    public init?(
        _ one: VerifiedCertificate, _ other: VerifiedCertificate, polkas: [VerifiedCertificate],
        validators: ValidatorSet
    ) {
        let lowest = polkas.sorted { $0.certificate.round < $1.certificate.round }
            .prefix(ForkProof.polkasConsideredMax)
        guard
            let statements = ForkStatements(one, other, polkas: Array(lowest), validators: validators)
        else { return nil }
        var kept: Set<Int> = []
        var weight: UInt64 = 0
        for (place, member) in validators.members.enumerated() {
            // Each choice is made from the members and polkas in their order, so the same facts give the
            // same proof.
            let contradictions = statements.contradictions(of: place)
            let chosen =
                contradictions.first { kept.isSuperset(of: $0.polkas) }
                ?? contradictions.first { kept.union($0.polkas).count <= ForkProof.polkasMax }
            guard let chosen else { continue }
            kept.formUnion(chosen.polkas)
            weight += member.weight
        }
        if !validators.isThird(weight), let lead = statements.earliest.first,
            kept.count < ForkProof.polkasMax
        {
            kept.insert(lead)
        }
        first = statements.first.certificate
        second = statements.second.certificate
        self.polkas = kept.sorted().map { statements.polkas[$0].certificate }
        self.validators = validators
    }

    /// What names it.
    public var name: Hash256 { Blake2b.hash256(.fork, encoded) }

    /// Verifies everything; one bad signature refuses the proof whole.
    ///
    /// - Parameter anchor: the chain, and the hash of the set that decided the height.
    public func verify(against anchor: TrustAnchor) throws(ForkProofRejection) -> ProvenFork {
        try verify(against: anchor, check: .ed25519)
    }

    package func verify(
        against anchor: TrustAnchor, check: SignatureCheck
    ) throws(ForkProofRejection) -> ProvenFork {
        guard validators.hash == anchor.validators, height >= anchor.from else { throw .otherValidators }
        // What costs nothing is checked before any signature.
        guard first.kind == .commit, second.kind == .commit, first.height == second.height,
            first.value != second.value,
            polkas.allSatisfy({ $0.kind == .polka && $0.height == height && $0.round >= first.round })
        else { throw .noFork }
        let isOrdered = zip(polkas, polkas.dropFirst()).allSatisfy { $0.isBefore($1) }
        guard first.isBefore(second), isOrdered, polkas.count <= ForkProof.polkasMax else { throw .order }
        var verified: [VerifiedCertificate] = []
        for certificate in [first, second] + polkas {
            do {
                verified.append(
                    try VerifiedCertificate(
                        certificate, validators: validators, chain: anchor.chain, check: check))
            } catch {
                throw .certificate(error)
            }
        }
        guard
            let statements = ForkStatements(
                verified[0], verified[1], polkas: Array(verified.dropFirst(2)), validators: validators)
        else { throw .noFork }
        return ProvenFork(self, statements, anchor)
    }

    /// Version, validators, both certificates, the number of polkas and the polkas.
    public var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 4096)
        encode(into: &writer)
        return writer.bytes
    }

    func encode(into writer: inout ByteWriter) {
        writer.write(ForkProof.version)
        validators.encode(into: &writer)
        first.encode(into: &writer)
        second.encode(into: &writer)
        writer.write(UInt8(clamping: polkas.count))
        for polka in polkas { polka.encode(into: &writer) }
    }

    /// Decodes exactly one proof; nothing of it is verified yet.
    public init(decoding bytes: [UInt8]) throws(ForkProofRejection) {
        guard bytes.count <= ForkProof.bytesMax else {
            throw .malformed(DecodingFailure(reason: .lengthLimit, offset: 0))
        }
        guard let version = bytes.first else {
            throw .malformed(DecodingFailure(reason: .truncated, offset: 0))
        }
        guard version == ForkProof.version else { throw .unknownVersion(version) }
        do {
            self = try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
                try ForkProof(from: &reader)
            }
        } catch {
            throw .malformed(error)
        }
    }

    init(from reader: inout ByteReader) throws(DecodingFailure) {
        guard try reader.readByte() == ForkProof.version else { throw reader.failure(.unknownKind) }
        validators = try ValidatorSet(from: &reader)
        first = try Certificate(from: &reader)
        second = try Certificate(from: &reader)
        let count = Int(try reader.readByte())
        guard count <= ForkProof.polkasMax else { throw reader.failure(.lengthLimit) }
        var polkas: [Certificate] = []
        for _ in 0..<count { polkas.append(try Certificate(from: &reader)) }
        self.polkas = polkas
    }
}
