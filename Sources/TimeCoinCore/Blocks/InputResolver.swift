/// Finds what the inputs of successive transactions spend: in the parent state or earlier in the same block.
struct InputResolver {
    private let header: BlockHeader
    private let context: SpendingContext
    private let parentTime: Timestamp
    /// Outputs created by this block and not spent in it yet.
    private var created: [OutPoint: OutputEntry] = [:]
    private var spent: Set<OutPoint>
    private var nextPosition: UInt64

    init(header: BlockHeader, parent: ChainState, expectedSpends: Int) {
        self.header = header
        parentTime = parent.header.time
        context = SpendingContext(slot: header.slot, parentTime: parentTime, growthPrice: parent.growthPrice)
        spent = Set(minimumCapacity: expectedSpends)
        nextPosition = 0
    }

    /// Changes nothing when it throws, so that an assembly can leave a transaction out and go on.
    ///
    /// - Throws: ``TransactionRejection`` for what the transaction does wrong, anything else for a fault of
    ///   `source`.
    mutating func spend(
        _ checked: CheckedTransaction, from source: some OutputSource
    ) throws -> SpendableTransaction {
        var entries: [OutputEntry] = []
        entries.reserveCapacity(checked.transaction.inputs.count)
        for input in checked.transaction.inputs {
            guard !spent.contains(input.previous) else {
                throw TransactionRejection(
                    .spentInput,
                    "\(input.previous.transaction):\(input.previous.index) is spent earlier in the block")
            }
            guard let entry = try created[input.previous] ?? source.output(input.previous) else {
                throw TransactionRejection(
                    .missingInput, "\(input.previous.transaction):\(input.previous.index) is unknown or spent"
                )
            }
            entries.append(entry)
        }
        let spendable = try SpendableTransaction(checked, spending: entries, in: context)
        // That no input stands twice in one transaction was checked before.
        spent.formUnion(checked.transaction.inputs.lazy.map(\.previous))
        for (index, output) in checked.transaction.outputs.enumerated() where !output.locking.isDataCarrier {
            let outPoint = OutPoint(transaction: checked.txid, index: UInt32(truncatingIfNeeded: index))
            // The position is assigned when the block is executed; nothing before that reads it.
            created[outPoint] = OutputEntry(
                output: output, height: header.height, slot: header.slot, time: parentTime, kind: .transfer,
                position: .max)
        }
        return spendable
    }
}
