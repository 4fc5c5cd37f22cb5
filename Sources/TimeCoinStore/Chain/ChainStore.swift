public import TimeCoinCore

/// A chain on disk, in LMDB: one write transaction for what is decided together, durable when ``commit(_:)``
/// returns.
///
/// One instance at a time has a directory open; the lock lasts as long as the store. After the first failed
/// write every later one is refused.
public final class ChainStore: ChainStoring {
    public let instance: UInt64
    /// Hash of the genesis block.
    public let chain: Hash256

    private let lock: any DirectoryLocking
    let environment: Environment
    let tables: ChainTables
    let options: StoreOptions
    let hot: HotBlocks
    let confirmations: Confirmations

    /// Opens a database, creating it where there is none, and checks its last blocks.
    ///
    /// - Parameters:
    ///   - directory: created with its parents when missing; nothing else may be kept in it.
    ///   - chain: hash of the genesis block.
    /// - Throws: ``StoreFailure``: `locked`, `wrongChain`, `wrongOptions`, `formatTooNew`, `formatTooOld`,
    ///   `networkFileSystem`, `corrupt`, `io`, `full`.
    public convenience init(
        opening directory: String, chain: Hash256, options: StoreOptions = StoreOptions()
    ) throws(StoreFailure) {
        try self.init(opening: directory, chain: chain, options: options, checking: true)
    }

    /// - Parameter checking: whether the last blocks are looked at. Only who reads a damaged database, and
    ///   verifies what is read, goes without.
    package init(
        opening directory: String, chain: Hash256, options: StoreOptions, checking: Bool
    ) throws(StoreFailure) {
        let files = PosixFileSystem()
        try files.createDirectory(directory)
        lock = try files.lock(directory)
        environment = try Environment(directory: directory, mapBytes: options.mapBytes)
        if checking { try environment.checkPages(in: directory) }
        let identity = try ChainStore.identity(environment, chain: chain, options)
        try identity.check(chain: chain, options)
        tables = try ChainTables(environment, checksumKey: identity.checksumKey)
        try files.syncDirectory(directory)
        instance = identity.instance
        self.chain = chain
        self.options = options
        hot = HotBlocks()
        confirmations = Confirmations()
        if checking { try check() }
    }

    static func identity(
        _ environment: Environment, chain: Hash256, _ options: StoreOptions
    ) throws(StoreFailure) -> ChainIdentity {
        let table = try environment.table(ChainIdentity.tableName, 0, checksumKey: .zero)
        let isNew = try environment.lastTransaction() <= 1
        return try environment.write { transaction throws(StoreFailure) in
            if let bytes = try transaction.record(table, ChainIdentity.key) {
                return try ChainIdentity(decoding: bytes)
            }
            guard isNew else { throw table.corrupt(ChainIdentity.key, "missing") }
            let instance = options.instance ?? UInt64.random(in: 1...UInt64.max)
            let identity = ChainIdentity(chain: chain, instance: instance, addressIndex: options.addressIndex)
            _ = try transaction.put(identity.encoded, table, ChainIdentity.key)
            return identity
        }
    }

    private func check() throws(StoreFailure) {
        do {
            try environment.read { transaction in
                let reader = reader(transaction)
                try StartCheck(reader).run()
                // An old table of tables would pass for a chain that was never begun.
                let isNew = try environment.lastTransaction() <= Environment.creatingTransactionsMax + 1
                guard try isNew || reader.tip() != nil else {
                    throw tables.state.corrupt(ChainTables.tipKey, "missing after the first block")
                }
            }
        } catch let failure as StoreFailure {
            throw failure
        } catch {
            throw StoreFailure(.corrupt, "the check of the last blocks failed", cause: error)
        }
    }

    private func reader(_ transaction: ReadTransaction) -> ChainReader {
        ChainReader(transaction: transaction, tables: tables, addressIndex: options.addressIndex)
    }

    public func snapshot<Result>(_ body: (any ChainReading) throws -> Result) throws -> Result {
        let stamp = hot.stamp
        return try reading { reader in
            var reader = reader
            reader.confirmations = confirmations
            if let tip = try reader.tip() {
                reader.hot = HotBlocks.View(hot, since: stamp, tip: tip.height)
            }
            return try body(reader)
        }
    }

    /// Over the database alone.
    func reading<Result>(_ body: (ChainReader) throws -> Result) throws -> Result {
        try environment.read { try body(reader($0)) }
    }

    public func commit(_ blocks: [BlockCommit]) throws(StoreFailure) {
        try environment.write { transaction throws(StoreFailure) in
            let writer = ChainWriter(transaction, tables, options)
            for block in blocks {
                try writer.apply(block, chain: chain)
            }
            if !blocks.isEmpty { try writer.finish() }
        }
    }

    public func oldestSnapshotLag() throws(StoreFailure) -> UInt64? { try environment.oldestSnapshotLag() }

    @discardableResult
    public func rollbackTip() throws(StoreFailure) -> ChainTip {
        try hot.changing { () throws(StoreFailure) in
            defer { confirmations.removeAll() }
            return try environment.write { transaction throws(StoreFailure) in
                let writer = ChainWriter(transaction, tables, options)
                let tip = try writer.rollback()
                try writer.finish()
                return tip
            }
        }
    }
}
