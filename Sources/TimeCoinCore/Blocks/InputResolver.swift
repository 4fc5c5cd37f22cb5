/// Finds what the inputs of successive transactions spend: in the parent state or earlier in the same block.
struct InputResolver {
    private let header: BlockHeader
    private let context: SpendingContext
    private let parentTime: Timestamp
    /// The transactions of this block so far.
    private var creating: [Hash256: Creation]
    private var spent: Set<OutPoint>
    private var nextPosition: UInt64

    /// What a transaction creates, and where in the output commitment.
    private struct Creation {
        let outputs: [TransactionOutput]
        let firstPosition: UInt64
        /// How far behind the first each output is; `nil` where all are created, one after the other.
        let offsets: [UInt64?]?
    }

    /// - Parameters:
    ///   - fixed: what stands before in the block and spends nothing: its coinbase.
    ///   - expectedSpends: for how many inputs to make room.
    init(
        header: BlockHeader, parent: ChainState, after fixed: some Collection<CheckedTransaction>,
        expectedSpends: Int
    ) {
        self.header = header
        parentTime = parent.header.time
        context = SpendingContext(slot: header.slot, parentTime: parentTime, growthPrice: parent.growthPrice)
        spent = Set(minimumCapacity: expectedSpends)
        creating = Dictionary(minimumCapacity: expectedSpends)
        nextPosition = parent.commitment.leafCount
        for checked in fixed { note(checked) }
    }

    /// Changes nothing when it throws, so that an assembly can leave a transaction out and go on.
    ///
    /// - Throws: ``TransactionRejection`` for what the transaction does wrong, anything else for a fault of
    ///   `source`.
    mutating func spend(
        _ checked: CheckedTransaction, from source: some OutputSource
    ) throws -> SpendableTransaction {
        let inputs = checked.transaction.inputs
        var entries: [OutputEntry] = []
        entries.reserveCapacity(inputs.count)
        do {
            // That no input stands twice in one transaction was checked before.
            for input in inputs {
                entries.append(try take(input.previous, from: source))
            }
            let spendable = try SpendableTransaction(checked, spending: entries, in: context)
            note(checked)
            return spendable
        } catch {
            for input in inputs.prefix(entries.count) { spent.remove(input.previous) }
            throw error
        }
    }

    /// Leaves no trace of an input that cannot be spent.
    private mutating func take(_ outPoint: OutPoint, from source: some OutputSource) throws -> OutputEntry {
        guard spent.insert(outPoint).inserted else {
            throw TransactionRejection(
                .spentInput, "\(outPoint.transaction):\(outPoint.index) is spent earlier in the block")
        }
        do {
            if let entry = try createdHere(outPoint) ?? source.output(outPoint) { return entry }
        } catch {
            spent.remove(outPoint)
            throw error
        }
        spent.remove(outPoint)
        throw TransactionRejection(
            .missingInput, "\(outPoint.transaction):\(outPoint.index) is unknown or spent")
    }

    private func createdHere(_ outPoint: OutPoint) -> OutputEntry? {
        guard let creation = creating[outPoint.transaction], outPoint.index < creation.outputs.count,
            let offset = creation.offsets.map({ $0[Int(outPoint.index)] }) ?? UInt64(outPoint.index)
        else { return nil }
        return OutputEntry(
            output: creation.outputs[Int(outPoint.index)], height: header.height, slot: header.slot,
            time: parentTime, kind: .transfer, position: creation.firstPosition + offset)
    }

    private mutating func note(_ checked: CheckedTransaction) {
        let transaction = checked.transaction
        var created: UInt64 = 0
        var offsets: [UInt64?]?
        if transaction.outputs.contains(where: \.locking.isDataCarrier) {
            offsets = transaction.outputs.map { output in
                guard !output.locking.isDataCarrier else { return nil }
                defer { created += 1 }
                return created
            }
        } else {
            created = UInt64(transaction.outputs.count)
        }
        // A coinbase's outputs can be spent from the next block on.
        if transaction.kind != .coinbase {
            creating[checked.txid] = Creation(
                outputs: transaction.outputs, firstPosition: nextPosition, offsets: offsets)
        }
        nextPosition += created
    }
}
