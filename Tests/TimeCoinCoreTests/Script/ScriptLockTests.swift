import Testing

@testable import TimeCoinCore

@Suite("Locks in scripts")
struct ScriptLockTests {
    @Test("CHECKLOCKTIMEVERIFY compares locks of one sort and needs an input that is not final")
    func lockTime() throws {
        func result(_ operand: String, lockTime: UInt32, sequence: UInt32 = 0) throws -> ScriptRejection? {
            let context = SigningContext(lockTime: lockTime, sequence: sequence)
            return try rejection("", "\(operand) CHECKLOCKTIMEVERIFY DROP 1", context: context)
        }
        #expect(try result("100", lockTime: 100) == nil)
        #expect(try result("100", lockTime: 99) == .unsatisfiedLockTime)
        #expect(try result("100", lockTime: 100, sequence: 0xffff_ffff) == .unsatisfiedLockTime)
        #expect(try result("100", lockTime: 100, sequence: 0xffff_fffe) == nil)
        #expect(try result("499999999", lockTime: 500_000_000) == .unsatisfiedLockTime)
        #expect(try result("500000000", lockTime: 500_000_000) == nil)
        #expect(try result("500000000", lockTime: 499_999_999) == .unsatisfiedLockTime)
        #expect(try result("4294967295", lockTime: .max) == nil)
        #expect(try result("0x05 0x0000000001", lockTime: .max) == .unsatisfiedLockTime)
        #expect(try result("-1", lockTime: 100) == .negativeLockTime)
        #expect(try result("0x06 0x000000000001", lockTime: 100) == .number)
        #expect(try result("0x02 0x0100", lockTime: 100) == .number)
        #expect(try rejection("", "CHECKLOCKTIMEVERIFY 1") == .invalidStackOperation)
    }

    @Test("CHECKSEQUENCEVERIFY compares relative locks of one sort and needs version 2")
    func sequence() throws {
        func result(_ operand: String, sequence: UInt32, version: UInt16 = 2) throws -> ScriptRejection? {
            let context = SigningContext(version: version, sequence: sequence)
            return try rejection("", "\(operand) CHECKSEQUENCEVERIFY DROP 1", context: context)
        }
        #expect(try result("10", sequence: 10) == nil)
        #expect(try result("10", sequence: 9) == .unsatisfiedLockTime)
        #expect(try result("10", sequence: 10, version: 1) == .unsatisfiedLockTime)
        #expect(try result("10", sequence: 1 << 31 | 10) == .unsatisfiedLockTime)
        #expect(try result("10", sequence: 1 << 22 | 10) == .unsatisfiedLockTime)
        #expect(try result("4194314", sequence: 1 << 22 | 10) == nil)
        #expect(try result("4194314", sequence: 11) == .unsatisfiedLockTime)
        #expect(try result("10", sequence: 1 << 16 | 10) == nil)
        #expect(try result("65546", sequence: 10) == nil)
        // An operand with the disabling bit asks for nothing.
        #expect(try result("2147483658", sequence: 0, version: 1) == nil)
        #expect(try result("-1", sequence: 10) == .negativeLockTime)
        #expect(try result("0x06 0x000000000001", sequence: 10) == .number)
    }

    @Test("without their flags both operations do nothing")
    func withoutFlags() throws {
        #expect(try rejection("", "-1 CHECKLOCKTIMEVERIFY CHECKSEQUENCEVERIFY", flags: []) == nil)
        #expect(
            try rejection("", "NOP1 1", flags: [.discourageUpgradableNoOperations]) == .discouragedNoOperation
        )
        #expect(try rejection("", "NOP 1", flags: [.discourageUpgradableNoOperations]) == nil)
        #expect(try rejection("", "0 IF NOP10 ENDIF 1", flags: [.discourageUpgradableNoOperations]) == nil)
        #expect(try rejection("", "NOP1 NOP4 NOP5 NOP6 NOP7 NOP8 NOP9 NOP10 1") == nil)
    }

    @Test("the rules of the chain are fixed")
    func chainFlags() {
        #expect(
            ScriptFlags.chain == [
                .scriptHash, .minimalData, .cleanStack, .nullFail, .pushOnly, .checkLockTime, .checkSequence,
            ])
    }
}
