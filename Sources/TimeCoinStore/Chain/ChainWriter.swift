import TimeCoinCore

/// Changes a chain inside one write transaction.
struct ChainWriter {
    private let transaction: WriteTransaction
    private let tables: ChainTables
    private let options: StoreOptions
    private let reader: ChainReader

    init(_ transaction: WriteTransaction, _ tables: ChainTables, _ options: StoreOptions) {
        self.transaction = transaction
        self.tables = tables
        self.options = options
        reader = ChainReader(transaction: transaction, tables: tables, addressIndex: options.addressIndex)
    }

    // MARK: - Forwards

    /// Writes one block behind the tip.
    func apply(_ block: BlockCommit, chain: Hash256) throws(StoreFailure) {
        let tip = try reader.tip()
        try block.check(after: tip, chain: chain)
        let height = RecordKey(block.height)
        if let tip {
            let undo = UndoRecord(previousTip: tip, previousState: try reader.state() ?? [], undoing: block)
            guard let undo else { throw BlockCommit.strangerFailure }
            try append(undo.encoded, tables.undo, height)
        }
        try append(HeaderRecord(hash: block.hash, header: block.header).encoded, tables.headers, height)
        try append(block.block, tables.blocks, height)
        try append(block.certificate, tables.certificates, height)
        try insert(ByteWriter.number(block.height), tables.heights, RecordKey(block.hash))
        try writeTransactions(block)
        try spend(block.spent)
        try create(block.created)
        try writeCommitment(block)
        try overwrite(block.state, tables.state, ChainTables.stateKey)
        try overwrite(block.tip(after: tip).encoded, tables.state, ChainTables.tipKey)
        try dropOldUndo(tip: block.height, slot: block.header.slot)
    }

    private func writeTransactions(_ block: BlockCommit) throws(StoreFailure) {
        let sorted = block.transactions.enumerated().sorted { $0.element < $1.element }
        for (index, identifier) in sorted {
            let location = TransactionLocation(height: block.height, index: UInt32(truncatingIfNeeded: index))
            guard
                try transaction.put(location.encoded, tables.transactions, RecordKey(identifier), .inserting)
            else {
                throw StoreFailure(.invalidCommit, "transaction \(identifier) is in the chain already")
            }
        }
    }

    private func spend(_ spent: [(outPoint: OutPoint, entry: OutputEntry)]) throws(StoreFailure) {
        for (outPoint, _) in spent.sorted(by: { $0.outPoint < $1.outPoint }) {
            guard try transaction.delete(tables.outputs, RecordKey(outPoint)) else {
                throw StoreFailure(
                    .missingOutput, "\(outPoint.transaction):\(outPoint.index) is not there to spend")
            }
        }
        try changeAddresses(spent) { key throws(StoreFailure) in
            guard try transaction.delete(tables.addresses, key) else {
                throw tables.addresses.corrupt(key, "missing beside its output")
            }
        }
    }

    private func create(_ created: [(outPoint: OutPoint, entry: OutputEntry)]) throws(StoreFailure) {
        for (outPoint, entry) in created.sorted(by: { $0.outPoint < $1.outPoint }) {
            var writer = ByteWriter(reserving: 96)
            entry.encode(into: &writer)
            guard try transaction.put(writer.bytes, tables.outputs, RecordKey(outPoint), .inserting) else {
                throw StoreFailure(
                    .duplicateOutput, "\(outPoint.transaction):\(outPoint.index) is there already")
            }
        }
        try changeAddresses(created) { key throws(StoreFailure) in
            try insert([], tables.addresses, key)
        }
    }

    private func changeAddresses(
        _ outputs: [(outPoint: OutPoint, entry: OutputEntry)],
        _ change: (RecordKey) throws(StoreFailure) -> Void
    ) throws(StoreFailure) {
        guard options.addressIndex else { return }
        let keys = outputs.map {
            (script: tables.scriptKey($0.entry.output.locking), outPoint: $0.outPoint)
        }
        for key in keys.sorted(by: { ($0.script, $0.outPoint) < ($1.script, $1.outPoint) }) {
            try change(RecordKey(script: key.script, key.outPoint))
        }
    }

