extension Environment {
    /// Name of the file of LMDB in its directory.
    private static let fileName = "data.mdb"
    /// Where LMDB 0.9.24 keeps the number of the transaction in a page that names the tables: header of the
    /// page 16, then 128 of 136 bytes of `MDB_meta`. Unit: bytes.
    private static let transactionOffset: UInt64 = 144
    /// The smallest page of LMDB on the machines this runs on. Unit: bytes.
    private static let pageBytesMin: UInt64 = 4096
    /// Its largest, of which a new database has two. Unit: bytes.
    private static let pageBytesMax: UInt64 = 64 << 10

    /// Removes a file that a crash met while it was created, which LMDB would refuse for ever.
    ///
    /// LMDB writes the first two pages and syncs them with the first commit, which adds a third. A file
    /// without a third page, and without the number of a transaction in any place where one may stand, has
    /// never had a commit.
    static func removeUnborn(in directory: String) throws(StoreFailure) {
        let files = PosixFileSystem()
        guard try files.names(in: directory)?.contains(fileName) == true else { return }
        let path = "\(directory)/\(fileName)"
        let size = try files.size(of: path)
        guard size > 0, size <= 2 * pageBytesMax else { return }
        var page: UInt64 = 0
        while page < size {
            let number = try files.read(path, from: page + transactionOffset, count: 8)
            guard number.allSatisfy({ $0 == 0 }) else { return }
            page += pageBytesMin
        }
        try files.remove(path)
    }
}
