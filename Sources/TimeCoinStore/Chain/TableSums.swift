/// What the tables hold whose keys nothing else foretells: for each of the ranges into which the first bits
/// of a key divide a table, the sum of its records' checksums, modulo 2⁶⁴. It lies in a table of its
/// own and is written with every change, so that an older page of a table, which lacks records or shows what
/// was deleted, no longer agrees with it.
enum TableSums {
    /// Ranges of a table.
    static let ranges = 1 << rangeBits
    private static let rangeBits = 10
    /// Sums of one record.
    static let recordSums = 128
    /// Identifiers of heights, transactions, addresses, history, validator-sets and set-changes.
    static let tables: [UInt8] = [3, 8, 11, 13, 14, 15]
    private static let mask = tables.reduce(UInt64(0)) { $0 | 1 << UInt64($1) }

    static func covers(_ table: UInt8) -> Bool { table < 64 && mask & 1 << UInt64(table) != 0 }

    static func range(of key: RecordKey) -> Int { Int(key.leadingNumber >> UInt64(64 - rangeBits)) }

    /// The smallest key of a range.
    static func start(of range: Int) -> RecordKey { RecordKey(UInt64(range) << UInt64(64 - rangeBits)) }

    static func key(_ table: UInt8, range: Int) -> RecordKey {
        RecordKey(table, UInt8(truncatingIfNeeded: range / recordSums))
    }

    /// What stands in front of a record, right or not.
    static func checksum(_ raw: [UInt8]) -> UInt64? {
        guard raw.count >= Table.checksumBytes else { return nil }
        return raw.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
    }

    static func encode(_ sums: some Collection<UInt64>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 * sums.count)
        for sum in sums { withUnsafeBytes(of: sum.littleEndian) { bytes.append(contentsOf: $0) } }
        return bytes
    }

    /// `nil` unless there are as many as a record has.
    static func decode(_ bytes: [UInt8]) -> [UInt64]? {
        guard bytes.count == 8 * recordSums else { return nil }
        return bytes.withUnsafeBytes { bytes in
            (0..<recordSums).map {
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self))
            }
        }
    }
}

/// How one write transaction changes the sums.
struct TableSumChanges {
    /// By table; those of all its ranges.
    private var changes: [UInt8: [UInt64]] = [:]

    mutating func add(_ checksum: UInt64, _ table: UInt8, _ key: RecordKey) {
        changes[table, default: Array(repeating: 0, count: TableSums.ranges)][TableSums.range(of: key)]
            &+= checksum
    }

    mutating func subtract(_ checksum: UInt64, _ table: UInt8, _ key: RecordKey) {
        add(0 &- checksum, table, key)
    }

    /// What is to be added to each record of sums that changes, in the order of the keys.
    mutating func take() -> [(key: RecordKey, sums: ArraySlice<UInt64>)] {
        defer { changes = [:] }
        var taken: [(key: RecordKey, sums: ArraySlice<UInt64>)] = []
        for (table, sums) in changes.sorted(by: { $0.key < $1.key }) {
            for start in stride(from: 0, to: TableSums.ranges, by: TableSums.recordSums) {
                let part = sums[start..<start + TableSums.recordSums]
                guard part.contains(where: { $0 != 0 }) else { continue }
                taken.append((TableSums.key(table, range: start), part))
            }
        }
        return taken
    }
}

extension ChainWriter {
    /// To be called at the end of every write transaction that adds or removes records.
    func writeSums() throws(StoreFailure) {
        for (key, changes) in transaction.sums.take() {
            let sums = try reader.sums(key)
            try overwrite(TableSums.encode(zip(sums, changes).map { $0 &+ $1 }), tables.sums, key)
        }
    }

    /// Repairs a record of a summed table, and sees to it that the sum of its range is right afterwards if it
    /// was right about the others.
    ///
    /// Most repairs bring back what was there, which the sum counts. What was not there, or comes back as
    /// another record, takes in the sum the place of what lay there, or of nothing. A sum that says neither
    /// stays as it is: something else of the range is older, or is to be repaired, too.
    func repairing(
        _ table: Table, _ key: RecordKey, _ body: () throws(StoreFailure) -> Void
    ) throws(StoreFailure) {
        guard table.isSummed else { return try body() }
        var known: Set<UInt64> = [0]
        if let lying = try transaction.raw(table, key, bytesMax: Environment.recordBytesMax),
            let stored = TableSums.checksum(lying)
        {
            known.insert(stored)
            known.insert(
                key.withUnsafeBytes { key in
                    lying.withUnsafeBytes {
                        table.checksum(key, UnsafeRawBufferPointer(rebasing: $0[Table.checksumBytes...]))
                    }
                })
        }
        try body()
        let range = TableSums.range(of: key)
        let record = TableSums.key(table.identifier, range: range)
        let others = try transaction.sum(table, range: range, without: key)
        guard var sums = try reader.sound({ reader throws(StoreFailure) in try reader.sums(record) }) else {
            return
        }
        let now = try transaction.raw(table, key, bytesMax: Table.checksumBytes)
        let place = range % TableSums.recordSums
        guard known.contains(sums[place] &- others) else { return }
        sums[place] = others &+ (now.flatMap { TableSums.checksum($0) } ?? 0)
        try overwrite(TableSums.encode(sums), tables.sums, record)
    }
}

extension ChainReader {
    func sums(_ key: RecordKey) throws(StoreFailure) -> [UInt64] {
        guard let bytes = try transaction.record(tables.sums, key) else {
            return Array(repeating: 0, count: TableSums.recordSums)
        }
        guard let sums = TableSums.decode(bytes) else { throw tables.sums.corrupt(key, "not sums") }
        return sums
    }

    /// Whether a range of a table holds what its sum says.
    func agrees(_ table: Table, range: Int) throws(StoreFailure) -> Bool {
        let kept = try sums(TableSums.key(table.identifier, range: range))[range % TableSums.recordSums]
        return try transaction.sum(table, range: range) == kept
    }
}

extension ReadTransaction {
    /// The sum of the checksums of a range, each compared with its record.
    final func sum(_ table: Table, range: Int) throws(StoreFailure) -> UInt64 {
        let cursor = try Cursor(self, table)
        defer { cursor.close() }
        var sum: UInt64 = 0
        var last: RecordKey?
        var move = Cursor.Move.atLeast(TableSums.start(of: range))
        while let (key, checksum) = try cursor.checksum(move), TableSums.range(of: key) == range {
            if let last, key <= last { throw table.corrupt(key, "the table is out of order") }
            sum &+= checksum
            last = key
            move = .next
        }
        return sum
    }

    /// The sum of the checksums of a range but for one record, right or not.
    final func sum(_ table: Table, range: Int, without left: RecordKey) throws(StoreFailure) -> UInt64 {
        let cursor = try Cursor(self, table)
        defer { cursor.close() }
        var sum: UInt64 = 0
        var move = Cursor.Move.atLeast(TableSums.start(of: range))
        while let (key, checksum) = try cursor.storedChecksum(move), TableSums.range(of: key) == range {
            if key != left { sum &+= checksum }
            move = .next
        }
        return sum
    }
}
