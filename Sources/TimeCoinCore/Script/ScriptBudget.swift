/// How much work scripts have caused and may still cause. Whoever runs scripts carries it from input to
/// input.
public struct ScriptBudget: Hashable, Sendable {
    /// Bytes that may be hashed in all, by hash operations and for the messages of signatures.
    public let hashedBytesLimit: Int
    /// Signature checks that may be executed in all.
    public let signatureChecksLimit: Int
    /// Bytes hashed so far, never above the limit.
    public private(set) var hashedBytes = 0
    /// Signature checks executed so far: 1 for CHECKSIG, the number of its keys for CHECKMULTISIG.
    public private(set) var signatureChecks = 0

    /// A budget of which nothing is used.
    public init(hashedBytesLimit: Int, signatureChecksLimit: Int) {
        self.hashedBytesLimit = hashedBytesLimit
        self.signatureChecksLimit = signatureChecksLimit
    }

    /// Charged before the bytes are hashed.
    ///
    /// - Throws: ``ScriptRejection/hashedBytes`` when the limit would be passed; nothing is charged then.
    public mutating func chargeHashing(_ count: Int) throws(ScriptRejection) {
        guard count <= hashedBytesLimit - hashedBytes else { throw .hashedBytes }
        hashedBytes += count
    }

    /// - Throws: ``ScriptRejection/signatureChecks`` when the limit would be passed; nothing is charged then.
    mutating func chargeSignatureChecks(_ count: Int) throws(ScriptRejection) {
        guard count <= signatureChecksLimit - signatureChecks else { throw .signatureChecks }
        signatureChecks += count
    }
}
