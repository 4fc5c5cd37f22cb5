import Testing

@testable import TimeCoinCore

@Suite("Limits of scripts")
struct ScriptLimitTests {
    private func repeated(_ word: String, _ count: Int) -> String {
        Array(repeating: word, count: count).joined(separator: " ")
    }

    @Test("a script of 10,000 bytes runs, one of 10,001 does not")
    func scriptSize() throws {
        // Pushes of 500 bytes and drops, so that no other limit is met.
        let block = [Opcode.pushData2.rawValue, 0xf4, 0x01] + [UInt8](repeating: 9, count: 500)
        let body = (0..<19).flatMap { _ in block + [Opcode.drop.rawValue] }
        let rest = Script.bytesMax - body.count - 1 - 2 * 4 - 4
        let filler: [UInt8] =
            [Opcode.pushData2.rawValue, UInt8(rest & 0xff), UInt8(rest >> 8)]
            + [UInt8](repeating: 9, count: rest) + [Opcode.drop.rawValue]
        let full = Script(body + filler + [0x51, 0x75, 0x51, 0x75, 0x51, 0x75, 0x51, 0x75, 0x51])
        #expect(full.bytes.count == Script.bytesMax)
        #expect(rejection(.empty, full) == nil)
        #expect(rejection(.empty, Script(full.bytes + [0x61])) == .scriptSize)
        #expect(rejection(Script(full.bytes + [0x61]), Script([0x51]), flags: []) == .scriptSize)
    }

    @Test("a push of 520 bytes stands, one of 521 does not, executed or not")
    func pushSize() throws {
        func push(_ count: Int) -> [UInt8] {
            [Opcode.pushData2.rawValue, UInt8(count & 0xff), UInt8(count >> 8)]
                + [UInt8](repeating: 1, count: count)
        }
        #expect(rejection(.empty, Script(push(520))) == nil)
        #expect(rejection(.empty, Script(push(521))) == .pushSize)
        #expect(rejection(Script(push(521)), Script([0x51])) == .pushSize)
        #expect(rejection(.empty, Script([0x00, 0x63] + push(521) + [0x68, 0x51])) == .pushSize)
        #expect(rejection(.empty, Script([0x00, 0x63] + push(520) + [0x68, 0x51])) == nil)
    }

    @Test("201 operations run, 202 do not, executed or not, and each script has its own count")
    func operationCount() throws {
        #expect(try rejection("", repeated("NOP", 201) + " 1") == nil)
        #expect(try rejection("", repeated("NOP", 202) + " 1") == .operationCount)
        #expect(try rejection("", "0 IF " + repeated("NOP", 199) + " ENDIF 1") == nil)
        #expect(try rejection("", "0 IF " + repeated("NOP", 200) + " ENDIF 1") == .operationCount)
        #expect(try rejection(repeated("NOP", 201), repeated("NOP", 201) + " 1", flags: []) == nil)
        #expect(try rejection("", repeated("1", 999) + " " + repeated("2DROP", 199) + " 1", flags: []) == nil)
    }

    @Test("the keys of an executed CHECKMULTISIG count as operations")
    func keysAreOperations() throws {
        let check = "0 " + repeated("1", 20) + " 0x01 0x14 CHECKMULTISIGVERIFY"
        #expect(try rejection("", repeated(check, 9) + " " + repeated("NOP", 12) + " 1") == nil)
        #expect(try rejection("", repeated(check, 9) + " " + repeated("NOP", 13) + " 1") == .operationCount)
        #expect(try rejection("", "0 IF " + repeated(check, 10) + " ENDIF 1") == nil)
    }

    @Test("20 keys may be checked, 21 not; no more signatures than keys")
    func multisignatureCounts() throws {
        #expect(try rejection("", "0 " + repeated("1", 20) + " 0x01 0x14 CHECKMULTISIG") == nil)
        #expect(try rejection("", "0 " + repeated("1", 21) + " 0x01 0x15 CHECKMULTISIG") == .keyCount)
        #expect(try rejection("", "0 -1 CHECKMULTISIG") == .keyCount)
        #expect(try rejection("", "0 0 CHECKMULTISIG") == nil)
        #expect(try rejection("", "0 1 0 CHECKMULTISIG") == .signatureCount)
        #expect(try rejection("", "-1 0 CHECKMULTISIG") == .signatureCount)
        #expect(try rejection("", "0 'k' 2 CHECKMULTISIG") == .invalidStackOperation)
    }

    @Test("1,000 items lie on both stacks, 1,001 do not")
    func stackItems() throws {
        #expect(try rejection(repeated("1", 1000), "", flags: []) == nil)
        #expect(try rejection(repeated("1", 1001), "", flags: []) == .stackSize)
        #expect(try rejection(repeated("1", 999), "TOALTSTACK 1", flags: []) == nil)
        #expect(try rejection(repeated("1", 999), "TOALTSTACK 1 1", flags: []) == .stackSize)
        #expect(try rejection(repeated("1", 998), "3DUP", flags: []) == .stackSize)
        // The other stack ends with its script.
        let moved = repeated("1", 500) + " " + repeated("TOALTSTACK", 200)
        #expect(try rejection(moved, repeated("1", 700), flags: []) == nil)
        #expect(try rejection("1 TOALTSTACK", "FROMALTSTACK", flags: []) == .invalidAltStackOperation)
    }

    @Test("numbers of five bytes are results but not operands")
    func numbers() throws {
        #expect(try rejection("", "2147483647 1ADD 0x05 0x0000008000 EQUAL") == nil)
        #expect(try rejection("", "2147483647 1ADD 1ADD") == .number)
        #expect(try rejection("", "-2147483647 1SUB 0x05 0x0000008080 EQUAL") == nil)
        #expect(try rejection("", "0x01 0x80 0 NUMEQUAL", flags: []) == nil)
        #expect(try rejection("", "0x01 0x80 0 NUMEQUAL") == .number)
        #expect(try rejection("0x01 0x80", "") == .evalFalse)
        #expect(try rejection("0x02 0x0080", "") == .evalFalse)
        #expect(try rejection("0x02 0x8000", "") == nil)
    }

    @Test("what is disabled is refused even where not executed, what means nothing only where executed")
    func operationsOutsideTheLanguage() throws {
        var disabled: [UInt8] = []
        for byte in UInt8(0x4f)...UInt8.max {
            let unexecuted = rejection(.empty, Script([0x00, 0x63, byte, 0x68, 0x51]))
            let executed = rejection(Script([0x51, 0x51]), Script([byte, 0x51]))
            let opcode = Opcode(rawValue: byte)
            if unexecuted == .disabledOpcode {
                disabled.append(byte)
                #expect(executed == .disabledOpcode)
            } else if byte == 0x65 || byte == 0x66 {
                #expect(unexecuted == .badOpcode)
            } else if ![.if, .notIf, .endIf].contains(opcode) {
                #expect(unexecuted == nil, "\(byte)")
            }
            let meansNothing = [0x50, 0x62, 0x65, 0x66, 0x89, 0x8a, 0xab].contains(byte) || byte >= 0xba
            #expect((executed == .badOpcode) == meansNothing, "\(byte)")
        }
        #expect(
            disabled == [
                0x7e, 0x7f, 0x80, 0x81, 0x83, 0x84, 0x85, 0x86, 0x8d, 0x8e, 0x95, 0x96, 0x97, 0x98, 0x99,
                0xa6, 0xa7,
            ])
    }
}
