import TimeCoinConsensus
import TimeCoinCore
import TimeCoinStore

/// Signs for a member, each position once: the record is durable before a signature leaves.
///
/// Used by the one thread of ``NodeCore`` only.
final class Signer: Sendable {
    let key: PublicKey
    /// What was signed before this start.
    let signedAtStart: SignerPositions
    private let secret: SigningKey
    private let chain: Hash256
    private let record: any SignRecording

    /// - Throws: when the record cannot be read; then nothing may be signed.
    init(secret: SigningKey, chain: Hash256, record: any SignRecording) throws {
        self.secret = secret
        self.chain = chain
        self.record = record
        key = secret.publicKey
        signedAtStart = record.positions
    }

    /// The signature, or `nil` where the rule forbids one.
    ///
    /// - Throws: when the record cannot be made durable; the signature then never leaves.
    func sign(_ message: OwnMessage) throws -> Signature? {
        let bytes = message.signedBytes(chain: chain)
        let position = SignerPosition(message)
        switch record.positions.answer(position, bytes: bytes) {
        case .refuse: return nil
        case .reuse(let signature): return signature
        case .sign:
            let signature = secret.sign(bytes)
            try record.append(SignerRecord(position: position, bytes: bytes, signature: signature))
            return signature
        }
    }

    /// Tells another member what this one holds of its key.
    func answer(about key: PublicKey, nonce: Hash256, highest: SignedPosition?) -> PositionAnswer {
        PositionAnswer(key: key, nonce: nonce, highest: highest, signedBy: secret, chain: chain)
    }
}

/// The durable form of what was signed.
protocol SignRecording: AnyObject, Sendable {
    var positions: SignerPositions { get }
    /// Durable on return.
    func append(_ record: SignerRecord) throws
}
