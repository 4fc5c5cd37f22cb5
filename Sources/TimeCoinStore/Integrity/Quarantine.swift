import TimeCoinCore

/// What was found under the key of a damaged record, kept so that nothing is lost in silence.
struct QuarantinedRecord {
    var isRepaired: Bool
    /// The tip when it was found.
    let height: Height
    /// As it lay there, checksum and all; empty where there was nothing.
    let raw: [UInt8]

    /// Records kept at most; the oldest repaired ones go first.
    static let recordsMax = 1000
    /// Bytes kept of a record at most.
    static let bytesMax = 4 << 20

    init(height: Height, raw: [UInt8]) {
        isRepaired = false
        self.height = height
        self.raw = raw
    }

    var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 9 + raw.count)
        writer.write(UInt8(isRepaired ? 1 : 0))
        writer.write(height)
        writer.write(raw: raw)
        return writer.bytes
    }

    init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        guard let mark = try? reader.readByte(), mark <= 1,
            let height: Height = try? reader.readInteger()
        else { return nil }
        isRepaired = mark == 1
        self.height = height
        raw = Array(bytes.dropFirst(9))
    }
}

/// What the quarantine of a database holds.
public struct QuarantineReport: Hashable, Sendable {
    /// Damaged records that were not repaired.
    public internal(set) var damaged: [StoreFailure.DamagedRecord] = []
    /// Records that were repaired since.
    public internal(set) var repaired = 0

    init() {}
}

extension ChainStore {
    /// Keeps what lies under the keys of damaged records. The records stay where they are, and reading them
    /// stays an error.
    ///
    /// - Returns: how many of them are kept: all, unless the quarantine is full of what was not repaired, or
    ///   a damage has no key.
    /// - Throws: as ``commit(_:)``.
    @discardableResult
    public func quarantine(_ records: [StoreFailure.DamagedRecord]) throws(StoreFailure) -> Int {
        guard !records.isEmpty else { return 0 }
        return try environment.write { transaction throws(StoreFailure) in
            let writer = ChainWriter(transaction, tables, options)
            return try writer.movingCounts { () throws(StoreFailure) in
                var kept = 0
                for record in records {
                    guard let (table, key) = tables.place(of: record) else { continue }
                    if try writer.quarantine(table, key) { kept += 1 }
                }
                return kept
            }
        }
    }

    /// What is in quarantine.
    ///
    /// - Throws: ``StoreFailure``.
    public func quarantined() throws(StoreFailure) -> QuarantineReport {
        do {
            return try reading { reader in
                var report = QuarantineReport()
                try reader.transaction.walk(tables.quarantine) { key, bytes throws(StoreFailure) in
                    guard bytes.flatMap({ QuarantinedRecord($0) })?.isRepaired != true else {
                        report.repaired += 1
                        return
                    }
                    let table = tables.all.first { $0.identifier == key.bytes.first }
                    report.damaged.append(
                        .init(table: table?.name ?? "", key: Array(key.bytes.dropFirst())))
                }
                return report
            }
        } catch let failure as StoreFailure {
            throw failure
        } catch {
            throw StoreFailure(.corrupt, "the quarantine cannot be read", cause: error)
        }
    }
}

extension ChainTables {
    /// Where a damaged record lies; `nil` where its name leads nowhere.
    func place(of record: StoreFailure.DamagedRecord) -> (Table, RecordKey)? {
        guard !record.key.isEmpty, let table = all.first(where: { $0.name == record.table }),
            let key = RecordKey(record.key)
        else { return nil }
        return (table, key)
    }
}

extension ReadTransaction {
    /// Visits every record of a table, those that cannot be read without a payload.
    func walk(
        _ table: Table, _ body: (RecordKey, [UInt8]?) throws(StoreFailure) -> Void
    ) throws(StoreFailure) {
        let cursor = try Cursor(self, table)
        defer { cursor.close() }
        var move = Cursor.Move.first
        while let (key, payload) = try cursor.found(move) {
            try body(key, payload)
            move = .next
        }
    }
}

extension ChainWriter {
    /// - Returns: `false` when there is no room for it.
    func quarantine(_ table: Table, _ key: RecordKey) throws(StoreFailure) -> Bool {
        guard table.identifier != tables.quarantine.identifier else { return true }
        guard let place = RecordKey(quarantining: table, key) else { return false }
        let kept = try reader.sound { reader throws(StoreFailure) in
            try reader.transaction.record(tables.quarantine, place)
        }
        // What was found first is what was damaged.
        if let kept, let kept, let record = QuarantinedRecord(kept), !record.isRepaired { return true }
        guard try makeRoom() else { return false }
        let height = try reader.sound { reader throws(StoreFailure) in try reader.tip()?.height } ?? nil
        let raw = try transaction.raw(table, key, bytesMax: QuarantinedRecord.bytesMax) ?? []
        try overwrite(
            QuarantinedRecord(height: height ?? 0, raw: raw).encoded, tables.quarantine, place)
        return true
    }

    /// Notes that a damaged record is right again.
    func markRepaired(_ table: Table, _ key: RecordKey) throws(StoreFailure) {
        guard let place = RecordKey(quarantining: table, key),
            let bytes = try reader.sound({ reader throws(StoreFailure) in
                try reader.transaction.record(tables.quarantine, place)
            }) ?? nil, var record = QuarantinedRecord(bytes)
        else { return }
        record.isRepaired = true
        try overwrite(record.encoded, tables.quarantine, place)
    }

    /// Lets the oldest repaired record go when there is no room for one more.
    private func makeRoom() throws(StoreFailure) -> Bool {
        guard try transaction.count(tables.quarantine) >= QuarantinedRecord.recordsMax else { return true }
        var oldest: (height: Height, key: RecordKey)?
        try transaction.walk(tables.quarantine) { key, bytes in
            guard let record = bytes.flatMap({ QuarantinedRecord($0) }), record.isRepaired else { return }
            if record.height < oldest?.height ?? .max { oldest = (record.height, key) }
        }
        guard let oldest else { return false }
        return try transaction.delete(tables.quarantine, oldest.key)
    }

    /// Lets the counts of the tables follow what `body` changes, where they agreed with the tables before:
    /// where they did not, records are missing, and bringing them back is what makes them agree.
    func movingCounts<Result>(
        _ body: () throws(StoreFailure) -> Result
    ) throws(StoreFailure) -> Result {
        let stored = try reader.sound { reader throws(StoreFailure) in try reader.counts() } ?? nil
        let before = try TableCounts(transaction, tables)
        let result = try body()
        guard let stored else { return result }
        let after = try TableCounts(transaction, tables)
        let moved = stored.records.indices.map { place in
            stored.records[place] == before.records[place] ? after.records[place] : stored.records[place]
        }
        guard moved != stored.records else { return result }
        try overwrite(TableCounts(records: moved).encoded, tables.state, ChainTables.countsKey)
        return result
    }
}
