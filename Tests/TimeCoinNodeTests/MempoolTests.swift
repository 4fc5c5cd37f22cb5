import Testing
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

@Suite("Mempool")
struct MempoolTests {
    private let now = Instant(milliseconds: 1)

    @Test("of two that spend one output the first stays, unless the other pays for both and more")
    func conflicts() throws {
        let world = try World()
        var mempool = Mempool()
        let first = try world.admission(try world.payment(0))
        _ = try mempool.admit(first.verified, proof: first.proof, at: now)
        let txid = first.verified.spendable.checked.txid
        #expect(throws: MempoolRejection.alreadyWaiting(txid)) {
            try mempool.precheck(first.verified.spendable.checked)
        }
        // Of the fee 1,000 units are the price of growth; both are of one size, for which 2,580 is the least.
        let least = Fees.minimum(forSize: first.verified.spendable.checked.size).units
        let outPoint = first.verified.spendable.checked.transaction.inputs[0].previous
        for fee in [5001, 5000 + least - 1] {
            let poor = try world.admission(try world.payment(0, fee: fee))
            do {
                _ = try mempool.admit(poor.verified, proof: poor.proof, at: now)
                Issue.record("it pays too little to replace")
            } catch {
                #expect(error == .conflict(outPoint, with: txid))
            }
            #expect(mempool.transactionIDs == [txid])
        }
        let rich = try world.admission(try world.payment(0, fee: 5000 + least))
        let replaced = try mempool.admit(rich.verified, proof: rich.proof, at: now)
        #expect(replaced == [txid])
        #expect(mempool.transactionIDs == [rich.verified.spendable.checked.txid])
        #expect(mempool.encodedBytes == rich.verified.spendable.checked.size)
    }

    @Test("S5: a pool that is empty again holds nothing back")
    func emptiesWhole() throws {
        var world = try World()
        var mempool = Mempool()
        let admissions = try (0..<5).map { try world.admission(try world.payment($0)) }
        for admission in admissions {
            _ = try mempool.admit(admission.verified, proof: admission.proof, at: now)
        }
        let block = try #require(try world.build(admissions, at: world.state.dueTime(of: 1)))
        try world.commit(block)
        #expect(mempool.settle(block.block).isEmpty)
        #expect(mempool.isEmpty && mempool.memoryBytes == 0 && mempool.encodedBytes == 0)
        for admission in admissions {
            #expect(
                mempool.spender(of: admission.verified.spendable.checked.transaction.inputs[0].previous)
                    == nil)
        }
    }

    @Test("full: the worst payer goes for a better one, and the worst newcomer is refused")
    func eviction() throws {
        let world = try World()
        var limits = Mempool.Limits()
        limits.transactionsMax = 3
        var mempool = Mempool(limits: limits)
        let admissions = try [5000, 9000, 7000, 6000, 4900].enumerated().map {
            try world.admission(try world.payment($0.offset, fee: UInt64($0.element)))
        }
        for admission in admissions.prefix(3) {
            _ = try mempool.admit(admission.verified, proof: admission.proof, at: now)
        }
        let evicted = try mempool.admit(admissions[3].verified, proof: admissions[3].proof, at: now)
        #expect(evicted == [admissions[0].verified.spendable.checked.txid])
        #expect(throws: MempoolRejection.full) {
            var copy = mempool
            _ = try copy.admit(admissions[4].verified, proof: admissions[4].proof, at: now)
        }
        let fees = mempool.candidates().compactMap { mempool.entry($0.transaction.txid)?.fee.units }
        #expect(fees == fees.sorted(by: >))
    }

    @Test("a refusal for want of room changes nothing, and the floor goes when room is back")
    func refusalIsAtomic() throws {
        let world = try World()
        var limits = Mempool.Limits()
        limits.transactionsMax = 4
        var mempool = Mempool(limits: limits)
        let admissions = try [5000, 9000, 7000, 6000, 8000, 5500].enumerated().map {
            try world.admission(try world.payment($0.offset, fee: UInt64($0.element)))
        }
        for admission in admissions.prefix(4) {
            _ = try mempool.admit(admission.verified, proof: admission.proof, at: now)
        }
        #expect(mempool.rateFloor == nil)
        let evicted = try mempool.admit(admissions[4].verified, proof: admissions[4].proof, at: now)
        #expect(evicted == [admissions[0].verified.spendable.checked.txid])
        #expect(mempool.rateFloor?.fee == 4000)
        let before = mempool.transactionIDs
        for _ in 0..<3 {
            do {
                _ = try mempool.admit(admissions[5].verified, proof: admissions[5].proof, at: now)
                Issue.record("the worst payer was taken")
            } catch {
                #expect(error == .full)
            }
        }
        #expect(mempool.transactionIDs == before)
        // The order of eviction is still whole after the refusals.
        let better = try world.admission(try world.payment(6, fee: 9500))
        let next = try mempool.admit(better.verified, proof: better.proof, at: now)
        #expect(next == [admissions[3].verified.spendable.checked.txid])
        for txid in mempool.transactionIDs.prefix(2) { _ = mempool.drop(txid) }
        #expect(mempool.rateFloor == nil)
    }
}