    private func writeCommitment(_ block: BlockCommit) throws(StoreFailure) {
        for (key, hash) in block.nodes.sorted(by: { $0.key < $1.key }) {
            try overwrite(hash.bytes, tables.nodes, RecordKey(key))
        }
        for (index, chunk) in block.chunks.sorted(by: { $0.index < $1.index }) {
            try overwrite(chunk.bytes, tables.chunks, RecordKey(index))
        }
    }

    /// Keeps undo records as deep as the options say in blocks *and* in slots.
    private func dropOldUndo(tip: Height, slot: Slot) throws(StoreFailure) {
        for _ in 0..<StoreOptions.undoDroppedMax {
            guard let oldest = try transaction.firstKey(tables.undo), oldest.leadingNumber < tip else {
                return
            }
            let height = oldest.leadingNumber
            guard tip - height >= options.undoBlocks, let oldSlot = try reader.slot(at: height),
                oldSlot <= slot,
                slot - oldSlot >= options.undoSlots
            else { return }
            try remove(tables.undo, oldest)
        }
    }

    // MARK: - Backwards

    /// Takes back the tip.
    func rollback() throws(StoreFailure) -> ChainTip {
        guard let tip = try reader.tip(), tip.height > 0, let undo = try reader.undo(at: tip.height) else {
            throw StoreFailure(.noUndo, "there is no undo record of the tip")
        }
        let commitment = try CommitmentRollback(
            leafCount: tip.leafCount, to: undo.previousTip.leafCount, spent: undo.spent.map(\.entry.position),
            kept: reader)
        let height = RecordKey(tip.height)
        for table in [tables.undo, tables.headers, tables.blocks, tables.certificates] {
            try remove(table, height)
        }
        try remove(tables.heights, RecordKey(tip.hash))
        for identifier in undo.transactions.sorted() {
            try remove(tables.transactions, RecordKey(identifier))
        }
        try uncreate(undo.created)
        try create(undo.spent.map { (outPoint: $0.outPoint, entry: $0.entry) })
        try restore(commitment)
        try overwrite(undo.previousState, tables.state, ChainTables.stateKey)
        try overwrite(undo.previousTip.encoded, tables.state, ChainTables.tipKey)
        return undo.previousTip
    }

    private func uncreate(_ created: [OutPoint]) throws(StoreFailure) {
        var outputs: [(outPoint: OutPoint, entry: OutputEntry)] = []
        for outPoint in created {
            guard let entry = try reader.output(outPoint) else {
                throw tables.outputs.corrupt(RecordKey(outPoint), "created by the tip but missing")
            }
            outputs.append((outPoint, entry))
        }
        try spend(outputs)
    }

    private func restore(_ commitment: CommitmentRollback) throws(StoreFailure) {
        for key in commitment.removedNodes {
            try remove(tables.nodes, RecordKey(key))
        }
        for (key, hash) in commitment.nodes {
            try overwrite(hash.bytes, tables.nodes, RecordKey(key))
        }
        for index in commitment.removedChunks {
            try remove(tables.chunks, RecordKey(index))
        }
        for (index, chunk) in commitment.chunks {
            try overwrite(chunk.bytes, tables.chunks, RecordKey(index))
        }
    }

    // MARK: - Records

    private func append(_ payload: [UInt8], _ table: Table, _ key: RecordKey) throws(StoreFailure) {
        guard try transaction.put(payload, table, key, .appending) else {
            throw table.corrupt(key, "there are records beyond the tip")
        }
    }

    private func insert(_ payload: [UInt8], _ table: Table, _ key: RecordKey) throws(StoreFailure) {
        guard try transaction.put(payload, table, key, .inserting) else {
            throw table.corrupt(key, "there is a record already")
        }
    }

    private func overwrite(_ payload: [UInt8], _ table: Table, _ key: RecordKey) throws(StoreFailure) {
        _ = try transaction.put(payload, table, key, .overwriting)
    }

    private func remove(_ table: Table, _ key: RecordKey) throws(StoreFailure) {
        guard try transaction.delete(table, key) else { throw table.corrupt(key, "missing") }
    }
}

extension ByteWriter {
    static func number(_ value: UInt64) -> [UInt8] {
        var writer = ByteWriter(reserving: 8)
        writer.write(value)
        return writer.bytes
    }
}
