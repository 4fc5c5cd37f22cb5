import Testing

@testable import TimeCoinCore

@Suite("Scripts as text")
struct ScriptTextTests {
    @Test(
        "words become bytes",
        arguments: [
            ("", ""), ("  \t\n ", ""), ("0 1 16 -1", "0051604f"), ("17 -2", "01110182"), ("007 -0", "5700"),
            ("4294967295", "05ffffffff00"), ("-4294967295", "05ffffffff80"), ("0x4c05 0x01", "4c0501"),
            ("''", "00"),
            ("'a' 'abc'", "016103616263"), ("DUP OP_DUP", "7676"),
            ("NOP2 CHECKLOCKTIMEVERIFY NOP3", "b1b1b2"),
            ("RESERVED", "50"), ("2DROP 0NOTEQUAL", "6d92"),
        ])
    func words(text: String, hex: String) throws {
        #expect(Hexadecimal.encode(try ScriptText.assemble(text).bytes) == hex)
    }

    @Test(
        "what means nothing is refused with its place",
        arguments: [
            ("1 XYZZY", ScriptTextFailure.Reason.unknownWord, 2), ("dup", .unknownWord, 0),
            ("PUSHDATA1", .unknownWord, 0),
            ("-", .unknownWord, 0), ("1.5", .unknownWord, 0), ("OP_", .unknownWord, 0),
            ("OP_OP_DUP", .unknownWord, 0),
            (" 4294967296", .numberOutOfRange, 1), ("-9223372036854775808", .numberOutOfRange, 0),
            ("99999999999999999999999", .numberOutOfRange, 0), ("DUP 0x", .badHexadecimal, 4),
            ("0x1", .badHexadecimal, 0),
            ("0xgg", .badHexadecimal, 0), ("'", .unterminatedQuote, 0),
            ("1 'two words'", .unterminatedQuote, 2),
        ])
    func refusals(text: String, reason: ScriptTextFailure.Reason, position: Int) throws {
        #expect(throws: ScriptTextFailure(reason, position: position)) { try ScriptText.assemble(text) }
    }

    @Test("a text above the limit is not read")
    func length() throws {
        #expect(try ScriptText.assemble(String(repeating: " ", count: ScriptText.bytesMax)) == .empty)
        #expect(throws: ScriptTextFailure(.tooLong, position: ScriptText.bytesMax)) {
            try ScriptText.assemble(String(repeating: " ", count: ScriptText.bytesMax + 1))
        }
    }

    @Test("every operation has its own name, and the name leads back")
    func names() throws {
        #expect(Set(Opcode.allCases.map(\.name)).count == Opcode.allCases.count)
        for opcode in Opcode.allCases where opcode.rawValue >= Opcode.noOperation.rawValue {
            #expect(Opcode(name: opcode.name) == opcode)
            #expect(Opcode(name: "OP_" + opcode.name) == opcode)
        }
        let pinned: [(Opcode, UInt8, String)] = [
            (.noOperation, 0x61, "NOP"), (.return, 0x6a, "RETURN"), (.duplicate, 0x76, "DUP"),
            (.tuck, 0x7d, "TUCK"),
            (.size, 0x82, "SIZE"), (.equal, 0x87, "EQUAL"), (.add1, 0x8b, "1ADD"), (.add, 0x93, "ADD"),
            (.within, 0xa5, "WITHIN"), (.sha256, 0xa8, "SHA256"),
            (.checkMultisignature, 0xae, "CHECKMULTISIG"),
            (.checkSequenceVerify, 0xb2, "CHECKSEQUENCEVERIFY"), (.noOperation10, 0xb9, "NOP10"),
        ]
        for (opcode, number, name) in pinned {
            #expect(opcode.rawValue == number && opcode.name == name)
        }
    }

    @Test("scripts are written by names, numbers and raw bytes")
    func written() throws {
        let script = Script([
            0x00, 0x4f, 0x60, 0x76, 0x02, 0xab, 0xcd, 0x4c, 0x01, 0x07, 0x4c, 0x00, 0xba, 0x05, 0x01,
        ])
        #expect(
            ScriptText.disassemble(script) == "0 -1 16 DUP 0x02 0xabcd 0x4c 0x01 0x07 0x4c 0x00 0xba 0x0501")
    }
}
