import TimeCoinCore

/// A view of a chain in LMDB.
///
/// Not `Sendable`: it belongs to the closure that got it.
struct ChainReader {
    let transaction: ReadTransaction
    let tables: ChainTables
    let addressIndex: Bool

    private func record<Value>(
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
        guard let tip = try tip(), height <= tip.height else { return nil }
        throw table.corrupt(RecordKey(height), "missing below the tip")
    }

    private func headerRecord(at height: Height) throws(StoreFailure) -> HeaderRecord? {
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

    func header(at height: Height) throws(StoreFailure) -> BlockHeader? {
        try headerRecord(at: height)?.header
    }

    func hash(at height: Height) throws(StoreFailure) -> Hash256? { try headerRecord(at: height)?.hash }

    func height(of block: Hash256) throws(StoreFailure) -> Height? {
        try record(tables.heights, RecordKey(block)) { reader throws(DecodingFailure) in
            try reader.readInteger()
        }
    }

    func block(at height: Height) throws(StoreFailure) -> [UInt8]? { try dense(tables.blocks, at: height) }

    func certificate(at height: Height) throws(StoreFailure) -> [UInt8]? {
        try dense(tables.certificates, at: height)
    }

    func location(of transaction: Hash256) throws(StoreFailure) -> TransactionLocation? {
        try record(tables.transactions, RecordKey(transaction)) { reader throws(DecodingFailure) in
            try TransactionLocation(from: &reader)
        }
    }

    func output(_ outPoint: OutPoint) throws(StoreFailure) -> OutputEntry? {
        try record(tables.outputs, RecordKey(outPoint)) { reader throws(DecodingFailure) in
            try OutputEntry(from: &reader)
        }
    }

    func node(_ key: CommitmentNodeKey) throws(StoreFailure) -> Hash256? {
        try record(tables.nodes, RecordKey(key)) { reader throws(DecodingFailure) in try reader.readHash() }
    }

    func chunk(_ index: UInt64) throws(StoreFailure) -> SpentChunk? {
        guard let bytes = try transaction.record(tables.chunks, RecordKey(index)) else { return nil }
        guard let chunk = SpentChunk(bytes) else {
            throw tables.chunks.corrupt(RecordKey(index), "not a chunk")
        }
        return chunk
    }

    func unspent(
        locking: Script, after last: OutPoint?, countMax: Int
    ) throws(StoreFailure) -> [UnspentOutput] {
        guard addressIndex else { throw StoreFailure(.wrongOptions, "this store has no index of addresses") }
        let script = tables.scriptKey(locking)
        let first = last ?? OutPoint(transaction: .zero, index: 0)
        var unspent: [UnspentOutput] = []
        guard countMax > 0 else { return unspent }
        try transaction.scan(tables.addresses, from: RecordKey(script: script, first)) {
            key, _ throws(StoreFailure) in
            guard key.leadingNumber == script, let outPoint = key.outPoint else { return false }
            guard outPoint != last else { return true }
            guard let entry = try output(outPoint) else {
                throw tables.outputs.corrupt(
                    RecordKey(outPoint), "listed in the index of addresses but missing")
            }
            if entry.output.locking == locking {
                unspent.append(UnspentOutput(outPoint: outPoint, entry: entry))
            }
            return unspent.count < countMax
        }
        return unspent
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
