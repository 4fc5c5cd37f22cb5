import CLMDB

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What LMDB calls return, turned into failures in one place.
enum LMDBStatus {
    /// - Parameter action: for the message; not put together when nothing is wrong.
    static func check(_ status: CInt, _ action: @autoclosure () -> String) throws(StoreFailure) {
        guard status == MDB_SUCCESS else { throw failure(status, action()) }
    }

    static func failure(_ status: CInt, _ action: String) -> StoreFailure {
        let reason = mdb_strerror(status).map { String(cString: $0) } ?? "unknown"
        let message = "\(action): \(reason) (\(status))"
        switch status {
        case MDB_MAP_FULL:
            return StoreFailure(
                .full, "\(message); start again: the map is doubled while half of it is in use")
        case ENOSPC, EDQUOT:
            return StoreFailure(.full, message)
        case MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_INVALID, MDB_CURSOR_FULL, MDB_INCOMPATIBLE,
            MDB_BAD_VALSIZE:
            return StoreFailure(.corrupt, message)
        case MDB_VERSION_MISMATCH:
            return StoreFailure(
                .formatTooNew, "\(message); another version of LMDB wrote this database: use that one")
        default:
            return StoreFailure(.io, message)
        }
    }

    /// Whether a failed write leaves doubt about what is on disk. A full map does not: LMDB notices it before
    /// it writes anything.
    static func latches(_ status: CInt) -> Bool { status != MDB_SUCCESS && status != MDB_MAP_FULL }
}
