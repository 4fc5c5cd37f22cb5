import Testing

@testable import TimeCoinCore

/// A key-hash output of 10 TIME and the means to spend it.
private struct Fixture {
    let key: SigningKey
    let chain = Hash256.zero
    let spent: OutputEntry
    let outPoint = OutPoint(transaction: Blake2b.hash256(.transactionID, [1]), index: 0)

    init() throws {
        key = try #require(SigningKey(seed: [UInt8](repeating: 7, count: 32)))
        spent = OutputEntry(
            output: TransactionOutput(
                value: try #require(Amount(decimal: "10")), locking: Script.keyHash(of: key.publicKey)),
            height: 5, slot: 3, time: Timestamp(milliseconds: 1_000_000_000), kind: .transfer, position: 0)
    }

    func context(price: UInt64 = 1000, slot: Slot = 4) -> SpendingContext {
        SpendingContext(
            slot: slot, parentTime: Timestamp(milliseconds: 2_000_000_000),
            growthPrice: Amount(units: price) ?? .zero)
    }

    func transaction(
        paying units: [UInt64], sequence: UInt32 = TransactionInput.finalSequence, lockTime: UInt32 = 0
    ) throws -> Transaction {
        let outputs = try units.map {
            TransactionOutput(
                value: try #require(Amount(units: $0)), locking: Script.keyHash(of: key.publicKey))
        }
        let bare = Transaction(
            inputs: [TransactionInput(previous: outPoint, unlocking: .empty, sequence: sequence)],
            outputs: outputs,
            lockTime: lockTime)
        let hash = try #require(SignatureHash(transaction: bare, spending: [spent.output], chain: chain))
        let message = try #require(hash.message(input: 0, type: .all))
        let unlocking = Script.unlockKeyHash(
            signature: key.sign(message.bytes), type: .all, key: key.publicKey)
        return Transaction(
            inputs: [TransactionInput(previous: outPoint, unlocking: unlocking, sequence: sequence)],
            outputs: outputs, lockTime: lockTime)
    }

    func verify(_ transaction: Transaction, _ context: SpendingContext) throws -> ScriptProof {
        let checked = try CheckedTransaction(checking: transaction)
        return try ScriptProof(
            verifying: try SpendableTransaction(checked, spending: [spent], in: context), chain: chain)
    }
}

@Suite("Transactions")
struct TransactionTests {
    @Test("S4: what was signed can be spent, and every changed byte is refused or is another transaction")
    func everyByteMatters() throws {
        let fixture = try Fixture()
        let transaction = try fixture.transaction(paying: [999_000_000])
        let proof = try fixture.verify(transaction, fixture.context())
        #expect(proof.work.signatureChecks == 1)
        let bytes = transaction.encoded
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1
            guard let other = try? Transaction(decoding: changed) else { continue }
            #expect(other.encoded == changed)
            #expect(other.wtxid != transaction.wtxid)
            let stillValid = (try? fixture.verify(other, fixture.context())) != nil
            #expect(!stillValid || other.txid != transaction.txid, "byte \(index)")
        }
    }

    @Test("another signature is the same txid and another wtxid")
    func malleability() throws {
        let fixture = try Fixture()
        let one = try fixture.transaction(paying: [999_000_000])
        let two = Transaction(
            inputs: one.inputs.map {
                TransactionInput(previous: $0.previous, unlocking: .empty, sequence: $0.sequence)
            },
            outputs: one.outputs)
        #expect(one.txid == two.txid)
        #expect(one.wtxid != two.wtxid)
    }

    @Test("a signature is good on one chain only")
    func otherChain() throws {
        let fixture = try Fixture()
        let checked = try CheckedTransaction(checking: try fixture.transaction(paying: [999_000_000]))
        let spendable = try SpendableTransaction(checked, spending: [fixture.spent], in: fixture.context())
        #expect(throws: TransactionRejection(.script, "")) {
            try ScriptProof(verifying: spendable, chain: Blake2b.hash256(.block, [1]))
        }
    }

    @Test("fee and price of growth are exact to the unit")
    func fees() throws {
        let fixture = try Fixture()
        let size = UInt64(try fixture.transaction(paying: [1_000, 1_000]).encodedSize)
        let rest = 1_000_000_000 - 10 * size - 1000
        let enough = try CheckedTransaction(checking: try fixture.transaction(paying: [rest - 600, 600]))
        let spendable = try SpendableTransaction(enough, spending: [fixture.spent], in: fixture.context())
        #expect(spendable.fee.units == 10 * size)
        #expect(spendable.burned.units == 1000)
        let short = try CheckedTransaction(checking: try fixture.transaction(paying: [rest - 599, 600]))
        #expect(throws: TransactionRejection(.insufficientFee, "")) {
            try SpendableTransaction(short, spending: [fixture.spent], in: fixture.context())
        }
        #expect(Fees.growthPrice(outputCount: 999_999).units == 1000)
        #expect(Fees.growthPrice(outputCount: 1_000_000).units == 2000)
        #expect(Fees.growthPrice(outputCount: 10_000_000).units == 1_024_000)
        #expect(Fees.growthPrice(outputCount: .max) == .maximum)
    }

    @Test("locks count slots and the parent's time")
    func locks() throws {
        let fixture = try Fixture()
        let relative = try CheckedTransaction(
            checking: try fixture.transaction(paying: [999_000_000], sequence: 2))
        #expect(throws: TransactionRejection(.sequenceLock, "")) {
            try SpendableTransaction(relative, spending: [fixture.spent], in: fixture.context(slot: 4))
        }
        _ = try SpendableTransaction(relative, spending: [fixture.spent], in: fixture.context(slot: 5))
        let absolute = try CheckedTransaction(
            checking: try fixture.transaction(paying: [999_000_000], sequence: 0xffff_fffe, lockTime: 4))
        #expect(throws: TransactionRejection(.lockTime, "")) {
            try SpendableTransaction(absolute, spending: [fixture.spent], in: fixture.context(slot: 4))
        }
        _ = try SpendableTransaction(absolute, spending: [fixture.spent], in: fixture.context(slot: 5))
    }

    @Test("each rule without state has its own rejection")
    func statelessRules() throws {
        let fixture = try Fixture()
        let input = TransactionInput(previous: fixture.outPoint, unlocking: .empty)
        let good = TransactionOutput(
            value: try #require(Amount(units: 546)), locking: fixture.spent.output.locking)
        let dust = TransactionOutput(value: try #require(Amount(units: 545)), locking: good.locking)
        let carrier = TransactionOutput(
            value: try #require(Amount(units: 546)), locking: try #require(Script.dataCarrier([1])))
        let rich = TransactionOutput(value: .maximum, locking: good.locking)
        let cases: [(Transaction, TransactionRejection.Rule)] = [
            (Transaction(inputs: [], outputs: [good]), .noInputs),
            (Transaction(inputs: [input], outputs: []), .noOutputs),
            (Transaction(inputs: [input, input], outputs: [good]), .duplicateInput),
            (Transaction(inputs: [input], outputs: [dust]), .dust),
            (Transaction(inputs: [input], outputs: [carrier]), .dataCarrierValue),
            (Transaction(inputs: [input], outputs: [rich, good]), .moneyRange),
            (Transaction(version: 3, inputs: [input], outputs: [good]), .unknownVersion),
            (Transaction(version: 1, kind: .coinbase, inputs: [input], outputs: [good]), .coinbaseForm),
        ]
        for (transaction, rule) in cases {
            #expect(throws: TransactionRejection(rule, "")) { try CheckedTransaction(checking: transaction) }
        }
    }
}
