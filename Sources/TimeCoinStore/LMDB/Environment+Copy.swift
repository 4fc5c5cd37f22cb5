import CLMDB

/// Pages of a table, as LMDB counts them.
struct TablePages {
    let name: String
    let records: UInt64
    let pages: UInt64
}

/// The size of an environment.
struct EnvironmentSize {
    /// Unit: bytes.
    let page: Int
    /// The last page in use, counted from 0.
    let lastPage: Int
    /// Unit: bytes.
    let map: Int
}

extension Environment {
    /// Writes what is committed now into another directory, without the pages that are free, while others
    /// read and write here. Nothing of it is synced yet.
    ///
    /// - Parameter directory: exists and is empty.
    func copy(to directory: String) throws(StoreFailure) {
        try LMDBStatus.check(
            mdb_env_copy2(handle, directory, CUnsignedInt(MDB_CP_COMPACT)),
            "copy the database to \(directory)")
    }

    func size() throws(StoreFailure) -> EnvironmentSize {
        var information = MDB_envinfo()
        var statistics = MDB_stat()
        try LMDBStatus.check(mdb_env_info(handle, &information), "read the size of the database")
        try LMDBStatus.check(mdb_env_stat(handle, &statistics), "read the size of a page")
        return EnvironmentSize(
            page: Int(statistics.ms_psize), lastPage: information.me_last_pgno, map: information.me_mapsize)
    }
}

extension ReadTransaction {
    /// The tables that the environment names, whoever made them, in order of their names.
    final func tablePages() throws(StoreFailure) -> [TablePages] {
        let transaction = try live()
        var main: MDB_dbi = 0
        try LMDBStatus.check(mdb_dbi_open(transaction, nil, 0, &main), "open the table of tables")
        var tables: [TablePages] = []
        for name in try names(in: main) {
            var table: MDB_dbi = 0
            var statistics = MDB_stat()
            try LMDBStatus.check(mdb_dbi_open(transaction, name, 0, &table), "open table \(name)")
            try LMDBStatus.check(mdb_stat(transaction, table, &statistics), "count \(name)")
            let pages =
                statistics.ms_branch_pages + statistics.ms_leaf_pages + statistics.ms_overflow_pages
            tables.append(
                TablePages(name: name, records: UInt64(statistics.ms_entries), pages: UInt64(pages)))
        }
        return tables
    }

    private final func names(in main: MDB_dbi) throws(StoreFailure) -> [String] {
        var cursor: OpaquePointer?
        try LMDBStatus.check(mdb_cursor_open(try live(), main, &cursor), "list the tables")
        guard let cursor else { throw StoreFailure(.io, "no cursor on the table of tables") }
        defer { mdb_cursor_close(cursor) }
        var names: [String] = []
        var key = MDB_val()
        var value = MDB_val()
        var status = mdb_cursor_get(cursor, &key, &value, MDB_FIRST)
        while status == MDB_SUCCESS, names.count < Int(Environment.tablesMax) {
            names.append(String(decoding: key.bytes, as: UTF8.self))
            status = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)
        }
        guard status == MDB_SUCCESS || status == MDB_NOTFOUND else {
            throw LMDBStatus.failure(status, "list the tables")
        }
        return names
    }
}
