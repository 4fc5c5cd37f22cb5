import Testing
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinCore
@testable import TimeCoinNode

@Suite("Assembling blocks")
struct AssemblyTests {
    @Test("a refused candidate is named and leaves nothing behind for those after it")
    func refusedCandidates() throws {
        let world = try World()
        let good = try world.payment(0)
        // Spends the same output as the good one, and one that does not exist: it must not count as spending.
        let amount = try #require(Amount(decimal: "1"))
        let strange = try CheckedTransaction(
            checking: Transaction(
                inputs: [
                    good.transaction.inputs[0],
                    TransactionInput(
                        previous: OutPoint(transaction: Blake2b.hash256(.block, [1]), index: 0),
                        unlocking: good.transaction.inputs[0].unlocking),
                ],
                outputs: [
                    TransactionOutput(value: amount, locking: .keyHash(of: world.chain.owner.publicKey))
                ]))
        let admission = try world.admission(good)
        let foreign = try world.admission(try world.payment(1))
        let assembly = try world.verifier.build(
            on: world.state, at: world.state.dueTime(of: 1), proposer: world.chain.members[0].publicKey,
            candidates: [
                // A proof of another transaction proves nothing.
                (strange, admission.proof), (foreign.verified.spendable.checked, admission.proof),
                (good, admission.proof), (good, admission.proof),
            ])
        let block = try #require(assembly.block)
        #expect(block.block.transactions.dropFirst().map(\.txid) == [good.txid])
        #expect(assembly.refused == [strange.txid, foreign.verified.spendable.checked.txid, good.txid])
    }

    @Test("a payment block without a payment is not built, and what did not fit is named")
    func nothingFits() throws {
        var world = try World()
        let spent = try world.admission(try world.payment(0))
        let time = world.state.header.time.advanced(byMilliseconds: 100)
        try world.commit(try #require(try world.build([spent], at: time)))
        let assembly = try world.verifier.build(
            on: world.state, at: time.advanced(byMilliseconds: 100),
            proposer: world.chain.members[0].publicKey,
            candidates: [(spent.verified.spendable.checked, spent.proof)])
        #expect(assembly.block == nil)
        #expect(assembly.refused == [spent.verified.spendable.checked.txid])
    }

    @Test("an input resolver that refuses is as it was before")
    func resolverIsAtomic() throws {
        let world = try World(allocations: 3)
        let first = try world.payment(0)
        let second = try world.payment(1)
        let amount = try #require(Amount(decimal: "1"))
        // Its first input is good, its second was never there.
        let broken = try CheckedTransaction(
            checking: Transaction(
                inputs: [
                    second.transaction.inputs[0],
                    TransactionInput(
                        previous: OutPoint(transaction: first.txid, index: 77), unlocking: .empty),
                ],
                outputs: [
                    TransactionOutput(value: amount, locking: .keyHash(of: world.chain.owner.publicKey))
                ]))
        let header = try #require(try world.build([], at: world.state.dueTime(of: 1))).block.header
        try world.store.snapshot { reader in
            var resolver = InputResolver(
                header: header, parent: world.state, after: [], expectedSpends: 2)
            do {
                _ = try resolver.spend(broken, from: reader)
                Issue.record("an input that does not exist was spent")
            } catch let rejection as TransactionRejection {
                #expect(rejection.rule == .missingInput)
            }
            #expect(try resolver.spend(second, from: reader).checked.txid == second.txid)
        }
    }
}
