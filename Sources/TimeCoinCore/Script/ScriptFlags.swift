/// Rules of running that can be switched, so that published cases can be run with theirs; the chain's own set
/// is ``chain`` and never changes by configuration.
public struct ScriptFlags: OptionSet, Hashable, Sendable {
    /// One bit a rule.
    public let rawValue: UInt16

    /// Any combination is a valid one.
    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// A script-hash output runs the script that the unlocking script pushed last (BIP 16).
    public static let scriptHash = ScriptFlags(rawValue: 1 << 0)
    /// Executed pushes, and numbers taken from the stack, are in their shortest form (BIP 62, rules 3 and 4).
    public static let minimalData = ScriptFlags(rawValue: 1 << 1)
    /// Exactly one item is left in the end (BIP 62, rule 6).
    public static let cleanStack = ScriptFlags(rawValue: 1 << 2)
    /// The signatures of a check that failed are empty (BIP 146).
    public static let nullFail = ScriptFlags(rawValue: 1 << 3)
    /// Unlocking scripts only push (BIP 62, rule 2).
    public static let pushOnly = ScriptFlags(rawValue: 1 << 4)
    /// 0xb1 is CHECKLOCKTIMEVERIFY (BIP 65) and not NOP2.
    public static let checkLockTime = ScriptFlags(rawValue: 1 << 5)
    /// 0xb2 is CHECKSEQUENCEVERIFY (BIP 112) and not NOP3.
    public static let checkSequence = ScriptFlags(rawValue: 1 << 6)
    /// Executed NOP1 and NOP4 to NOP10 are refused, so that they can get a meaning later.
    public static let discourageUpgradableNoOperations = ScriptFlags(rawValue: 1 << 7)

    /// What every block of this chain is judged by, from the first one on.
    public static let chain: ScriptFlags = [
        .scriptHash, .minimalData, .cleanStack, .nullFail, .pushOnly, .checkLockTime, .checkSequence,
    ]
}
