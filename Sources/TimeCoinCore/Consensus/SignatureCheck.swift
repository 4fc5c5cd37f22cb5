/// How the signatures of members' messages are checked.
///
/// The product knows one way, ``ed25519``, and its public initialisers use no other. A simulation of
/// millions of messages, where one check costs as much as hundreds of events, brings an oracle of its own;
/// no library of the product makes one, which a test of the sources demands.
package struct SignatureCheck: Sendable {
    package typealias Verifying = @Sendable (PublicKey, Signature, [UInt8]) -> Bool

    private let verifying: Verifying

    /// - Parameter verifying: whether a key has signed these bytes.
    package init(injected verifying: @escaping Verifying) {
        self.verifying = verifying
    }

    /// The consensus rule.
    package static let ed25519 = SignatureCheck(injected: { $0.verifies($1, over: $2) })

    package func verifies(_ signature: Signature, of key: PublicKey, over message: [UInt8]) -> Bool {
        verifying(key, signature, message)
    }
}
