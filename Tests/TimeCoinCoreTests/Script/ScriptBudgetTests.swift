import Testing

@testable import TimeCoinCore

@Suite("Work of scripts")
struct ScriptBudgetTests {
    private func run(_ locking: String, _ budget: inout ScriptBudget) throws -> ScriptRejection? {
        rejection(.empty, try ScriptText.assemble(locking), budget: &budget)
    }

    @Test("every byte hashed is charged, and the first one too many is refused before it is hashed")
    func hashedBytes() throws {
        var budget = ScriptBudget(hashedBytesLimit: 3 + 20 + 32, signatureChecksLimit: 0)
        #expect(try run("'abc' HASH160 HASH256 SHA256", &budget) == nil)
        #expect(budget.hashedBytes == 3 + 20 + 32)
        var tight = ScriptBudget(hashedBytesLimit: 3 + 20 + 31, signatureChecksLimit: 0)
        #expect(try run("'abc' HASH160 HASH256 SHA256", &tight) == .hashedBytes)
        #expect(tight.hashedBytes == 3 + 20)
    }

    @Test("the budget goes from input to input, also over a refusal")
    func carried() throws {
        var budget = ScriptBudget(hashedBytesLimit: 10, signatureChecksLimit: 0)
        #expect(try run("'abcd' SHA256", &budget) == nil)
        #expect(try run("'abcd' SHA256 RETURN", &budget) == .opReturn)
        #expect(budget.hashedBytes == 8)
        #expect(try run("'abc' SHA256", &budget) == .hashedBytes)
        #expect(try run("'ab' SHA256", &budget) == nil)
    }

    @Test("CHECKSIG counts one check and CHECKMULTISIG its keys, whatever the signatures are")
    func signatureChecks() throws {
        var budget = ScriptBudget.ample
        #expect(try run("0 0 CHECKSIG NOT", &budget) == nil)
        #expect(budget.signatureChecks == 1)
        #expect(try run("0 'a' 'b' 'c' 3 CHECKMULTISIG", &budget) == nil)
        #expect(budget.signatureChecks == 4)
        #expect(try run("0 IF 0 0 CHECKSIG ENDIF 1", &budget) == nil)
        #expect(budget.signatureChecks == 4)
        var tight = ScriptBudget(hashedBytesLimit: 0, signatureChecksLimit: 3)
        #expect(try run("0 0 CHECKSIG NOT", &tight) == nil)
        #expect(try run("0 'a' 'b' 'c' 3 CHECKMULTISIG", &tight) == .signatureChecks)
        #expect(tight.signatureChecks == 1)
        #expect(try run("0 'a' 'b' 2 CHECKMULTISIG", &tight) == nil)
        #expect(try run("0 0 CHECKSIG NOT", &tight) == .signatureChecks)
    }

    @Test("hashing for a signature is charged by the input, and its refusal comes through")
    func signatureHashing() throws {
        let key = try signingKey(1)
        let context = SigningContext()
        let unlocking = Script.unlockKeyHash(
            signature: key.sign(context.message), type: .all, key: key.publicKey)
        let locking = Script.keyHash(of: key.publicKey)
        let needed = PublicKey.byteCount + context.message.count
        var budget = ScriptBudget(hashedBytesLimit: needed, signatureChecksLimit: 1)
        #expect(rejection(unlocking, locking, context: context, budget: &budget) == nil)
        #expect(budget.hashedBytes == needed && budget.signatureChecks == 1)
        var tight = ScriptBudget(hashedBytesLimit: needed - 1, signatureChecksLimit: 1)
        #expect(rejection(unlocking, locking, context: context, budget: &tight) == .hashedBytes)
    }
}
