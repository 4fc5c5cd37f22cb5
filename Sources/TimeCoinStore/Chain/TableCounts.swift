import TimeCoinCore

/// How many records each table has, written with every change: a table that lost its root, or shows an old
/// one, no longer agrees with it.
struct TableCounts: Hashable {
    /// In the order of the tables' identifiers, the table of this record left out.
    let records: [UInt64]

    init(records: [UInt64]) {
        self.records = records
    }

    init(_ transaction: ReadTransaction, _ tables: ChainTables) throws(StoreFailure) {
        var records: [UInt64] = []
        for table in tables.counted { records.append(try transaction.count(table)) }
        self.records = records
    }

    var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 8 * records.count)
        for count in records { writer.write(count) }
        return writer.bytes
    }

    init(from reader: inout ByteReader, tables: ChainTables) throws(DecodingFailure) {
        var records: [UInt64] = []
        for _ in tables.counted { records.append(try reader.readInteger()) }
        self.records = records
    }
}
