import Testing

@testable import TimeCoinCore

@Suite("Operations")
struct OperationTests {
    /// Runs both texts and compares the stacks that they leave, item by item.
    private func leavesTheSame(_ text: String, as expected: String) throws -> Bool {
        func stack(_ text: String) throws -> [[UInt8]] {
            var machine = ScriptMachine(flags: .chain, context: SigningContext(), budget: .ample)
            try machine.run(try ScriptText.assemble(text))
            return machine.stack.map { Array($0) }
        }
        return try stack(text) == stack(expected)
    }

    @Test(
        "items are moved, copied, dropped and measured",
        arguments: [
            ("1 2 DROP", "1"), ("1 2 3 2DROP", "1"), ("1 2 3 NIP", "1 3"), ("7 DUP", "7 7"),
            ("1 2 2DUP", "1 2 1 2"),
            ("0 1 2 3 3DUP", "0 1 2 3 1 2 3"), ("1 2 OVER", "1 2 1"), ("1 2 3 4 2OVER", "1 2 3 4 1 2"),
            ("1 2 SWAP", "2 1"), ("1 2 3 4 2SWAP", "3 4 1 2"), ("9 1 2 3 ROT", "9 2 3 1"),
            ("9 1 2 3 4 5 6 2ROT", "9 3 4 5 6 1 2"), ("9 1 2 TUCK", "9 2 1 2"), ("0 IFDUP", "0"),
            ("5 IFDUP", "5 5"),
            ("0x01 0x80 IFDUP", "0x01 0x80"), ("7 8 9 0 PICK", "7 8 9 9"), ("7 8 9 2 PICK", "7 8 9 7"),
            ("7 8 9 0 ROLL", "7 8 9"), ("7 8 9 2 ROLL", "8 9 7"), ("DEPTH", "0"), ("4 4 DEPTH", "4 4 2"),
            ("0 SIZE", "0 0"), ("'abc' SIZE", "'abc' 3"), ("1 TOALTSTACK 2 FROMALTSTACK", "2 1"),
            ("'a' 'a' EQUAL", "1"), ("'a' 'b' EQUAL", "0"), ("1 0x02 0x0100 EQUAL", "0"),
            ("4 'a' 'a' EQUALVERIFY", "4"),
            ("3 1 VERIFY", "3"), ("1 NOP", "1"), ("-1 1 16", "0x4f 0x51 0x60"),
        ])
    func items(text: String, expected: String) throws {
        #expect(try leavesTheSame(text, as: expected))
    }

    @Test(
        "numbers are calculated and compared",
        arguments: [
            ("1 1ADD", "2"), ("0 1SUB", "-1"), ("5 NEGATE", "-5"), ("-5 NEGATE", "5"), ("0 NEGATE", "0"),
            ("-5 ABS", "5"),
            ("5 ABS", "5"), ("0 NOT", "1"), ("1 NOT", "0"), ("2 NOT", "0"), ("0 0NOTEQUAL", "0"),
            ("-3 0NOTEQUAL", "1"),
            ("2 3 ADD", "5"), ("2 3 SUB", "-1"), ("-2 3 ADD", "1"), ("1000 -1 ADD", "999"),
            ("2 0 BOOLAND", "0"), ("2 3 BOOLAND", "1"), ("0 0 BOOLOR", "0"), ("0 3 BOOLOR", "1"),
            ("2 2 NUMEQUAL", "1"), ("2 3 NUMEQUAL", "0"), ("9 2 2 NUMEQUALVERIFY", "9"),
            ("2 3 NUMNOTEQUAL", "1"),
            ("2 2 NUMNOTEQUAL", "0"), ("2 3 LESSTHAN", "1"), ("3 3 LESSTHAN", "0"), ("3 2 GREATERTHAN", "1"),
            ("3 3 GREATERTHAN", "0"), ("3 3 LESSTHANOREQUAL", "1"), ("4 3 LESSTHANOREQUAL", "0"),
            ("3 3 GREATERTHANOREQUAL", "1"), ("2 3 GREATERTHANOREQUAL", "0"), ("2 -3 MIN", "-3"),
            ("-3 2 MIN", "-3"),
            ("2 -3 MAX", "2"), ("-3 2 MAX", "2"), ("1 1 3 WITHIN", "1"), ("2 1 3 WITHIN", "1"),
            ("3 1 3 WITHIN", "0"),
            ("0 1 3 WITHIN", "0"), ("2147483647 2147483647 ADD", "0x05 0xfeffffff00"),
            ("-2147483647 2147483647 SUB", "0x05 0xfeffffff80"),
        ])
    func numbers(text: String, expected: String) throws {
        #expect(try leavesTheSame(text, as: expected))
    }

