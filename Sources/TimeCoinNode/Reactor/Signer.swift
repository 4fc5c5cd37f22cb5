package import TimeCoinConsensus
package import TimeCoinCore

/// Signs for a member, each position once: the record is durable before a signature leaves.
///
/// Used by the one thread of ``NodeCore`` only.
package final class Signer: Sendable {
    package let key: PublicKey
    /// What was signed before this start.
    package let signedAtStart: SignerPositions
    fileprivate let signing: @Sendable ([UInt8]) -> Signature
    fileprivate let chain: Hash256
    private let record: any SignRecording

    /// - Throws: when the record cannot be read; then nothing may be signed.
    convenience init(secret: SigningKey, chain: Hash256, record: any SignRecording) throws {
        self.init(key: secret.publicKey, chain: chain, record: record) { secret.sign($0) }
    }

    package init(
        key: PublicKey, chain: Hash256, record: any SignRecording,
        signing: @escaping @Sendable ([UInt8]) -> Signature
    ) {
        self.key = key
        self.chain = chain
        self.record = record
        self.signing = signing
        signedAtStart = record.positions
    }

    /// The signature, or `nil` where the rule forbids one.
    ///
    /// - Throws: when the record cannot be made durable; the signature then never leaves.
    package func sign(_ message: OwnMessage) throws -> Signature? {
        let bytes = message.signedBytes(chain: chain)
        let position = SignerPosition(message)
        switch record.positions.answer(position, bytes: bytes) {
        case .refuse: return nil
        case .reuse(let signature): return signature
        case .sign:
            let signature = signing(bytes)
            try record.append(SignerRecord(position: position, bytes: bytes, signature: signature))
            return signature
        }
    }

    /// Tells another member what this one holds of its key.
    package func answer(about key: PublicKey, nonce: Hash256, highest: SignedPosition?) -> PositionAnswer {
        PositionAnswer(
            key: key, nonce: nonce, highest: highest, member: self.key, chain: chain, signing: signing)
    }
}

extension Signer {
    /// Tells another node what the clock here shows.
    package func answer(nonce: Hash256, clock: Timestamp) -> ClockAnswer {
        ClockAnswer(nonce: nonce, clock: clock, member: key, chain: chain, signing: signing)
    }
}

/// The durable form of what was signed.
package protocol SignRecording: AnyObject, Sendable {
    var positions: SignerPositions { get }
    /// Durable on return.
    func append(_ record: SignerRecord) throws
}
