import CLMDB

/// A view of the database that does not change, valid inside the closure that got it.
///
/// Values are copied out and their checksums verified; afterwards every call throws `closed`.
class ReadTransaction {
    /// Ended transactions have none.
    final var handle: OpaquePointer?

    final let pages: PageCheck
    var isWriting: Bool { false }

    init(_ handle: OpaquePointer, _ pages: PageCheck) {
        self.handle = handle
        self.pages = pages
    }

    final func live() throws(StoreFailure) -> OpaquePointer {
        guard let handle else { throw StoreFailure(.closed, "the snapshot has ended") }
        return handle
    }

    /// The payload under a key, copied; absence is confirmed by the neighbours of the gap.
    final func record(_ table: Table, _ key: RecordKey) throws(StoreFailure) -> [UInt8]? {
        try withRecord(table, key) { Array($0) }
    }

    /// Looks at the verified payload under a key in place; absence is confirmed as by ``record(_:_:)``.
    final func withRecord<Value>(
        _ table: Table, _ key: RecordKey, _ body: (UnsafeRawBufferPointer) -> Value
    ) throws(StoreFailure) -> Value? {
        let transaction = try live()
        var result: Value?
        let status = key.withUnsafeBytes { bytes in
            var keyValue = MDB_val(bytes)
            var value = MDB_val()
            let status = mdb_get(transaction, table.handle, &keyValue, &value)
            if status == MDB_SUCCESS, let payload = value.verified(table, bytes) { result = body(payload) }
            return status
        }
        guard status != MDB_NOTFOUND else {
            try confirmAbsence(table, key)
            return nil
        }
        try LMDBStatus.check(status, "read from \(table.name)")
        guard let result else { throw table.corrupt(key, "the checksum does not match") }
        return result
    }

    /// What lies under a key, checksum and all, whether or not it matches: at most `bytesMax` bytes of it.
    final func raw(_ table: Table, _ key: RecordKey, bytesMax: Int) throws(StoreFailure) -> [UInt8]? {
        let transaction = try live()
        var raw: [UInt8]?
        let status = key.withUnsafeBytes { bytes in
            var keyValue = MDB_val(bytes)
            var value = MDB_val()
            let status = mdb_get(transaction, table.handle, &keyValue, &value)
            // A damaged length may claim more than is mapped.
            if status == MDB_SUCCESS, value.mv_size <= Environment.recordBytesMax {
                raw = Array(value.bytes.prefix(bytesMax))
            } else if status == MDB_SUCCESS {
                raw = []
            }
            return status
        }
        guard status != MDB_NOTFOUND else { return nil }
        try LMDBStatus.check(status, "read from \(table.name)")
        return raw
    }

    /// A damaged page can answer "not found" for what is there. Where the key would stand, the record before
    /// must be smaller, the record after greater, and both undamaged.
    private final func confirmAbsence(_ table: Table, _ key: RecordKey) throws(StoreFailure) {
        let cursor = try Cursor(self, table)
        defer { cursor.close() }
        let (previous, next) = try confirmStart(cursor, table, key)
        if let next, next <= key { throw table.corrupt(key, "the table is out of order") }
        if next == nil, previous == nil, try count(table) != 0 {
            throw table.corrupt(key, "the table cannot be read")
        }
    }

    /// Sees to it that a search for a key ends where the key would stand: what is before it is smaller.
    @discardableResult
    private final func confirmStart(
        _ cursor: Cursor, _ table: Table, _ key: RecordKey
    ) throws(StoreFailure) -> (previous: RecordKey?, next: RecordKey?) {
        let next = try cursor.move(.atLeast(key))?.key
        let previous = try cursor.move(next == nil ? .last : .previous)?.key
        if let next, next < key { throw table.corrupt(key, "the table is out of order") }
        if let previous, previous >= key { throw table.corrupt(key, "the table is out of order") }
        return (previous, next)
    }

    /// Visits records in order of keys until `body` returns `false`.
    final func scan(
        _ table: Table, from key: RecordKey,
        _ body: (RecordKey, [UInt8]) throws(StoreFailure) -> Bool
    ) throws(StoreFailure) {
        let cursor = try Cursor(self, table)
        defer { cursor.close() }
        try confirmStart(cursor, table, key)
        var current = try cursor.move(.atLeast(key))
        while let record = current {
            guard try body(record.key, record.payload) else { return }
            current = try cursor.move(.next)
            if let next = current, next.key <= record.key {
                throw table.corrupt(next.key, "the table is out of order")
            }
        }
    }

    /// Visits the records below a key in falling order of keys until `body` returns `false`.
    final func scanBack(
        _ table: Table, below key: RecordKey,
        _ body: (RecordKey, [UInt8]) throws(StoreFailure) -> Bool
    ) throws(StoreFailure) {
        let cursor = try Cursor(self, table)
        defer { cursor.close() }
        var last = key
        let next = try cursor.move(.atLeast(key))
        if let next, next.key < key { throw table.corrupt(key, "the table is out of order") }
        var current = try cursor.move(next == nil ? .last : .previous)
        while let record = current {
            guard record.key < last else { throw table.corrupt(record.key, "the table is out of order") }
            guard try body(record.key, record.payload) else { return }
            last = record.key
            current = try cursor.move(.previous)
        }
    }

    final func firstKey(_ table: Table) throws(StoreFailure) -> RecordKey? {
        let cursor = try Cursor(self, table)
        defer { cursor.close() }
        return try cursor.key(.first)
    }

    final func lastKey(_ table: Table) throws(StoreFailure) -> RecordKey? {
        let cursor = try Cursor(self, table)
        defer { cursor.close() }
        return try cursor.key(.last)
    }