    @Test(
        "an operation with too few items is refused",
        arguments: [
            (
                1,
                "DROP DUP IFDUP SIZE NOT 0NOTEQUAL 1ADD 1SUB NEGATE ABS VERIFY TOALTSTACK"
            ),
            (1, "IF NOTIF SHA256 HASH160 HASH256 CHECKLOCKTIMEVERIFY CHECKSEQUENCEVERIFY"),
            (2, "2DROP 2DUP NIP OVER SWAP TUCK PICK ROLL EQUAL EQUALVERIFY ADD SUB BOOLAND BOOLOR NUMEQUAL"),
            (2, "NUMEQUALVERIFY NUMNOTEQUAL LESSTHAN GREATERTHAN LESSTHANOREQUAL GREATERTHANOREQUAL MIN MAX"),
            (2, "CHECKSIG CHECKSIGVERIFY CHECKMULTISIG CHECKMULTISIGVERIFY"), (3, "3DUP ROT WITHIN"),
            (4, "2OVER 2SWAP"), (6, "2ROT"),
        ])
    func tooFewItems(needed: Int, names: String) throws {
        for name in names.split(separator: " ") {
            let locks: ScriptFlags = [.checkLockTime, .checkSequence]
            // Zeros, so that counts of signatures and depths are in range.
            let items = Array(repeating: "0", count: needed - 1).joined(separator: " ")
            #expect(try rejection(items, "\(name)", flags: locks) == .invalidStackOperation, "\(name)")
            #expect(try rejection("\(items) 0", "\(name)", flags: locks) != .invalidStackOperation, "\(name)")
        }
    }

    @Test(
        "each operation that verifies has its own reason",
        arguments: [
            ("0 VERIFY", ScriptRejection.verify), ("1 2 EQUALVERIFY", .equalVerify),
            ("1 2 NUMEQUALVERIFY", .numberEqualVerify), ("0 0 CHECKSIGVERIFY", .checkSignatureVerify),
            ("0 1 'k' 1 CHECKMULTISIGVERIFY", .checkMultisignatureVerify), ("RETURN", .opReturn),
            ("1 1 1 PICK", .cleanStack), ("1 -1 PICK", .invalidStackOperation),
            ("1 -1 ROLL", .invalidStackOperation),
            ("1 1 PICK", .invalidStackOperation), ("1 1 ROLL", .invalidStackOperation),
        ])
    func reasons(text: String, reason: ScriptRejection) throws {
        #expect(try rejection("", text) == reason)
    }

    @Test("what a push could say shorter is refused where it is executed")
    func minimalPushes() throws {
        func push(_ header: [UInt8], _ count: Int, _ value: UInt8 = 9) -> Script {
            Script(header + [UInt8](repeating: value, count: count))
        }
        let minimal = [
            push([1], 1, 0), push([1], 1, 17), push([1], 1, 0x80), push([1], 1, 0x82), push([2], 2, 1),
            push([75], 75),
            push([0x4c, 76], 76), push([0x4c, 255], 255), push([0x4d, 0, 1], 256),
        ]
        let longer = [
            push([0x4c, 0], 0), push([1], 1, 1), push([1], 1, 16), push([1], 1, 0x81),
            push([0x4c, 1], 1, 17),
            push([0x4c, 75], 75), push([0x4d, 76, 0], 76), push([0x4d, 255, 0], 255),
            push([0x4e, 0, 1, 0, 0], 256),
            push([0x4d, 0, 0], 0), push([0x4e, 0, 0, 0, 0], 0),
        ]
        for script in minimal {
            #expect(rejection(script, Script([0x75, 0x51])) == nil, "\(script.bytes.prefix(4))")
        }
        for script in longer {
            #expect(rejection(script, Script([0x75, 0x51])) == .minimalData, "\(script.bytes.prefix(4))")
            #expect(rejection(script, Script([0x75, 0x51]), flags: []) == nil, "\(script.bytes.prefix(4))")
            #expect(rejection(.empty, Script([0x00, 0x63] + script.bytes + [0x68, 0x51])) == nil)
        }
    }
}
