/// Why a script refuses; the raw values are Bitcoin's names.
public enum ScriptRejection: String, Error, Hashable, Sendable, CaseIterable {
    /// Nothing, or something false, is left on top.
    case evalFalse = "EVAL_FALSE"
    /// A byte without meaning was executed, VERIF or VERNOTIF stands somewhere, or a push runs past the end.
    case badOpcode = "BAD_OPCODE"
    /// A disabled operation stands somewhere, executed or not.
    case disabledOpcode = "DISABLED_OPCODE"
    /// An operation, IF included, needs more items than there are.
    case invalidStackOperation = "INVALID_STACK_OPERATION"
    /// FROMALTSTACK with nothing there.
    case invalidAltStackOperation = "INVALID_ALTSTACK_OPERATION"
    /// IF, ELSE and ENDIF do not match within one script.
    case unbalancedConditional = "UNBALANCED_CONDITIONAL"
    /// A number is too long, or not in its shortest form.
    case number = "SCRIPTNUM"
    /// A push is not in its shortest form.
    case minimalData = "MINIMALDATA"
    /// More than ``Script/operationsMax`` operations.
    case operationCount = "OP_COUNT"
    /// A push of more than ``Script/pushBytesMax`` bytes, executed or not.
    case pushSize = "PUSH_SIZE"
    /// More than ``Script/stackItemsMax`` items.
    case stackSize = "STACK_SIZE"
    /// More than ``Script/bytesMax`` bytes.
    case scriptSize = "SCRIPT_SIZE"
    /// Fewer than 0 or more than ``Script/multisigKeysMax`` keys.
    case keyCount = "PUBKEY_COUNT"
    /// Fewer than 0 signatures, or more than keys.
    case signatureCount = "SIG_COUNT"
    /// The unlocking script does more than push.
    case pushOnly = "SIG_PUSHONLY"
    /// More than one item is left.
    case cleanStack = "CLEANSTACK"
    /// A check failed with a signature that is not empty.
    case nullFail = "NULLFAIL"
    /// RETURN was executed.
    case opReturn = "OP_RETURN"
    /// VERIFY met something false; the next four are the same of other operations.
    case verify = "VERIFY"
    /// EQUALVERIFY met unequal items.
    case equalVerify = "EQUALVERIFY"
    /// NUMEQUALVERIFY met unequal numbers.
    case numberEqualVerify = "NUMEQUALVERIFY"
    /// CHECKSIGVERIFY met a signature that does not verify.
    case checkSignatureVerify = "CHECKSIGVERIFY"
    /// CHECKMULTISIGVERIFY met signatures that do not verify.
    case checkMultisignatureVerify = "CHECKMULTISIGVERIFY"
    /// A lock operand below 0.
    case negativeLockTime = "NEGATIVE_LOCKTIME"
    /// The transaction does not promise to wait as long as the script demands.
    case unsatisfiedLockTime = "UNSATISFIED_LOCKTIME"
    /// A NOP that is kept for later rules was executed.
    case discouragedNoOperation = "DISCOURAGE_UPGRADABLE_NOPS"
    /// The bound on bytes hashed by scripts, which Bitcoin does not have.
    case hashedBytes = "HASHED_BYTES"
    /// The bound on executed signature checks, where Bitcoin counts what stands in the scripts.
    case signatureChecks = "SIGNATURE_CHECKS"
}
