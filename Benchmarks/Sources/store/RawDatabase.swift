import BenchmarkSupport
import CReference
import Foundation
import TimeCoinCore

/// A copy of a store's database, used as a C program would use LMDB.
final class RawDatabase {
    private let environment: OpaquePointer
    private var tables: [String: MDB_dbi] = [:]

    /// A record that a block put (with a value) or deleted (without).
    struct Change {
        let table: MDB_dbi
        let key: [UInt8]
        let value: [UInt8]?
        /// Whether it lies behind everything that the table held.
        let isLast: Bool
    }

    struct Changes {
        var changes: [Change] = []
        /// What was changed in each table, for people.
        var lines: [String] = []
        var count: Int { changes.count }
    }

    /// - Parameter path: the data file of a database to which nothing is being written.
    init(copying path: String, to directory: String) throws {
        try? FileManager.default.removeItem(atPath: directory)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: path, toPath: directory + "/data.mdb")
        var created: OpaquePointer?
        try RawDatabase.check(mdb_env_create(&created), "create")
        guard let created else { throw Failed("no environment") }
        environment = created
        try RawDatabase.check(mdb_env_set_maxdbs(environment, 32), "tables")
        try RawDatabase.check(mdb_env_set_mapsize(environment, 64 << 30), "map")
        try RawDatabase.check(mdb_env_open(environment, directory, UInt32(MDB_NOTLS), 0o600), "open")
        tables = try RawDatabase.names(environment)
    }

    deinit {
        mdb_env_close(environment)
    }

    static func check(_ status: CInt, _ action: String) throws {
        guard status == MDB_SUCCESS else {
            throw Failed("\(action): \(String(cString: mdb_strerror(status)))")
        }
    }

    private static func begin(_ environment: OpaquePointer, _ flags: CInt) throws -> OpaquePointer {
        var transaction: OpaquePointer?
        try check(mdb_txn_begin(environment, nil, UInt32(flags), &transaction), "begin")
        guard let transaction else { throw Failed("no transaction") }
        return transaction
    }

    private static func names(_ environment: OpaquePointer) throws -> [String: MDB_dbi] {
        let transaction = try begin(environment, 0)
        var main: MDB_dbi = 0
        try check(mdb_dbi_open(transaction, nil, 0, &main), "open the table of tables")
        let names = try Records(transaction, main).all().map { String(decoding: $0, as: UTF8.self) }
        var tables: [String: MDB_dbi] = [:]
        for name in names {
            var handle: MDB_dbi = 0
            try check(mdb_dbi_open(transaction, name, 0, &handle), "open \(name)")
            tables[name] = handle
        }
        try check(mdb_txn_commit(transaction), "commit")
        return tables
    }

    func read<Result>(_ body: (OpaquePointer) throws -> Result) throws -> Result {
        let transaction = try RawDatabase.begin(environment, MDB_RDONLY)
        defer { mdb_txn_abort(transaction) }
        return try body(transaction)
    }

    func table(_ name: String) throws -> MDB_dbi {
        guard let handle = tables[name] else { throw Failed("no table \(name)") }
        return handle
    }

    // MARK: - Changes

    /// Walks through both databases side by side.
    func changes(to after: RawDatabase) throws -> Changes {
        try read { old in
            try after.read { new in
                var result = Changes()
                for (name, handle) in tables.sorted(by: { $0.key < $1.key }) {
                    let (puts, deletes) = try RawDatabase.compare(
                        try Records(old, handle), try Records(new, try after.table(name)), handle,
                        &result.changes)
                    if puts + deletes > 0 { result.lines.append("\(name): \(puts) puts, \(deletes) deletes") }
                }
                return result
            }
        }
    }

    private static func compare(
        _ old: Records, _ new: Records, _ handle: MDB_dbi, _ changes: inout [Change]
    ) throws -> (puts: Int, deletes: Int) {
        var (left, right) = (try old.next(), try new.next())
        var (puts, deletes) = (0, 0)
        while left != nil || right != nil {
            let order = RawDatabase.order(left?.key, right?.key)
            if order < 0 {
                guard let left else { break }
                changes.append(Change(table: handle, key: Array(left.key), value: nil, isLast: false))
                deletes += 1
            } else if let right, order > 0 || !RawDatabase.equal(left?.value, right.value) {
                changes.append(
                    Change(
                        table: handle, key: Array(right.key), value: Array(right.value), isLast: left == nil))
                puts += 1
            }
            if order <= 0 { left = try old.next() }
            if order >= 0 { right = try new.next() }
        }
        return (puts, deletes)
    }

    /// What is missing comes last.
    private static func order(_ left: UnsafeRawBufferPointer?, _ right: UnsafeRawBufferPointer?) -> Int {
        guard let left else { return 1 }
        guard let right else { return -1 }
        let compared = memcmp(left.baseAddress!, right.baseAddress!, min(left.count, right.count))
        return compared != 0 ? Int(compared) : left.count - right.count
    }

    private static func equal(_ left: UnsafeRawBufferPointer?, _ right: UnsafeRawBufferPointer) -> Bool {
        guard let left, left.count == right.count else { return false }
        return left.isEmpty || memcmp(left.baseAddress!, right.baseAddress!, left.count) == 0
    }

    /// The same in one synced transaction.
    func apply(_ changes: Changes) throws -> Elapsed {
        try measured {
            let transaction = try RawDatabase.begin(environment, 0)
            for change in changes.changes {
                try change.key.withUnsafeBytes { keyBytes in
                    var key = MDB_val(keyBytes)
                    guard let value = change.value else {
                        return try RawDatabase.check(
                            mdb_del(transaction, change.table, &key, nil), "delete")
                    }
                    try value.withUnsafeBytes { bytes in
                        var data = MDB_val(bytes)
                        try RawDatabase.check(
                            mdb_put(
                                transaction, change.table, &key, &data,
                                UInt32(change.isLast ? MDB_APPEND : 0)), "put")
                    }
                }
            }
            try RawDatabase.check(mdb_txn_commit(transaction), "commit")
        }.time
    }

    func counts() throws -> [String: Int] { try statistics().mapValues { Int($0.ms_entries) } }

    func statistics() throws -> [String: MDB_stat] {
        try read { transaction in
            var result: [String: MDB_stat] = [:]
            for (name, handle) in tables {
                var statistics = MDB_stat()
                try RawDatabase.check(mdb_stat(transaction, handle, &statistics), "count")
                result[name] = statistics
            }
            return result
        }
    }
}

/// The records of a table in their order.
final class Records {
    typealias Record = (key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)

    private let cursor: OpaquePointer

    init(_ transaction: OpaquePointer, _ table: MDB_dbi) throws {
        var cursor: OpaquePointer?
        try RawDatabase.check(mdb_cursor_open(transaction, table, &cursor), "open a cursor")
        guard let cursor else { throw Failed("no cursor") }
        self.cursor = cursor
    }

    deinit {
        mdb_cursor_close(cursor)
    }

    func next() throws -> Record? {
        var key = MDB_val()
        var value = MDB_val()
        let status = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)
        guard status != MDB_NOTFOUND else { return nil }
        try RawDatabase.check(status, "next")
        return (
            UnsafeRawBufferPointer(start: key.mv_data, count: key.mv_size),
            UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size)
        )
    }

    func all() throws -> [[UInt8]] {
        var keys: [[UInt8]] = []
        while let record = try next() { keys.append(Array(record.key)) }
        return keys
    }
}

extension MDB_val {
    init(_ bytes: UnsafeRawBufferPointer) {
        self.init(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    }
}