    /// Records in a table, as LMDB counts them.
    final func count(_ table: Table) throws(StoreFailure) -> UInt64 {
        var statistics = MDB_stat()
        try LMDBStatus.check(mdb_stat(try live(), table.handle, &statistics), "count \(table.name)")
        return UInt64(statistics.ms_entries)
    }
}

/// A place in a table.
struct Cursor {
    enum Move {
        case atLeast(RecordKey)
        case next
        case previous
        case first
        case last
    }

    private let handle: OpaquePointer
    private let table: Table
    private let transaction: ReadTransaction

    init(_ transaction: ReadTransaction, _ table: Table) throws(StoreFailure) {
        var handle: OpaquePointer?
        try LMDBStatus.check(
            mdb_cursor_open(try transaction.live(), table.handle, &handle), "open a cursor on \(table.name)")
        guard let handle else { throw StoreFailure(.io, "no cursor on \(table.name)") }
        self.handle = handle
        self.table = table
        self.transaction = transaction
    }

    func close() {
        mdb_cursor_close(handle)
    }

    /// Deletes the record that the cursor of a write transaction stands on.
    func deleteCurrent() -> CInt { mdb_cursor_del(handle, 0) }

    /// Moves to a record and verifies it.
    func move(_ move: Move) throws(StoreFailure) -> (key: RecordKey, payload: [UInt8])? {
        let isWriting = transaction.isWriting
        let found = try read(move) { value, key in
            value.verifiedPayload(table, key).map {
                (payload: $0, isInPlace: transaction.pages.isInPlace(value, isWriting: isWriting))
            }
        }
        guard let (key, record) = found else { return nil }
        guard let record else { throw table.corrupt(key, "the checksum does not match") }
        guard record.isInPlace else { throw table.corrupt(key, "it lies on a page of another place") }
        return (key, record.payload)
    }

    /// Moves to a record, whatever its state.
    ///
    /// - Returns: no payload where the checksum does not match.
    func found(_ move: Move) throws(StoreFailure) -> (key: RecordKey, payload: [UInt8]?)? {
        guard let (key, payload) = try read(move, { $0.verifiedPayload(table, $1) }) else { return nil }
        return (key, payload)
    }

    /// Moves to a record and verifies it; its checksum is what is wanted.
    func checksum(_ move: Move) throws(StoreFailure) -> (key: RecordKey, checksum: UInt64)? {
        let isWriting = transaction.isWriting
        let found = try read(move) { value, key -> UInt64? in
            guard value.verified(table, key) != nil, transaction.pages.isInPlace(value, isWriting: isWriting)
            else { return nil }
            return value.checksum
        }
        guard let (key, checksum) = found else { return nil }
        guard let checksum else { throw table.corrupt(key, "damaged, or on a page of another place") }
        return (key, checksum)
    }

    /// Moves to a record, whatever its state; of it the checksum in front is read.
    func storedChecksum(_ move: Move) throws(StoreFailure) -> (key: RecordKey, checksum: UInt64)? {
        guard let (key, checksum) = try read(move, { value, _ in value.checksum }) else { return nil }
        return (key, checksum)
    }

    /// Moves to a record, of which only the key is read.
    func key(_ move: Move) throws(StoreFailure) -> RecordKey? {
        try read(move, { _, _ in })?.key
    }

    private func read<Value>(
        _ move: Move, _ body: (MDB_val, UnsafeRawBufferPointer) -> Value
    ) throws(StoreFailure) -> (key: RecordKey, value: Value)? {
        let (key, operation) = move.operation
        var found: RecordKey?
        var result: Value?
        let status = key.withUnsafeBytes { bytes in
            var keyValue = MDB_val(bytes)
            var value = MDB_val()
            let status = mdb_cursor_get(handle, &keyValue, &value, operation)
            if status == MDB_SUCCESS {
                found = RecordKey(keyValue.bytes)
                result = body(value, keyValue.bytes)
            }
            return status
        }
        guard status != MDB_NOTFOUND else { return nil }
        try LMDBStatus.check(status, "read from \(table.name)")
        guard let found, let result else { throw table.corrupt(key, "a key is longer than any") }
        return (found, result)
    }
}

extension Cursor.Move {
    fileprivate var operation: (key: RecordKey, operation: MDB_cursor_op) {
        switch self {
        case .atLeast(let least): (least, MDB_SET_RANGE)
        case .next: (RecordKey(0), MDB_NEXT)
        case .previous: (RecordKey(0), MDB_PREV)
        case .first: (RecordKey(0), MDB_FIRST)
        case .last: (RecordKey(0), MDB_LAST)
        }
    }
}

extension MDB_val {
    init(_ bytes: UnsafeRawBufferPointer) {
        self.init(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: mv_data, count: mv_size) }

    /// The checksum in front, right or not; 0 where there is no room for one.
    var checksum: UInt64 {
        guard mv_size >= Table.checksumBytes else { return 0 }
        return UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    }

    /// The payload, copied; `nil` when the checksum in front does not match.
    func verifiedPayload(_ table: Table, _ key: UnsafeRawBufferPointer) -> [UInt8]? {
        verified(table, key).map { Array($0) }
    }

    /// The payload in the map; `nil` when the checksum in front does not match.
    func verified(_ table: Table, _ key: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        // A damaged length may claim more than is mapped; no record is that long.
        guard mv_size >= Table.checksumBytes, mv_size <= Environment.recordBytesMax else { return nil }
        let payload = UnsafeRawBufferPointer(rebasing: bytes[Table.checksumBytes...])
        return table.checksum(key, payload) == checksum ? payload : nil
    }
}
