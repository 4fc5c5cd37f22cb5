extension Opcode {
    /// Bitcoin's name without `OP_`; numbers are written as numbers.
    public var name: String {
        switch self {
        case .push0: "0"
        case .pushData1: "PUSHDATA1"
        case .pushData2: "PUSHDATA2"
        case .pushData4: "PUSHDATA4"
        case .negative1: "-1"
        case .reserved: "RESERVED"
        case .number1, .number2, .number3, .number4, .number5, .number6, .number7, .number8, .number9,
            .number10,
            .number11, .number12, .number13, .number14, .number15, .number16:
            String(rawValue - Opcode.number1.rawValue + 1)
        default: Opcode.operationNames[Int(rawValue - Opcode.noOperation.rawValue)]
        }
    }

    /// The operation of a name, with or without `OP_`; `nil` for pushes and numbers, which are not written by
    /// name.
    public init?(name: some StringProtocol) {
        let short = name.hasPrefix("OP_") ? name.dropFirst(3) : name[...]
        guard let opcode = Opcode.byName[String(short)] else { return nil }
        self = opcode
    }

    /// The names from NOP to NOP10, which have no gap between them.
    private static let operationNames: [String] = """
        NOP VER IF NOTIF VERIF VERNOTIF ELSE ENDIF VERIFY RETURN TOALTSTACK FROMALTSTACK 2DROP 2DUP 3DUP \
        2OVER 2ROT 2SWAP IFDUP DEPTH DROP DUP NIP OVER PICK ROLL ROT SWAP TUCK CAT SUBSTR LEFT RIGHT SIZE \
        INVERT AND OR XOR EQUAL EQUALVERIFY RESERVED1 RESERVED2 1ADD 1SUB 2MUL 2DIV NEGATE ABS NOT \
        0NOTEQUAL ADD SUB MUL DIV MOD LSHIFT RSHIFT BOOLAND BOOLOR NUMEQUAL NUMEQUALVERIFY NUMNOTEQUAL \
        LESSTHAN GREATERTHAN LESSTHANOREQUAL GREATERTHANOREQUAL MIN MAX WITHIN RIPEMD160 SHA1 SHA256 \
        HASH160 HASH256 CODESEPARATOR CHECKSIG CHECKSIGVERIFY CHECKMULTISIG CHECKMULTISIGVERIFY NOP1 \
        CHECKLOCKTIMEVERIFY CHECKSEQUENCEVERIFY NOP4 NOP5 NOP6 NOP7 NOP8 NOP9 NOP10
        """.split(separator: " ").map(String.init)

    private static let byName: [String: Opcode] = {
        // What the two lock operations were called before BIP 65 and BIP 112.
        var opcodes: [String: Opcode] = ["NOP2": .checkLockTimeVerify, "NOP3": .checkSequenceVerify]
        for opcode in Opcode.allCases where opcode == .reserved || opcode.rawValue >= noOperation.rawValue {
            opcodes[opcode.name] = opcode
        }
        return opcodes
    }()
}
