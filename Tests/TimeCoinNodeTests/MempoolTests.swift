import CAllocationMeter
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

    /// Admitted without a chain: spends what these name, with as many outputs, under a script that is true.
    private func admission(spending inputs: [OutPoint], outputs: Int, fee: UInt64 = 100_000_000) throws
        -> Admission
    {
        let value = try #require(Amount(units: 546))
        let transaction = Transaction(
            inputs: inputs.map { TransactionInput(previous: $0, unlocking: .empty) },
            outputs: (0..<outputs).map { _ in TransactionOutput(value: value, locking: Script([0x51])) })
        let share = (UInt64(outputs) * 546 + fee) / UInt64(inputs.count) + 1
        let entry = OutputEntry(
            output: TransactionOutput(value: try #require(Amount(units: share)), locking: Script([0x51])),
            height: 1, slot: 0, time: Timestamp(milliseconds: 0), kind: .transfer, position: 0)
        let spendable = try SpendableTransaction(
            try CheckedTransaction(checking: transaction),
            spending: [OutputEntry](repeating: entry, count: inputs.count),
            in: SpendingContext(slot: 1, parentTime: Timestamp(milliseconds: 1), growthPrice: .zero))
        let proof = try ScriptProof(verifying: spendable, chain: .zero)
        let verified = try #require(VerifiedTransaction(spendable, proof: proof))
        return Admission(verified: verified, proof: proof, height: 1)
    }

    private func outPoints(_ transaction: Hash256, _ count: Int) -> [OutPoint] {
        (0..<count).map { OutPoint(transaction: transaction, index: UInt32($0)) }
    }

    @Test("what is asked before anything is paid is cheap, however many inputs name however wide a parent")
    func boundedPrecheck() throws {
        var mempool = Mempool()
        let root = Blake2b.hash256(.block, [1])
        let wide = try admission(spending: outPoints(root, 3000), outputs: 40_000)
        _ = try mempool.admit(wide.verified, proof: wide.proof, at: now)
        let parent = wide.verified.spendable.checked
        let many = 5000
        for index in 0..<many {
            let child = try admission(
                spending: [OutPoint(transaction: parent.txid, index: UInt32(index))], outputs: 1)
            _ = try mempool.admit(child.verified, proof: child.proof, at: now)
        }
        #expect(mempool.descendants(of: parent.txid).count == many + 1)
        #expect(mempool.descendants(of: parent.txid, countMax: 100).count == 101)
        // Hangs on thousands of different ones.
        let heir = try admission(
            spending: mempool.transactionIDs.dropFirst().map { OutPoint(transaction: $0, index: 0) },
            outputs: 1)
        #expect(mempool.parents(of: heir.verified.spendable.checked).count == Mempool.chainMax)
        #expect(throws: MempoolRejection.chainTooLong) {
            try mempool.precheck(heir.verified.spendable.checked)
        }
        for txid in mempool.transactionIDs.dropFirst(100) { _ = mempool.drop(txid) }
        // Conflicts by each of its inputs.
        let rival = try admission(spending: outPoints(root, 3000), outputs: 1)
        let conflicting = try ContinuousClock().measure {
            let price = try mempool.precheck(rival.verified.spendable.checked)
            #expect(price?.replaced.count == 100)
        }
        // Half a minute where each input follows all outputs anew.
        #expect(conflicting < .seconds(3), "\(conflicting)")
        #expect(mempool.drop(parent.txid).count == 100)
        #expect(mempool.isEmpty && mempool.memoryBytes == 0)
    }

    @Test("S5: refused and handed in again, a hundred times: nothing is held back by what was not taken")
    func refusedAgain() throws {
        let world = try World()
        var mempool = Mempool()
        let good = try world.admission(try world.payment(0))
        let checked = good.verified.spendable.checked
        for round in 0..<100 {
            let poor = try world.admission(try world.payment(0, fee: UInt64(5001 + round)))
            // The proof is of another: not taken, whatever waits.
            #expect(VerifiedTransaction(poor.verified.spendable, proof: good.proof) == nil)
            _ = try mempool.admit(good.verified, proof: good.proof, at: now)
            #expect(throws: MempoolRejection.self) {
                var copy = mempool
                _ = try copy.admit(poor.verified, proof: poor.proof, at: now)
            }
            #expect(mempool.drop(checked.txid) == [checked.txid])
            #expect(mempool.isEmpty && mempool.memoryBytes == 0 && mempool.encodedBytes == 0)
            #expect(mempool.spender(of: checked.transaction.inputs[0].previous) == nil)
            #expect(!mempool.contains(wtxid: checked.wtxid))
        }
    }

    @Test(
        "S13: three days of virtual time under load: what the pool allocates levels off",
        .enabled(if: allocation_meter_works()))
    func levelsOff() throws {
        var limits = Mempool.Limits()
        limits.transactionsMax = 300
        var mempool = Mempool(limits: limits)
        allocation_meter_reset()
        var peaks: [Int64] = []
        var number: UInt32 = 0
        for day in 0..<3 as Range<UInt64> {
            var most: Int64 = 0
            for minute in 0..<1440 as Range<UInt64> {
                let time = Instant(milliseconds: (day * 1440 + minute) * 60_000)
                for _ in 0..<3 {
                    number += 1
                    let root = Blake2b.hash256(.block, [UInt8(number & 0xff), UInt8(number >> 8)])
                    let entry = try admission(
                        spending: [OutPoint(transaction: root, index: 0)], outputs: 1,
                        fee: UInt64(1000 + number % 977))
                    _ = try? mempool.admit(entry.verified, proof: entry.proof, at: time)
                }
                if minute % 7 == 0, let first = mempool.transactionIDs.first { _ = mempool.drop(first) }
                _ = mempool.expire(at: time)
                most = max(most, allocation_meter_live())
            }
            peaks.append(most)
        }
        #expect(mempool.count > 100 && mempool.count <= 300)
        #expect(peaks[2] <= peaks[0] + peaks[0] / 4, "\(peaks)")
        #expect(peaks[2] < 2_000_000, "\(peaks)")
    }

    @Test("children are known exactly as long as they wait, whatever replaces, evicts or settles them")
    func children() throws {
        var mempool = Mempool()
        let parent = try admission(spending: outPoints(Blake2b.hash256(.block, [2]), 1), outputs: 3)
        _ = try mempool.admit(parent.verified, proof: parent.proof, at: now)
        let txid = parent.verified.spendable.checked.txid
        func child(_ output: UInt32, outputs: Int = 1, fee: UInt64) throws -> Admission {
            try admission(
                spending: [OutPoint(transaction: txid, index: output)], outputs: outputs, fee: fee)
        }
        let first = try child(0, fee: 5000)
        let second = try child(1, fee: 5000)
        for entry in [first, second] {
            _ = try mempool.admit(entry.verified, proof: entry.proof, at: now)
        }
        let better = try child(0, outputs: 2, fee: 50_000)
        let replaced = try mempool.admit(better.verified, proof: better.proof, at: now)
        #expect(replaced == [first.verified.spendable.checked.txid])
        let ids = [better, second].map(\.verified.spendable.checked.txid)
        #expect(mempool.entry(txid)?.children == Set(ids))
        #expect(Set(mempool.descendants(of: txid)) == Set([txid] + ids))
        _ = mempool.drop(ids[0])
        #expect(mempool.entry(txid)?.children == [ids[1]])
        #expect(Set(mempool.drop(txid)) == [txid, ids[1]])
        #expect(mempool.isEmpty)
    }
}
