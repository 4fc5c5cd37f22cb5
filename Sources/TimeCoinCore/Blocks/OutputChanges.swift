/// The outputs that a block creates and spends, with their places in the output commitment.
struct OutputChanges {
    private(set) var created: [(outPoint: OutPoint, entry: OutputEntry)] = []
    private(set) var spent: [(outPoint: OutPoint, entry: OutputEntry)] = []
    /// A leaf for every output created, also for those spent again in the same block.
    private(set) var leaves: [Hash256] = []
    private(set) var spentPositions: [UInt64] = []

    /// - Parameter payments: their inputs resolved, with positions at and above the parent's leaf count for
    ///   what this block itself creates.
    init(
        header: BlockHeader, parent: ChainState, transactions: [CheckedTransaction],
        payments: [SpendableTransaction]
    ) {
        let leafCount = parent.commitment.leafCount
        let expected = transactions.reduce(0) { $0 + $1.outputs.count }
        created.reserveCapacity(expected)
        leaves.reserveCapacity(expected)
        var writer = ByteWriter(reserving: OutputEntry.usualLeafBytes)
        for checked in transactions {
            let outputs = checked.outputs
            for index in outputs.indices where !outputs[index].locking.isDataCarrier {
                let outPoint = OutPoint(transaction: checked.txid, index: UInt32(truncatingIfNeeded: index))
                let entry = OutputEntry(
                    output: outputs[index], height: header.height, slot: header.slot,
                    time: parent.header.time, kind: checked.kind,
                    position: leafCount + UInt64(created.count))
                leaves.append(entry.leaf(for: outPoint, using: &writer))
                created.append((outPoint, entry))
            }
        }
        var spentFresh: Set<UInt64> = []
        spent.reserveCapacity(payments.count)
        spentPositions.reserveCapacity(payments.count)
        for payment in payments {
            let inputs = payment.checked.inputs
            for index in inputs.indices {
                let position = payment.spent[index].position
                spentPositions.append(position)
                if position >= leafCount {
                    spentFresh.insert(position)
                } else {
                    spent.append((inputs[index].previous, payment.spent[index]))
                }
            }
        }
        if !spentFresh.isEmpty { created.removeAll { spentFresh.contains($0.entry.position) } }
    }
}
