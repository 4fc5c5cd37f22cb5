/// The operations of the language, with Bitcoin's numbers.
public enum Opcode: UInt8, Hashable, Sendable, CaseIterable {
    case push0 = 0x00
    case pushData1 = 0x4c
    case pushData2 = 0x4d
    case pushData4 = 0x4e
    case negative1 = 0x4f
    case reserved = 0x50
    case number1 = 0x51
    case number16 = 0x60
    case noOperation = 0x61
    case `if` = 0x63
    case notIf = 0x64
    case `else` = 0x67
    case endIf = 0x68
    case verify = 0x69
    case `return` = 0x6a
    case toAltStack = 0x6b
    case fromAltStack = 0x6c
    case drop2 = 0x6d
    case duplicate2 = 0x6e
    case duplicate3 = 0x6f
    case over2 = 0x70
    case rotate2 = 0x71
    case swap2 = 0x72
    case ifDuplicate = 0x73
    case depth = 0x74
    case drop = 0x75
    case duplicate = 0x76
    case nip = 0x77
    case over = 0x78
    case pick = 0x79
    case roll = 0x7a
    case rotate = 0x7b
    case swap = 0x7c
    case tuck = 0x7d
    case size = 0x82
    case equal = 0x87
    case equalVerify = 0x88
    case add1 = 0x8b
    case subtract1 = 0x8c
    case negate = 0x8f
    case absolute = 0x90
    case not = 0x91
    case notEqual0 = 0x92
    case add = 0x93
    case subtract = 0x94
    case booleanAnd = 0x9a
    case booleanOr = 0x9b
    case numberEqual = 0x9c
    case numberEqualVerify = 0x9d
    case numberNotEqual = 0x9e
    case lessThan = 0x9f
    case greaterThan = 0xa0
    case lessThanOrEqual = 0xa1
    case greaterThanOrEqual = 0xa2
    case minimum = 0xa3
    case maximum = 0xa4
    case within = 0xa5
    case ripemd160 = 0xa6
    case sha1 = 0xa7
    case sha256 = 0xa8
    /// BLAKE2b-160 here.
    case hash160 = 0xa9
    /// BLAKE2b-256 here.
    case hash256 = 0xaa
    case checkSignature = 0xac
    case checkSignatureVerify = 0xad
    case checkMultisignature = 0xae
    case checkMultisignatureVerify = 0xaf
    case noOperation1 = 0xb0
    case checkLockTimeVerify = 0xb1
    case checkSequenceVerify = 0xb2

    /// Refused even where not executed: Bitcoin's disabled operations and this chain's.
    static func isDisabled(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x7e...0x81, 0x83...0x86, 0x8d, 0x8e, 0x95...0x99, Opcode.ripemd160.rawValue, Opcode.sha1.rawValue: true
        default: false
        }
    }
}
