import TimeCoinCore

/// What is looked at before a database is trusted with new blocks: the tip, its state, the last blocks and
/// the counts.
struct StartCheck {
    private let reader: ChainReader

    /// Blocks looked at, from the tip down.
    static let blocksMax: UInt64 = 8
    /// More outputs than any chain will have; below it no arithmetic on positions overflows.
    static let leavesMax: UInt64 = 1 << 56
    /// Rows of the last blocks looked for in the tables of transactions and of the history, the newest first:
    /// a page whose last write was lost still holds sound rows, of before.
    static let rowsMax = 20_000

    init(_ reader: ChainReader) {
        self.reader = reader
    }

    /// - Throws: `corrupt` with what contradicts.
    func run() throws(StoreFailure) {
        let tables = reader.tables
        guard let tip = try reader.tip() else {
            for table in [tables.headers, tables.blocks, tables.outputs] where try count(table) != 0 {
                throw tables.state.corrupt(ChainTables.tipKey, "missing, but there are blocks")
            }
            return
        }
        let base = try reader.base()
        guard tip.height < .max, tip.leafCount <= StartCheck.leavesMax else {
            throw tables.state.corrupt(ChainTables.tipKey, "no chain is that long")
        }
        guard base.headersFrom <= tip.height, base.blocksFrom <= tip.height + 1 else {
            throw tables.state.corrupt(ChainTables.baseKey, "above the tip")
        }
        _ = try reader.state()
        try checkCounts()
        for table in [tables.headers, tables.heights] {
            try expect(table, tip.height - base.headersFrom + 1)
        }
        try expect(tables.blocks, tip.height + 1 - base.blocksFrom)
        if reader.addressIndex { try expect(tables.addresses, tip.outputCount) }
        // After as many rollbacks as there were undo records none is left.
        if let last = try reader.transaction.lastKey(tables.undo) {
            guard last.leadingNumber == tip.height, try reader.undo(at: tip.height) != nil else {
                throw tables.undo.corrupt(RecordKey(tip.height), "missing for the tip")
            }
        }
        try checkBlocks(from: tip, base)
    }

    /// Every table has as many records as were there after the last change.
    private func checkCounts() throws(StoreFailure) {
        guard let stored = try reader.counts() else {
            throw reader.tables.state.corrupt(ChainTables.countsKey, "missing beside the tip")
        }
        let found = try TableCounts(reader.transaction, reader.tables)
        for (place, table) in reader.tables.counted.enumerated()
        where found.records[place] != stored.records[place] {
            throw StoreFailure.corrupt(
                table.name, [], "\(found.records[place]) records, there must be \(stored.records[place])")
        }
    }

    private func count(_ table: Table) throws(StoreFailure) -> UInt64 {
        try reader.transaction.count(table)
    }

    private func expect(_ table: Table, _ expected: UInt64) throws(StoreFailure) {
        let found = try count(table)
        guard found == expected else {
            throw StoreFailure.corrupt(table.name, [], "\(found) records, there must be \(expected)")
        }
    }

    private func checkBlocks(from tip: ChainTip, _ base: HistoryBase) throws(StoreFailure) {
        var expected = tip.hash
        var height = tip.height
        var rows = StartCheck.rowsMax
        for _ in 0..<StartCheck.blocksMax {
            guard let header = try reader.header(at: height), header.hash == expected,
                header.height == height,
                try reader.hash(at: height) == expected
            else {
                throw reader.tables.headers.corrupt(RecordKey(height), "not the header of \(expected)")
            }
            guard try reader.height(of: expected) == height else {
                throw reader.tables.heights.corrupt(RecordKey(expected), "does not lead to height \(height)")
            }
            // Reading them verifies them.
            _ = try reader.block(at: height)
            _ = try reader.certificate(at: height)
            guard height > base.headersFrom else { return }
            if let undo = try reader.undo(at: height) { try checkRows(undo, height, &rows) }
            expected = header.previous
            height -= 1
        }
    }

    /// Refuses rows that are gone without a trace: nobody else would notice. One whose damage shows is left
    /// to whoever reads or repairs it.
    ///
    /// - Parameter left: how many rows may still be looked for.
    private func checkRows(
        _ undo: UndoRecord, _ height: Height, _ left: inout Int
    ) throws(StoreFailure) {
        for identifier in undo.transactions.prefix(left) {
            try expectRow(reader.tables.transactions, RecordKey(identifier), height)
        }
        left -= min(left, undo.transactions.count)
        for entry in undo.history.prefix(left) {
            let location = TransactionLocation(height: height, index: entry.index)
            try expectRow(
                reader.tables.history, RecordKey(script: entry.script, location), height)
        }
        left -= min(left, undo.history.count)
    }

    private func expectRow(_ table: Table, _ key: RecordKey, _ height: Height) throws(StoreFailure) {
        let found: Bool?
        do {
            found = try reader.transaction.withRecord(table, key) { _ in true }
        } catch {
            guard error.code == .corrupt else { throw error }
            return
        }
        guard found == true else { throw table.corrupt(key, "missing for block \(height)") }
    }
}
