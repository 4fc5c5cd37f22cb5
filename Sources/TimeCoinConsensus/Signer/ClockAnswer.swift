public import TimeCoinCore

/// A member's signed word about what its wall clock shows.
public struct ClockAnswer: Hashable, Sendable {
    /// Drawn by who asked, so that an old answer is worth nothing.
    public let nonce: Hash256
    /// What the clock of who answers showed, in milliseconds.
    public let clock: Timestamp
    /// Who answers.
    public let member: PublicKey
    public let signature: Signature

    /// Nonce, clock, member, signature.
    public static let byteCount =
        Hash256.byteCount + 8 + PublicKey.byteCount + Signature.byteCount

    /// Signs an answer with the member's operator key.
    public init(nonce: Hash256, clock: Timestamp, signedBy signer: SigningKey, chain: Hash256) {
        self.init(nonce: nonce, clock: clock, member: signer.publicKey, chain: chain) { signer.sign($0) }
    }

    package init(
        nonce: Hash256, clock: Timestamp, member: PublicKey, chain: Hash256,
        signing: ([UInt8]) -> Signature
    ) {
        self.nonce = nonce
        self.clock = clock
        self.member = member
        signature = signing(
            ClockAnswer.signedBytes(nonce: nonce, clock: clock, member: member, chain: chain))
    }

    /// Whether a member of the set has signed it on this chain.
    public func verifies(validators: ValidatorSet, chain: Hash256) -> Bool {
        verifies(validators: validators, chain: chain, check: .ed25519)
    }

    package func verifies(validators: ValidatorSet, chain: Hash256, check: SignatureCheck) -> Bool {
        validators.index(of: member) != nil
            && check.verifies(
                signature, of: member,
                over: ClockAnswer.signedBytes(nonce: nonce, clock: clock, member: member, chain: chain))
    }

    private static func signedBytes(
        nonce: Hash256, clock: Timestamp, member: PublicKey, chain: Hash256
    ) -> [UInt8] {
        var writer = ByteWriter(reserving: 128)
        writer.write(raw: HashDomain.clock.bytes)
        writer.write(chain)
        writer.write(nonce)
        writer.write(clock.milliseconds)
        writer.write(member)
        return writer.bytes
    }

    public func encode(into writer: inout ByteWriter) {
        writer.write(nonce)
        writer.write(clock.milliseconds)
        writer.write(member)
        writer.write(signature)
    }

    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        nonce = try reader.readHash()
        clock = Timestamp(milliseconds: try reader.readInteger())
        member = try reader.readPublicKey()
        signature = try reader.readSignature()
    }
}
