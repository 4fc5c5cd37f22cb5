import CLMDB

/// A transaction that may change the database, valid inside the closure that got it.
final class WriteTransaction: ReadTransaction {
    enum Put {
        /// Whatever was there.
        case overwriting
        /// Only where nothing is.
        case inserting
        /// Behind the last key of the table.
        case appending

        fileprivate var flags: CInt {
            switch self {
            case .overwriting: 0
            case .inserting: MDB_NOOVERWRITE
            case .appending: MDB_APPEND
            }
        }
    }

    override var isWriting: Bool { true }
    /// Set when LMDB reported a fault of the disk.
    private(set) var faulty = false
    /// What it adds to the sums of tables.
    var sums = TableSumChanges()

    /// - Returns: `false` when a record is in the way.
    func put(
        _ payload: [UInt8], _ table: Table, _ key: RecordKey, _ put: Put = .overwriting
    ) throws(StoreFailure) -> Bool {
        guard payload.count <= Environment.recordBytesMax - Table.checksumBytes else {
            throw StoreFailure(.tooLarge, "a record of \(payload.count) bytes for \(table.name)")
        }
        let transaction = try live()
        var checksum: UInt64 = 0
        let status = key.withUnsafeBytes { bytes in
            payload.withUnsafeBytes { payload in
                checksum = table.checksum(bytes, payload)
                return WriteTransaction.put(payload, checksum, transaction, table, bytes, put.flags)
            }
        }
        guard status != MDB_KEYEXIST else { return false }
        try check(status, "write to \(table.name)")
        // What is overwritten comes back as it was: a repair.
        if put != .overwriting, table.isSummed { sums.add(checksum, table.identifier, key) }
        return true
    }

    /// Lets LMDB reserve the room and fills it in place, so that the record is copied once.
    private static func put(
        _ payload: UnsafeRawBufferPointer, _ checksum: UInt64, _ transaction: OpaquePointer, _ table: Table,
        _ key: UnsafeRawBufferPointer, _ flags: CInt
    ) -> CInt {
        var keyValue = MDB_val(key)
        var value = MDB_val(mv_size: Table.checksumBytes + payload.count, mv_data: nil)
        let status = mdb_put(
            transaction, table.handle, &keyValue, &value, CUnsignedInt(bitPattern: flags | MDB_RESERVE))
        guard status == MDB_SUCCESS else { return status }
        let target = UnsafeMutableRawBufferPointer(start: value.mv_data, count: value.mv_size)
        target.storeBytes(of: checksum.littleEndian, as: UInt64.self)
        UnsafeMutableRawBufferPointer(rebasing: target[Table.checksumBytes...]).copyMemory(from: payload)
        return status
    }

    /// - Parameter isKnown: `false` for what no sound database has, so that it is in no sum.
    /// - Returns: `false` when there was no record.
    func delete(_ table: Table, _ key: RecordKey, isKnown: Bool = true) throws(StoreFailure) -> Bool {
        if isKnown, table.isSummed { return try deleteSummed(table, key) }
        let transaction = try live()
        let status = key.withUnsafeBytes { bytes in
            var keyValue = MDB_val(bytes)
            return mdb_del(transaction, table.handle, &keyValue, nil)
        }
        guard status != MDB_NOTFOUND else { return false }
        try check(status, "delete from \(table.name)")
        return true
    }

    /// What is taken from the sum is the checksum of what lies there.
    private func deleteSummed(_ table: Table, _ key: RecordKey) throws(StoreFailure) -> Bool {
        let cursor = try Cursor(self, table)
        defer { cursor.close() }
        guard let (found, checksum) = try cursor.checksum(.atLeast(key)), found == key else { return false }
        try check(cursor.deleteCurrent(), "delete from \(table.name)")
        sums.subtract(checksum, table.identifier, key)
        return true
    }

    /// Deletes records under successive numbers, those that `isWanted` says; numbers without one are passed
    /// over.
    func deleteRecords(
        _ table: Table, from first: UInt64, count: UInt64, where isWanted: (UInt64) -> Bool
    ) throws(StoreFailure) {
        let (end, overflow) = first.addingReportingOverflow(count)
        let cursor = try Cursor(self, table)
        defer { cursor.close() }
        var current = try cursor.key(.atLeast(RecordKey(first)))
        while let key = current, overflow || key.leadingNumber < end {
            if isWanted(key.leadingNumber) {
                try check(cursor.deleteCurrent(), "delete from \(table.name)")
            }
            // Behind a deleted record LMDB's cursor stands on its successor, and this takes it.
            current = try cursor.key(.next)
        }
    }

    private func check(_ status: CInt, _ action: @autoclosure () -> String) throws(StoreFailure) {
        if LMDBStatus.latches(status) { faulty = true }
        try LMDBStatus.check(status, action())
    }
}
