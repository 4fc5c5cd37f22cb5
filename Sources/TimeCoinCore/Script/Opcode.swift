/// The operations of the script language, with Bitcoin's numbers.
///
/// The names in text (``name``) are Bitcoin's. Bytes 0x01 to 0x4b push that many bytes and have no case;
/// bytes above ``noOperation10`` mean nothing and are refused where executed.
public enum Opcode: UInt8, Hashable, Sendable, CaseIterable {
    // Pushes. Everything up to `number16` counts as a push and not as an operation.
    case push0 = 0x00
    case pushData1 = 0x4c
    case pushData2, pushData4
    case negative1 = 0x4f
    case reserved = 0x50
    case number1 = 0x51
    case number2, number3, number4, number5, number6, number7, number8
    case number9, number10, number11, number12, number13, number14, number15, number16

    // Flow control. VERIF and VERNOTIF are refused even where not executed, VER and RETURN where executed.
    case noOperation = 0x61
    case version
    case `if`, notIf, versionIf, versionNotIf, `else`, endIf
    case verify, `return`

    // Moving, copying and dropping items.
    case toAltStack = 0x6b
    case fromAltStack, drop2, duplicate2, duplicate3, over2, rotate2, swap2, ifDuplicate, depth, drop,
        duplicate
    case nip, over, pick, roll, rotate, swap, tuck

    // Bytes. Only SIZE, EQUAL and EQUALVERIFY are left of Bitcoin's.
    case concatenate = 0x7e
    case substring, left, right, size, invert, and, or, exclusiveOr
    case equal, equalVerify
    case reserved1, reserved2

    // Numbers.
    case add1 = 0x8b
    case subtract1, multiply2, divide2, negate, absolute, not, notEqual0
    case add, subtract, multiply, divide, modulo, shiftLeft, shiftRight
    case booleanAnd, booleanOr, numberEqual, numberEqualVerify, numberNotEqual
    case lessThan, greaterThan, lessThanOrEqual, greaterThanOrEqual, minimum, maximum, within

    // Hashes and signatures. HASH160 is BLAKE2b-160 and HASH256 BLAKE2b-256 here; RIPEMD160 and SHA1 are
    // disabled; CODESEPARATOR does not exist and is refused where executed.
    case ripemd160 = 0xa6
    case sha1, sha256, hash160, hash256
    case codeSeparator
    case checkSignature, checkSignatureVerify, checkMultisignature, checkMultisignatureVerify

    // Locks, and room for later rules.
    case noOperation1 = 0xb0
    case checkLockTimeVerify, checkSequenceVerify
    case noOperation4, noOperation5, noOperation6, noOperation7, noOperation8, noOperation9, noOperation10

    /// Refused even where not executed: Bitcoin's disabled operations and the two hashes that this chain
    /// drops.
    public var isDisabled: Bool {
        switch self {
        case .concatenate, .substring, .left, .right, .invert, .and, .or, .exclusiveOr, .multiply2, .divide2,
            .multiply, .divide, .modulo, .shiftLeft, .shiftRight, .ripemd160, .sha1:
            true
        default: false
        }
    }
}
