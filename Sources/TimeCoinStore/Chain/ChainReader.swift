import TimeCoinCore

/// A view of a chain in LMDB.
///
/// Not `Sendable`: it belongs to the closure that got it.
struct ChainReader {
    let transaction: ReadTransaction
    let tables: ChainTables
    let addressIndex: Bool
    /// Without it everything is read from the database.
    var hot: HotBlocks.View?
    /// Without them an answer may come from an older page: for those who look at everything anyway.
    var confirmations: Confirmations?

    func record<Value>(
        _ table: Table, _ key: RecordKey, _ decode: (inout ByteReader) throws(DecodingFailure) -> Value
    ) throws(StoreFailure) -> Value? {
        guard let bytes = try transaction.record(table, key) else { return nil }
        do {
            return try ByteReader.decode(bytes, decode)
        } catch {
            throw table.corrupt(key, "\(error)")
        }
    }

    /// A record that every height up to the tip has: that it is not there is damage, not an answer.
    private func dense(_ table: Table, at height: Height) throws(StoreFailure) -> [UInt8]? {
        if let bytes = try transaction.record(table, RecordKey(height)) { return bytes }
        guard let tip = try tip(), height <= tip.height, try height >= start(of: table) else { return nil }
        throw table.corrupt(RecordKey(height), "missing below the tip")
    }

    /// Of scheduled blocks it is there whatever was pruned.
    private func keptCertificate(at height: Height) throws(StoreFailure) -> [UInt8]? {
        if let bytes = try dense(tables.certificates, at: height) { return bytes }
        guard try headerRecord(at: height)?.header.kind == .scheduled else { return nil }
        throw tables.certificates.corrupt(RecordKey(height), "missing for a scheduled block")
    }

    /// The height from which on a table has every height.
    private func start(of table: Table) throws(StoreFailure) -> Height {
        let base = try base()
        return table.name == tables.headers.name ? base.headersFrom : base.blocksFrom
    }

    func headerRecord(at height: Height) throws(StoreFailure) -> HeaderRecord? {
        guard let bytes = try dense(tables.headers, at: height) else { return nil }
        do {
            return try HeaderRecord(decoding: bytes)
        } catch {
            throw tables.headers.corrupt(RecordKey(height), "\(error)")
        }
    }

    func slot(at height: Height) throws(StoreFailure) -> Slot? { try headerRecord(at: height)?.header.slot }
}

/// Hash and header of a block.
struct HeaderRecord {
    let hash: Hash256
    let header: BlockHeader

    var encoded: [UInt8] {
        var writer = ByteWriter(reserving: Hash256.byteCount + BlockHeader.byteCount)
        writer.write(hash)
        header.encode(into: &writer)
        return writer.bytes
    }

    init(hash: Hash256, header: BlockHeader) {
        self.hash = hash
        self.header = header
    }

    init(decoding bytes: [UInt8]) throws(DecodingFailure) {
        self = try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
            HeaderRecord(hash: try reader.readHash(), header: try BlockHeader(from: &reader))
        }
    }
}

extension ChainReader: ChainReading {
    func tip() throws(StoreFailure) -> ChainTip? {
        try record(tables.state, ChainTables.tipKey) { reader throws(DecodingFailure) in
            try ChainTip(from: &reader)
        }
    }

    func state() throws(StoreFailure) -> [UInt8]? {
        if let state = try transaction.record(tables.state, ChainTables.stateKey) { return state }
        guard try tip() == nil else {
            throw tables.state.corrupt(ChainTables.stateKey, "missing beside the tip")
        }
        return nil
    }

    func base() throws(StoreFailure) -> HistoryBase {
        let base = try record(tables.state, ChainTables.baseKey) { reader throws(DecodingFailure) in
            try HistoryBase(from: &reader)
        }
        if let base { return base }
        guard try tip() == nil else {
            throw tables.state.corrupt(ChainTables.baseKey, "missing beside the tip")
        }
        return .whole
    }

    func header(at height: Height) throws(StoreFailure) -> BlockHeader? {
        try headerRecord(at: height)?.header
    }

    func hash(at height: Height) throws(StoreFailure) -> Hash256? { try headerRecord(at: height)?.hash }

    func height(of block: Hash256) throws(StoreFailure) -> Height? {
        let key = RecordKey(block)
        let height = try record(tables.heights, key) { reader throws(DecodingFailure) -> Height in
            try reader.readInteger()
        }
        if height == nil { try confirm(tables.heights, around: key) }
        return height
    }

    func block(at height: Height) throws(StoreFailure) -> [UInt8]? {
        guard let hot else { return try dense(tables.blocks, at: height) }
        return try hot.record(.block, at: height) { () throws(StoreFailure) in
            try dense(tables.blocks, at: height)
        }
    }

    func certificate(at height: Height) throws(StoreFailure) -> [UInt8]? {
        guard let hot else { return try keptCertificate(at: height) }
        return try hot.record(.certificate, at: height) { () throws(StoreFailure) in
            try keptCertificate(at: height)
        }
    }

    func counts() throws(StoreFailure) -> TableCounts? {
        try record(tables.state, ChainTables.countsKey) { reader throws(DecodingFailure) in
            try TableCounts(from: &reader, tables: tables)
        }
    }

    func undo(at height: Height) throws(StoreFailure) -> UndoRecord? {
        guard let bytes = try transaction.record(tables.undo, RecordKey(height)) else { return nil }
        do {
            return try UndoRecord(decoding: bytes)
        } catch {
            throw tables.undo.corrupt(RecordKey(height), "\(error)")
        }
    }
}
