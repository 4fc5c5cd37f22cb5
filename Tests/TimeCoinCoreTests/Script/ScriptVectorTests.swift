import TestVectors
import Testing

@testable import TimeCoinCore

@Suite("Published script cases")
struct ScriptVectorTests {
    private struct Row: Decodable {
        let index: Int
        let comment: String
        let expected: String
        let flags: [String]
        let scriptSig: String
        let scriptPubKey: String
        let scriptSigHex: String
        let scriptPubKeyHex: String
        // Only in the set without signatures.
        let flagsRequired: [String]?
        let flagsThatChangeTheResult: [String]?
        let hashOps: [String]?
        let p2shEvaluated: Bool?
        // Only in the set of signature shapes.
        let `class`: String?

        var name: Comment {
            "row \(index): \(scriptSig.prefix(200)) | \(scriptPubKey.prefix(200)) \(comment)"
        }

        func scripts() throws -> (unlocking: Script, locking: Script) {
            let unlocking = Script(try #require(Hexadecimal.decode(scriptSigHex)))
            let locking = Script(try #require(Hexadecimal.decode(scriptPubKeyHex)))
            return (unlocking, locking)
        }
    }

    private static func result(_ unlocking: Script, _ locking: Script, _ names: [String], answer: Bool) throws
        -> String
    {
        let context = ConstantContext(answer: answer)
        return rejection(unlocking, locking, flags: try BitcoinDialect.flags(names), context: context)?
            .rawValue ?? "OK"
    }

    @Test(
        "every case that reaches no signature check has its published result",
        .enabled(if: ExternalVectors.contains("script_nosig")))
    func casesWithoutSignatures() throws {
        let rows = try ExternalVectors.rows("script_nosig", as: Row.self)
        var run = 0
        for row in rows {
            var (unlocking, locking) = try row.scripts()
            if BitcoinDialect.usesMissingOperation(unlocking) || BitcoinDialect.usesMissingOperation(locking)
            {
                continue
            }
            if row.p2shEvaluated == true {
                locking = try #require(BitcoinDialect.relocked(unlocking))
            } else if !Set(row.hashOps ?? []).isSubset(of: ["SHA256"]) {
                continue
            }
            unlocking = BitcoinDialect.withoutDummies(unlocking)
            locking = BitcoinDialect.withoutDummies(locking)
            run += 1
            for names in [row.flags, try #require(row.flagsRequired)] {
                #expect(try Self.result(unlocking, locking, names, answer: false) == row.expected, row.name)
                #expect(try Self.result(unlocking, locking, names, answer: true) == row.expected, row.name)
            }
            for name in row.flagsThatChangeTheResult ?? []
            where !BitcoinDialect.flagsWithoutCounterpart.contains(name) {
                let names = Array(Set(row.flags).symmetricDifference([name]))
                #expect(try Self.result(unlocking, locking, names, answer: false) != row.expected, row.name)
            }
        }
        #expect(run * 10 >= rows.count * 9, "most cases must apply")
        ExternalVectors.report(
            "script_nosig", run: run, skipped: rows.count - run,
            because: "RIPEMD160, SHA1, CODESEPARATOR, or a given value of HASH160 or HASH256")
    }

    @Test(
        "signatures and keys of any other length count as failed checks",
        .enabled(if: ExternalVectors.contains("script_sigshape")))
    func signatureShapes() throws {
        let rows = try ExternalVectors.rows("script_sigshape", as: Row.self)
        var run = 0
        for row in rows where row.expected != "SIG_NULLDUMMY" {
            let (unlocking, given) = try row.scripts()
            let locking = BitcoinDialect.withoutDummies(given)
            run += 1
            // None of these has 65 and 32 bytes, so that the answer of a check must never be asked for.
            for answer in [false, true] {
                #expect(
                    try Self.result(unlocking, locking, row.flags, answer: answer) == row.expected, row.name)
            }
        }
        ExternalVectors.report(
            "script_sigshape", run: run, skipped: rows.count - run,
            because: "there is no dummy item to be empty")
    }

    @Test(
        "text and bytes of every published script name the same script",
        .enabled(if: ExternalVectors.contains("script_nosig") && ExternalVectors.contains("script_sigshape")))
    func textForms() throws {
        for set in ["script_nosig", "script_sigshape"] {
            for row in try ExternalVectors.rows(set, as: Row.self) {
                let (unlocking, locking) = try row.scripts()
                #expect(try ScriptText.assemble(row.scriptSig) == unlocking, row.name)
                #expect(try ScriptText.assemble(row.scriptPubKey) == locking, row.name)
                #expect(try ScriptText.assemble(ScriptText.disassemble(unlocking)) == unlocking, row.name)
                #expect(try ScriptText.assemble(ScriptText.disassemble(locking)) == locking, row.name)
            }
        }
    }
}
