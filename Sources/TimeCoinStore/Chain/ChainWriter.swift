import TimeCoinCore

/// Changes a chain inside one write transaction.
struct ChainWriter {
    let transaction: WriteTransaction
    let tables: ChainTables
    let options: StoreOptions
    let reader: ChainReader

    init(_ transaction: WriteTransaction, _ tables: ChainTables, _ options: StoreOptions) {
        self.transaction = transaction
        self.tables = tables
        self.options = options
        reader = ChainReader(transaction: transaction, tables: tables, addressIndex: options.addressIndex)
    }

    /// Writes one block behind the tip.
    func apply(_ block: BlockCommit, chain: Hash256) throws(StoreFailure) {
        let tip = try reader.tip()
        try block.check(after: tip, chain: chain)
        try block.checkOutputs(after: tip) { index throws(StoreFailure) in try reader.chunk(index) }
        if let tip { try reader.checkCommitment(tip.leafCount) }
        let height = RecordKey(block.height)
        let history = history(of: block)
        if let tip {
            let undo = UndoRecord(
                previousTip: tip, previousState: try reader.state() ?? [], undoing: block, history: history)
            try append(undo.encoded, tables.undo, height)
        }
        try append(HeaderRecord(hash: block.hash, header: block.header).encoded, tables.headers, height)
        try append(block.block, tables.blocks, height)
        try append(block.certificate, tables.certificates, height)
        try insert(ByteWriter.number(block.height), tables.heights, RecordKey(block.hash))
        try writeTransactions(block)
        try writeHistory(history, at: block.height)
        try writeOutputs(block)
        try changeAddresses(removing: block.spent, adding: block.created)
        try writeCommitment(block, leafCountBefore: tip?.leafCount ?? 0)
        try writeCommitment(block.leafCount)
        try writeValidators(block)
        try overwrite(block.state, tables.state, ChainTables.stateKey)
        try overwrite(block.tip(after: tip).encoded, tables.state, ChainTables.tipKey)
        if tip == nil { try overwrite(HistoryBase.whole.encoded, tables.state, ChainTables.baseKey) }
        try dropOldUndo(tip: block.height, slot: block.header.slot)
        try noteSweeps(block, leafCountBefore: tip?.leafCount ?? 0)
        try sweep()
    }

    /// To be called once, at the end of the write transaction.
    func finish() throws(StoreFailure) {
        try writeSums()
        try overwrite(
            try TableCounts(transaction, tables).encoded, tables.state, ChainTables.countsKey)
    }

    private func writeTransactions(_ block: BlockCommit) throws(StoreFailure) {
        let sorted = block.transactions.indices.sorted {
            block.transactions[$0].identifier < block.transactions[$1].identifier
        }
        var writer = ByteWriter(reserving: 64)
        for index in sorted {
            let committed = block.transactions[index]
            let location = TransactionLocation(height: block.height, index: UInt32(truncatingIfNeeded: index))
            writer.removeAll()
            TransactionRecord(committed, at: location).encode(into: &writer)
            let key = RecordKey(committed.identifier)
            guard try transaction.put(writer.bytes, tables.transactions, key, .inserting) else {
                throw StoreFailure(
                    .invalidCommit, "transaction \(committed.identifier) is in the chain already")
            }
        }
    }

    /// What the block adds to the history of addresses: every script once for a transaction.
    private func history(of block: BlockCommit) -> [UndoRecord.HistoryEntry] {
        guard options.addressIndex else { return [] }
        var entries: [UndoRecord.HistoryEntry] = []
        for (index, committed) in block.transactions.enumerated() {
            let scripts = Set(committed.scripts.map { tables.scriptKey($0) })
            for script in scripts.sorted() {
                entries.append(.init(script: script, index: UInt32(truncatingIfNeeded: index)))
            }
        }
        return entries.sorted { ($0.script, $0.index) < ($1.script, $1.index) }
    }

    private func writeHistory(
        _ entries: [UndoRecord.HistoryEntry], at height: Height
    ) throws(StoreFailure) {
        for entry in entries {
            let location = TransactionLocation(height: height, index: entry.index)
            try insert([], tables.history, RecordKey(script: entry.script, location))
        }
    }

    private func writeValidators(_ block: BlockCommit) throws(StoreFailure) {
        guard let validators = block.validators else { return }
        if block.header.nextValidators != block.header.validators {
            try append([], tables.setChanges, RecordKey(block.height))
        }
        let key = RecordKey(validators.hash)
        guard try transaction.record(tables.validatorSets, key) == nil else { return }
        var writer = ByteWriter()
        validators.encode(into: &writer)
        try insert(writer.bytes, tables.validatorSets, key)
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

    // MARK: - Records

    func append(_ payload: [UInt8], _ table: Table, _ key: RecordKey) throws(StoreFailure) {
        guard try transaction.put(payload, table, key, .appending) else {
            throw table.corrupt(key, "there are records beyond the tip")
        }
    }

    func insert(_ payload: [UInt8], _ table: Table, _ key: RecordKey) throws(StoreFailure) {
        guard try transaction.put(payload, table, key, .inserting) else {
            throw table.corrupt(key, "there is a record already")
        }
    }

    func overwrite(_ payload: [UInt8], _ table: Table, _ key: RecordKey) throws(StoreFailure) {
        _ = try transaction.put(payload, table, key, .overwriting)
    }

    func remove(_ table: Table, _ key: RecordKey) throws(StoreFailure) {
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
