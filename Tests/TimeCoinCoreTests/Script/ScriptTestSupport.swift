import Testing

@testable import TimeCoinCore

/// An input whose signatures are Ed25519 over a fixed message, of type ALL.
struct SigningContext: ScriptContext {
    var lockTime: UInt32 = 0
    var version: UInt16 = 1
    var sequence: UInt32 = 0xffff_ffff
    var message: [UInt8] = Array("the transaction".utf8)

    func verifies(
        signature: ArraySlice<UInt8>, key: ArraySlice<UInt8>, budget: inout ScriptBudget
    ) throws(ScriptRejection) -> Bool {
        guard signature.last == SignatureHashType.all.byte, let bytes = Signature(signature.dropLast()),
            let publicKey = PublicKey(key)
        else { return false }
        try budget.chargeHashing(message.count)
        return publicKey.verifies(bytes, over: message)
    }
}

/// An input for which every signature check has the same answer.
struct ConstantContext: ScriptContext {
    var lockTime: UInt32 = 0
    var version: UInt16 = 1
    var sequence: UInt32 = 0xffff_ffff
    var answer: Bool

    func verifies(
        signature: ArraySlice<UInt8>, key: ArraySlice<UInt8>, budget: inout ScriptBudget
    ) throws(ScriptRejection) -> Bool { answer }
}

extension ScriptBudget {
    static var ample: ScriptBudget {
        ScriptBudget(hashedBytesLimit: 10_000_000, signatureChecksLimit: 100_000)
    }
}

/// What running gives: `nil` for yes, otherwise the reason.
func rejection(
    _ unlocking: Script, _ locking: Script, flags: ScriptFlags = .chain,
    context: some ScriptContext = SigningContext()
) -> ScriptRejection? {
    var budget = ScriptBudget.ample
    return rejection(unlocking, locking, flags: flags, context: context, budget: &budget)
}

func rejection(
    _ unlocking: Script, _ locking: Script, flags: ScriptFlags = .chain,
    context: some ScriptContext = SigningContext(), budget: inout ScriptBudget
) -> ScriptRejection? {
    do throws(ScriptRejection) {
        try ScriptInterpreter.verify(
            unlocking: unlocking, locking: locking, flags: flags, context: context, budget: &budget)
        return nil
    } catch {
        return error
    }
}

/// The same of texts.
func rejection(
    _ unlocking: String, _ locking: String, flags: ScriptFlags = .chain,
    context: some ScriptContext = SigningContext()
) throws -> ScriptRejection? {
    rejection(
        try ScriptText.assemble(unlocking), try ScriptText.assemble(locking), flags: flags, context: context)
}

/// A key that depends on nothing but a number.
func signingKey(_ number: UInt8) throws -> SigningKey {
    try #require(SigningKey(seed: [UInt8](repeating: number, count: SigningKey.seedByteCount)))
}

/// SplitMix64: random numbers that a seed names.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

/// SHA-256 as scripts have it.
func sha256(_ bytes: [UInt8]) throws -> [UInt8] {
    var machine = ScriptMachine(flags: [], context: SigningContext(), budget: .ample)
    machine.stack = [bytes[...]]
    try machine.run(Script([Opcode.sha256.rawValue]))
    return Array(try #require(machine.stack.last))
}
