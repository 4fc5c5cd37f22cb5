import CLMDB
import Synchronization

/// An LMDB environment: every commit synced, no writable map, one writer.
///
/// `@unchecked Sendable`: the only stored property that is not `Sendable` is `handle`, which never changes
/// after `init` and which LMDB allows every thread to use at once (environments are thread-safe; read
/// transactions are not bound to threads because of `MDB_NOTLS`; write transactions exclude each other by
/// LMDB's own mutex and begin and end inside one synchronous call, hence on one thread).
final class Environment: @unchecked Sendable {
    let handle: OpaquePointer
    /// Set by the first failed write.
    private let latch = Mutex<StoreFailure?>(nil)
    private let pages = PageCheck()

    /// Read transactions at the same time, at most.
    static let readersMax: CUnsignedInt = 512
    /// Named tables at most.
    static let tablesMax: CUnsignedInt = 24
    /// Address space taken because the disk is large, at most; a database that is larger still takes more.
    /// Unit: bytes.
    static let mapBytesMax = 16 << 40
    /// Write transactions after which all tables are there.
    static let creatingTransactionsMax = 2
    /// Bytes of one record with its checksum, at most.
    static let recordBytesMax = 128 << 20

    /// - Parameter mapBytes: the largest size of the file; doubled while half of it is in use already, and
    ///   from ``StoreOptions/mapBytesDefault`` on while the disk is larger.
    init(directory: String, mapBytes: Int) throws(StoreFailure) {
        var created: OpaquePointer?
        try LMDBStatus.check(mdb_env_create(&created), "create an environment")
        guard let created else { throw StoreFailure(.io, "no environment") }
        // From here on `deinit` closes it, also where this throws.
        handle = created
        try LMDBStatus.check(
            mdb_env_set_maxdbs(handle, Environment.tablesMax), "set the number of tables")
        try LMDBStatus.check(
            mdb_env_set_maxreaders(handle, Environment.readersMax), "set the number of readers")
        try LMDBStatus.check(mdb_env_set_mapsize(handle, mapBytes), "set the size of the map")
        try Environment.removeUnborn(in: directory)
        let flags = CUnsignedInt(bitPattern: MDB_NOTLS)
        try LMDBStatus.check(mdb_env_open(handle, directory, flags, 0o600), "open \(directory)")
        var dead: CInt = 0
        try LMDBStatus.check(mdb_reader_check(handle, &dead), "clear readers of ended processes")
        try grow(from: mapBytes, on: try PosixFileSystem().space(at: directory))
        let size = try size()
        pages.begin(pageBytes: size.page, mapBytes: size.map)
        try lengthen("\(directory)/data.mdb")
        try PosixFileSystem().allocate("\(directory)/lock.mdb")
    }

    deinit {
        mdb_env_close(handle)
    }

    /// Safe here only: no transaction exists yet.
    ///
    /// A map of the size that programs use is made larger than the disk, so that the disk is full before it.
    private func grow(from mapBytes: Int, on disk: DiskSpace) throws(StoreFailure) {
        var information = MDB_envinfo()
        var statistics = MDB_stat()
        try LMDBStatus.check(mdb_env_info(handle, &information), "read the size of the map")
        try LMDBStatus.check(mdb_env_stat(handle, &statistics), "read the size of a page")
        let (used, overflow) = information.me_last_pgno.multipliedReportingOverflow(
            by: Int(statistics.ms_psize))
        guard !overflow, used < Int.max / 4 else {
            throw StoreFailure(.corrupt, "the database claims \(information.me_last_pgno) pages")
        }
        var size = mapBytes
        let isBounded = mapBytes < StoreOptions.mapBytesDefault
        let needed = isBounded ? 0 : min(Int(clamping: disk.total), Environment.mapBytesMax / 2)
        while size / 2 < used || size < needed {
            size *= 2
        }
        guard size > mapBytes else { return }
        try LMDBStatus.check(mdb_env_set_mapsize(handle, size), "grow the map")
    }

    /// Sees to it that every page that the database names is backed by the file. A page beyond its end could
    /// not be read as damage: touching it would end the process. Missing pages become zeros, which no
    /// checksum accepts.
    private func lengthen(_ path: String) throws(StoreFailure) {
        var information = MDB_envinfo()
        var statistics = MDB_stat()
        try LMDBStatus.check(mdb_env_info(handle, &information), "read the size of the database")
        try LMDBStatus.check(mdb_env_stat(handle, &statistics), "read the size of a page")
        let bytes = (information.me_last_pgno + 1) * Int(statistics.ms_psize)
        let files = PosixFileSystem()
        let size = Int(clamping: try files.size(of: path))
        guard size < bytes else { return }
        // A damaged number of pages must not fill the disk.
        guard bytes - size <= max(size, Environment.lengthenedMax) else {
            throw StoreFailure(.corrupt, "the database claims \(bytes) bytes, its file has \(size)")
        }
        try files.truncate(path, to: UInt64(bytes))
    }

    /// Looks at the tree of pages; only before anything is written.
    ///
    /// - Parameter pagesMax: read at most.
    /// - Throws: `corrupt`, without naming a record.
    func checkPages(in directory: String, pagesMax: Int = PageTree.pagesMax) throws(StoreFailure) {
        let size = try size()
        var tree = PageTree(
            try PosixFileSystem().reader(of: "\(directory)/data.mdb"), pageBytes: size.page,
            pages: UInt64(size.lastPage) + 1, pagesMax: pagesMax)
        _ = try tree.check(last: UInt64(try lastTransaction()))
    }

