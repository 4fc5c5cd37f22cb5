/// The outputs that a block creates and spends, with their places in the output commitment.
struct OutputChanges {
    private(set) var created: [(outPoint: OutPoint, entry: OutputEntry)] = []
    private(set) var spent: [(outPoint: OutPoint, entry: OutputEntry)] = []
    /// A leaf for every output created, also for those spent again in the same block.
    private(set) var leaves: [Hash256] = []
    private(set) var spentPositions: [UInt64] = []

    init(
        header: BlockHeader, parent: ChainState, transactions: [CheckedTransaction],
        payments: [SpendableTransaction]
    ) {
        var positions: [OutPoint: Int] = [:]
        var fresh: [(outPoint: OutPoint, entry: OutputEntry)] = []
        for checked in transactions {
            for (index, output) in checked.transaction.outputs.enumerated()
            where !output.locking.isDataCarrier {
                let outPoint = OutPoint(transaction: checked.txid, index: UInt32(truncatingIfNeeded: index))
                let entry = OutputEntry(
                    output: output, height: header.height, slot: header.slot, time: parent.header.time,
                    kind: checked.transaction.kind,
                    position: parent.commitment.leafCount + UInt64(fresh.count))
                positions[outPoint] = fresh.count
                leaves.append(entry.leaf(for: outPoint))
                fresh.append((outPoint, entry))
            }
        }
        var spentFresh = Set<Int>()
        for payment in payments {
            for (input, entry) in zip(payment.checked.transaction.inputs, payment.spent) {
                if let place = positions[input.previous] {
                    spentFresh.insert(place)
                    spentPositions.append(fresh[place].entry.position)
                } else {
                    spent.append((input.previous, entry))
                    spentPositions.append(entry.position)
                }
            }
        }
        created =
            spentFresh.isEmpty
            ? fresh : fresh.enumerated().filter { !spentFresh.contains($0.offset) }.map(\.element)
    }
}
