import CAllocationMeter
import Testing
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

/// Verified transactions of one shape, made one at a time so that none is held twice.
private enum Shape: CaseIterable {
    case typical
    case fewer
    case tinyInputs
    case emptyOutputs
    case tinyOutputs
    case tinyScripts
    case largeScripts

    /// Transactions to fill a mempool with, each with inputs of its own.
    /// Some just after the maps have doubled, when they take the most for each.
    var count: Int {
        switch self {
        case .typical: 10_000
        case .fewer: 6200
        default: 10
        }
    }

    private var inputs: Int {
        switch self {
        case .typical, .fewer: 1
        case .tinyInputs, .tinyScripts: 10_000
        default: 2
        }
    }

    private var locking: (count: Int, bytes: Int) {
        switch self {
        case .typical, .fewer: (2, 25)
        case .tinyInputs: (1, 1)
        case .emptyOutputs: (60_000, 0)
        case .tinyOutputs: (60_000, 1)
        case .tinyScripts: (50_000, 1)
        case .largeScripts: (60, 10_000)
        }
    }

    func admission(_ number: Int, chain: Hash256) throws -> Admission {
        let name = Blake2b.hash256(.block, Array("\(number)".utf8))
        let unlocking: [UInt8] =
            switch self {
            case .typical, .fewer: [0x4c, 96] + [UInt8](repeating: 7, count: 96)
            case .tinyScripts: [0x51]
            default: []
            }
        let value = Amount(units: 546) ?? .zero
        let outputs = (0..<locking.count).map { _ in
            TransactionOutput(
                value: value, locking: Script([UInt8](repeating: 0x51, count: locking.bytes)))
        }
        let transaction = Transaction(
            inputs: (0..<inputs).map {
                TransactionInput(
                    previous: OutPoint(transaction: name, index: UInt32($0)),
                    unlocking: Script(unlocking))
            }, outputs: outputs)
        // As from the wire.
        let checked = try CheckedTransaction(decoding: transaction.encoded)
        let entry = OutputEntry(
            output: TransactionOutput(
                value: Amount(units: 1_000_000_000) ?? .zero,
                locking: Script(unlocking.isEmpty ? [0x51] : [0x75, 0x51])),
            height: 1, slot: 0, time: Timestamp(milliseconds: 0), kind: .transfer, position: 0)
        let spendable = try SpendableTransaction(
            checked, spending: [OutputEntry](repeating: entry, count: inputs),
            in: SpendingContext(slot: 1, parentTime: Timestamp(milliseconds: 1), growthPrice: .zero))
        let proof = try ScriptProof(verifying: spendable, chain: chain)
        let verified = try #require(VerifiedTransaction(spendable, proof: proof))
        return Admission(verified: verified, proof: proof, height: 1)
    }
}

@Suite("Memory of the mempool", .enabled(if: allocation_meter_works()))
struct MempoolMemoryTests {
    @Test(
        "S13: accounted is what is allocated, or a little more: at most twice as much",
        arguments: Shape.allCases)
    fileprivate func trueMemory(shape: Shape) throws {
        var limits = Mempool.Limits()
        limits.memoryBytesMax = .max / 2
        allocation_meter_reset()
        var mempool = Mempool(limits: limits)
        for number in 0..<shape.count {
            let admission = try shape.admission(number, chain: .zero)
            _ = try mempool.admit(admission.verified, proof: admission.proof, at: Instant(milliseconds: 1))
        }
        let allocated = Int(allocation_meter_live())
        #expect(mempool.count == shape.count)
        #expect(allocated <= mempool.memoryBytes, "\(shape): more is allocated than accounted")
        #expect(mempool.memoryBytes <= 2 * allocated, "\(shape): much more is accounted than allocated")
        // And it is given back: a map that once was large keeps no room for what is gone.
        for txid in mempool.transactionIDs { _ = mempool.drop(txid) }
        #expect(mempool.memoryBytes == 0)
        let kept = Int(allocation_meter_live())
        #expect(kept < 12_000_000, "\(shape): \(kept) bytes are kept for nothing")
    }
}