    /// Bytes by which a file that was cut is made whole again, or as many as it has. Unit: bytes.
    private static let lengthenedMax = 1 << 30

    /// Write transactions so far; the first ones create the tables.
    func lastTransaction() throws(StoreFailure) -> Int {
        var information = MDB_envinfo()
        try LMDBStatus.check(mdb_env_info(handle, &information), "read the last transaction")
        return information.me_last_txnid
    }

    /// Opens named tables, creating those that are not there; writes nothing when all are.
    ///
    /// - Throws: `corrupt` where one is missing although they were created long ago: its root is damaged, or
    ///   that of the table of tables, and a new table would pass for an empty chain.
    func tables(
        _ tables: [(name: String, identifier: UInt8)], checksumKey: SipHash.Key
    ) throws(StoreFailure) -> [Table] {
        let isNew = try lastTransaction() <= Environment.creatingTransactionsMax
        return try write { transaction throws(StoreFailure) in
            var opened: [Table] = []
            for (name, identifier) in tables {
                var handle: MDB_dbi = 0
                let flags = isNew ? CUnsignedInt(bitPattern: MDB_CREATE) : 0
                let status = mdb_dbi_open(try transaction.live(), name, flags, &handle)
                guard status != MDB_NOTFOUND else {
                    throw StoreFailure.corrupt(name, [], "the table is gone")
                }
                try LMDBStatus.check(status, "open table \(name)")
                opened.append(
                    Table(name: name, identifier: identifier, handle: handle, checksumKey: checksumKey))
            }
            return opened
        }
    }

    /// Opens one named table, creating it where it is not there.
    func table(
        _ name: String, _ identifier: UInt8, checksumKey: SipHash.Key
    ) throws(StoreFailure) -> Table {
        try tables([(name, identifier)], checksumKey: checksumKey)[0]
    }

    /// Unit: bytes.
    func mapBytes() throws(StoreFailure) -> Int {
        var information = MDB_envinfo()
        try LMDBStatus.check(mdb_env_info(handle, &information), "read the size of the map")
        return information.me_mapsize
    }

    /// How many commits the oldest snapshot in use, of any process, lies behind the last one: pages that
    /// became free since then cannot be used. `nil` when none is in use.
    func oldestSnapshotLag() throws(StoreFailure) -> UInt64? {
        var information = MDB_envinfo()
        try LMDBStatus.check(mdb_env_info(handle, &information), "read the last transaction")
        var oldest: UInt64?
        // A line a reader: process, thread, and the number of its transaction or a dash.
        let status = withUnsafeMutablePointer(to: &oldest) { oldest in
            mdb_reader_list(
                handle,
                { line, context in
                    let words = line.map { String(cString: $0) }?.split { $0 == " " || $0 == "\n" } ?? []
                    let oldest = context?.assumingMemoryBound(to: UInt64?.self)
                    if let number = words.last.flatMap({ UInt64($0) }), let oldest {
                        oldest.pointee = min(oldest.pointee ?? number, number)
                    }
                    return 0
                }, oldest)
        }
        guard status >= 0 else { throw LMDBStatus.failure(status, "list the readers") }
        return oldest.map { UInt64(information.me_last_txnid) - min(UInt64(information.me_last_txnid), $0) }
    }

    /// Runs `body` over a snapshot, which ends with it.
    func read<Result>(_ body: (ReadTransaction) throws -> Result) throws -> Result {
        var pointer: OpaquePointer?
        let status = mdb_txn_begin(handle, nil, CUnsignedInt(bitPattern: MDB_RDONLY), &pointer)
        guard status == MDB_SUCCESS, let pointer else {
            throw LMDBStatus.failure(status, "begin to read")
        }
        let transaction = ReadTransaction(pointer, pages)
        defer {
            transaction.handle = nil
            mdb_txn_abort(pointer)
        }
        return try body(transaction)
    }

    /// Runs `body` in a write transaction: durable when this returns, without effect when it throws.
    func write<Result>(
        _ body: (WriteTransaction) throws(StoreFailure) -> Result
    ) throws(StoreFailure) -> Result {
        if let first = latch.withLock({ $0 }) {
            throw StoreFailure(.latched, "nothing is written after a failed write", cause: first)
        }
        var pointer: OpaquePointer?
        let status = mdb_txn_begin(handle, nil, 0, &pointer)
        guard status == MDB_SUCCESS, let pointer else {
            throw latching(LMDBStatus.failure(status, "begin to write"))
        }
        let transaction = WriteTransaction(pointer, pages)
        let result: Result
        do {
            result = try body(transaction)
        } catch {
            transaction.handle = nil
            mdb_txn_abort(pointer)
            throw transaction.faulty ? latching(error) : error
        }
        transaction.handle = nil
        let committed = mdb_txn_commit(pointer)
        guard committed == MDB_SUCCESS else {
            let failure = LMDBStatus.failure(committed, "commit")
            throw LMDBStatus.latches(committed) ? latching(failure) : failure
        }
        return result
    }

    private func latching(_ failure: StoreFailure) -> StoreFailure {
        latch.withLock { $0 = $0 ?? failure }
        return failure
    }
}
