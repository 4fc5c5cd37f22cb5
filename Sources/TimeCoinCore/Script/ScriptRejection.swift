/// Why a script refuses, by Bitcoin's names.
public enum ScriptRejection: String, Error, Hashable, Sendable, CaseIterable {
    case evalFalse = "EVAL_FALSE"
    case badOpcode = "BAD_OPCODE"
    case disabledOpcode = "DISABLED_OPCODE"
    case invalidStackOperation = "INVALID_STACK_OPERATION"
    case invalidAltStackOperation = "INVALID_ALTSTACK_OPERATION"
    case unbalancedConditional = "UNBALANCED_CONDITIONAL"
    case number = "SCRIPTNUM"
    case minimalData = "MINIMALDATA"
    case operationCount = "OP_COUNT"
    case pushSize = "PUSH_SIZE"
    case stackSize = "STACK_SIZE"
    case scriptSize = "SCRIPT_SIZE"
    case keyCount = "PUBKEY_COUNT"
    case signatureCount = "SIG_COUNT"
    case pushOnly = "SIG_PUSHONLY"
    case cleanStack = "CLEANSTACK"
    case nullFail = "NULLFAIL"
    case opReturn = "OP_RETURN"
    case verify = "VERIFY"
    case equalVerify = "EQUALVERIFY"
    case numberEqualVerify = "NUMEQUALVERIFY"
    case checkSignatureVerify = "CHECKSIGVERIFY"
    case checkMultisignatureVerify = "CHECKMULTISIGVERIFY"
    case negativeLockTime = "NEGATIVE_LOCKTIME"
    case unsatisfiedLockTime = "UNSATISFIED_LOCKTIME"
    case discouragedNoOperation = "DISCOURAGE_UPGRADABLE_NOPS"
    /// The bound on bytes hashed by scripts, which Bitcoin does not have.
    case hashedBytes = "HASHED_BYTES"
    /// The bound on signature checks, which Bitcoin counts without executing.
    case signatureChecks = "SIGNATURE_CHECKS"
}

/// Rules that can be switched, for running the cases of other chains; the chain's own set is ``chain``.
public struct ScriptFlags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt16

    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// A script-hash output runs the script that the unlocking script pushed last (BIP 16).
    public static let scriptHash = ScriptFlags(rawValue: 1)
    /// Pushes and numbers in their shortest form.
    public static let minimalData = ScriptFlags(rawValue: 2)
    /// Exactly one item is left.
    public static let cleanStack = ScriptFlags(rawValue: 4)
    /// A failed signature check had an empty signature.
    public static let nullFail = ScriptFlags(rawValue: 8)
    /// Unlocking scripts only push.
    public static let pushOnly = ScriptFlags(rawValue: 16)
    public static let checkLockTime = ScriptFlags(rawValue: 32)
    public static let checkSequence = ScriptFlags(rawValue: 64)
    public static let discourageUpgradableNoOperations = ScriptFlags(rawValue: 128)

    /// What every block of this chain is judged by.
    public static let chain: ScriptFlags = [
        .scriptHash, .minimalData, .cleanStack, .nullFail, .pushOnly, .checkLockTime, .checkSequence,
    ]
}

/// How much work scripts may still cause.
public struct ScriptBudget: Hashable, Sendable {
    public let hashedBytesLimit: Int
    public let signatureChecksLimit: Int
    public private(set) var hashedBytes = 0
    public private(set) var signatureChecks = 0

    public init(hashedBytesLimit: Int, signatureChecksLimit: Int) {
        self.hashedBytesLimit = hashedBytesLimit
        self.signatureChecksLimit = signatureChecksLimit
    }

    mutating func chargeHashing(_ count: Int) throws(ScriptRejection) {
        guard count <= hashedBytesLimit - hashedBytes else { throw .hashedBytes }
        hashedBytes += count
    }

    mutating func chargeSignatureChecks(_ count: Int) throws(ScriptRejection) {
        guard count <= signatureChecksLimit - signatureChecks else { throw .signatureChecks }
        signatureChecks += count
    }
}

/// The transaction input that scripts run for.
public protocol ScriptContext {
    var lockTime: UInt32 { get }
    var version: UInt16 { get }
    var sequence: UInt32 { get }

    /// Whether a signature with its type byte is this key's over this input; charges the hashing that it takes.
    func verifies(signature: [UInt8], key: [UInt8], budget: inout ScriptBudget) throws(ScriptRejection) -> Bool
}
