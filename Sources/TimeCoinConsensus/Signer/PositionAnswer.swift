public import TimeCoinCore

/// A member's signed word about the highest position that it holds of another member's key, with the message
/// that shows it.
public struct PositionAnswer: Hashable, Sendable {
    /// The key that was asked about.
    public let key: PublicKey
    /// Drawn by who asked, so that an old answer is worth nothing.
    public let nonce: Hash256
    public let highest: SignedPosition?
    /// Who answers.
    public let member: PublicKey
    public let signature: Signature

    /// Signs an answer with the member's operator key.
    public init(
        key: PublicKey, nonce: Hash256, highest: SignedPosition?, signedBy signer: SigningKey, chain: Hash256
    ) {
        self.init(key: key, nonce: nonce, highest: highest, member: signer.publicKey, chain: chain) {
            signer.sign($0)
        }
    }

    package init(
        key: PublicKey, nonce: Hash256, highest: SignedPosition?, member: PublicKey, chain: Hash256,
        signing: ([UInt8]) -> Signature
    ) {
        self.key = key
        self.nonce = nonce
        self.highest = highest
        self.member = member
        signature = signing(
            PositionAnswer.signedBytes(
                key: key, nonce: nonce, highest: highest, member: member, chain: chain))
    }

    /// Whether it is a member's answer to this question on this chain, and its witness really is of the key.
    public func verifies(key: PublicKey, nonce: Hash256, validators: ValidatorSet, chain: Hash256) -> Bool {
        verifies(key: key, nonce: nonce, validators: validators, chain: chain, check: .ed25519)
    }

    package func verifies(
        key: PublicKey, nonce: Hash256, validators: ValidatorSet, chain: Hash256, check: SignatureCheck
    ) -> Bool {
        self.key == key && self.nonce == nonce && validators.index(of: member) != nil
            && (highest.map { $0.signer == key && $0.verifies(chain: chain, check: check) } ?? true)
            && check.verifies(
                signature, of: member,
                over: PositionAnswer.signedBytes(
                    key: key, nonce: nonce, highest: highest, member: member, chain: chain))
    }

    private static func signedBytes(
        key: PublicKey, nonce: Hash256, highest: SignedPosition?, member: PublicKey, chain: Hash256
    ) -> [UInt8] {
        var writer = ByteWriter(reserving: 192)
        writer.write(raw: HashDomain.position.bytes)
        writer.write(chain)
        encode(key: key, nonce: nonce, highest: highest, member: member, into: &writer)
        return writer.bytes
    }

    private static func encode(
        key: PublicKey, nonce: Hash256, highest: SignedPosition?, member: PublicKey,
        into writer: inout ByteWriter
    ) {
        writer.write(key)
        writer.write(nonce)
        writer.write(UInt8(highest == nil ? 0 : 1))
        highest?.encode(into: &writer)
        writer.write(member)
    }

    public func encode(into writer: inout ByteWriter) {
        PositionAnswer.encode(key: key, nonce: nonce, highest: highest, member: member, into: &writer)
        writer.write(signature)
    }

    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        key = try reader.readPublicKey()
        nonce = try reader.readHash()
        highest = try reader.readFlag() ? try SignedPosition(from: &reader) : nil
        member = try reader.readPublicKey()
        signature = try reader.readSignature()
    }
}
