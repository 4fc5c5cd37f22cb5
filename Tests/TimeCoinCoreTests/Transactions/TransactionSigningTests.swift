import Testing

@testable import TimeCoinCore

@Suite("Bringing signatures together")
struct TransactionSigningTests {
    private let chain = Blake2b.hash256(.block, [9])

    private func keys(_ count: UInt8) throws -> [SigningKey] {
        try (1...count).map { try #require(SigningKey(seed: [UInt8](repeating: $0, count: 32))) }
    }

    private func spend(_ scripts: [Script]) throws -> (Transaction, [TransactionOutput]) {
        let amount = try #require(Amount(decimal: "3"))
        let transaction = Transaction(
            inputs: scripts.indices.map {
                TransactionInput(
                    previous: OutPoint(transaction: chain, index: UInt32($0)), unlocking: .empty)
            }, outputs: [TransactionOutput(value: amount, locking: .keyHash(of: try keys(1)[0].publicKey))])
        return (transaction, scripts.map { TransactionOutput(value: amount, locking: $0) })
    }

    /// Runs every script as a block would.
    private func runs(_ transaction: Transaction, _ outputs: [TransactionOutput]) throws -> Bool {
        let checked = try CheckedTransaction(checking: transaction)
        let entries = outputs.map {
            OutputEntry(
                output: $0, height: 1, slot: 0, time: Timestamp(milliseconds: 0), kind: .transfer, position: 0
            )
        }
        let context = SpendingContext(slot: 1, parentTime: Timestamp(milliseconds: 1), growthPrice: .zero)
        let spendable = try SpendableTransaction(checked, spending: entries, in: context)
        return (try? ScriptProof(verifying: spendable, chain: chain)) != nil
    }

    @Test(
        "key hash, bare 2-of-3 and a 2-of-3 behind a script hash, signed by each owner alone, then combined")
    func severalOwners() throws {
        let keys = try keys(4)
        let publicKeys = keys.map(\.publicKey)
        let bare = try #require(Script.multisignature(required: 2, keys: Array(publicKeys.prefix(3))))
        let redeem = try #require(Script.multisignature(required: 2, keys: Array(publicKeys.suffix(3))))
        let scripts = [Script.keyHash(of: publicKeys[0]), bare, try #require(Script.scriptHash(of: redeem))]
        let (unsigned, outputs) = try spend(scripts)
        let spent = [
            TransactionSigning.Spent(outputs[0]), TransactionSigning.Spent(outputs[1]),
            TransactionSigning.Spent(outputs[2], redeem: redeem),
        ]
        let copies = try keys.map { key in
            var signing = try TransactionSigning(unsigned, spending: spent, chain: chain)
            signing.sign(with: [key])
            return signing.transaction
        }
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
            // The redeem script comes with a copy that has been signed.
            var all = try TransactionSigning(copies[order[0]], spending: spent, chain: chain)
            for other in order.dropFirst() { try all.combine(with: copies[other]) }
            #expect(all.incomplete.isEmpty)
            #expect(try runs(all.transaction, outputs))
        }
        var two = try TransactionSigning(copies[1], spending: spent, chain: chain)
        #expect(two.incomplete == [0, 1, 2])
        try two.combine(with: copies[2])
        #expect(two.incomplete == [0])
        #expect(try !runs(two.transaction, outputs))
        // A signed copy needs to be told no redeem script.
        let plain = outputs.map { TransactionSigning.Spent($0) }
        #expect(try TransactionSigning(two.transaction, spending: plain, chain: chain).incomplete == [0])
    }

    @Test("signatures of strangers, of other chains and of other transactions are not taken")
    func strangers() throws {
        let keys = try keys(3)
        let bare = try #require(
            Script.multisignature(required: 1, keys: [keys[0].publicKey, keys[1].publicKey]))
        let (unsigned, outputs) = try spend([bare])
        let spent = [TransactionSigning.Spent(outputs[0])]
        var stranger = try TransactionSigning(unsigned, spending: spent, chain: chain)
        stranger.sign(with: [keys[2]])
        #expect(stranger.incomplete == [0])
        var elsewhere = try TransactionSigning(
            unsigned, spending: spent, chain: Blake2b.hash256(.block, [1]))
        elsewhere.sign(with: [keys[0]])
        #expect(elsewhere.incomplete.isEmpty)
        #expect(
            try TransactionSigning(elsewhere.transaction, spending: spent, chain: chain).incomplete == [0])
        let other = Transaction(
            inputs: unsigned.inputs, outputs: unsigned.outputs + unsigned.outputs)
        #expect(throws: TransactionSigning.Failure.otherTransaction) { try stranger.combine(with: other) }
    }

    @Test("an output whose script is not known, or of no known form, is named")
    func failures() throws {
        let keys = try keys(1)
        let redeem = Script.keyHash(of: keys[0].publicKey)
        let (unsigned, outputs) = try spend([try #require(Script.scriptHash(of: redeem))])
        #expect(throws: TransactionSigning.Failure.redeemScript) {
            try TransactionSigning(unsigned, spending: [.init(outputs[0])], chain: chain)
        }
        #expect(throws: TransactionSigning.Failure.wrongCount) {
            try TransactionSigning(unsigned, spending: [], chain: chain)
        }
        let (odd, oddOutputs) = try spend([Script([Opcode.number1.rawValue])])
        #expect(throws: TransactionSigning.Failure.unknownForm) {
            try TransactionSigning(odd, spending: [.init(oddOutputs[0])], chain: chain)
        }
    }
}
