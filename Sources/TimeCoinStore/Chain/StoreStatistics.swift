public import TimeCoinCore

/// What a database says of itself and its size.
public struct StoreStatistics: Hashable, Sendable {
    /// A table of the database.
    public struct Table: Hashable, Sendable {
        public let name: String
        public let records: UInt64
        /// Unit: bytes, in whole pages.
        public let bytes: UInt64
    }

    /// The format of the records.
    public let format: UInt32
    /// Hash of the genesis block.
    public let chain: Hash256
    public let instance: UInt64
    /// Whether unspent outputs can be found by their locking script.
    public let addressIndex: Bool
    /// `nil` before genesis is written.
    public let tip: ChainTip?
    /// From where on there is history.
    public let base: HistoryBase
    /// In order of their names.
    public let tables: [Table]
    /// Unit: bytes.
    public let pageBytes: UInt64
    /// Bytes of the database's file.
    public let fileBytes: UInt64
    /// Bytes up to the last page in use, free pages below it included.
    public let usedBytes: UInt64
    /// What the file can grow to before it is opened anew. Unit: bytes.
    public let mapBytes: UInt64
}

extension ChainStore {
    /// Counts of every table, and sizes.
    ///
    /// - Parameter directory: the one that the store was opened with.
    /// - Throws: ``StoreFailure``.
    public func statistics(in directory: String) throws -> StoreStatistics {
        let size = try environment.size()
        let file = try PosixFileSystem().size(of: "\(directory)/\(ChainStore.fileName)")
        return try environment.read { transaction in
            let reader = ChainReader(
                transaction: transaction, tables: tables, addressIndex: options.addressIndex)
            return StoreStatistics(
                format: ChainIdentity.currentFormat, chain: chain, instance: instance,
                addressIndex: options.addressIndex, tip: try reader.tip(),
                base: try reader.base(),
                tables: try transaction.tablePages().map {
                    StoreStatistics.Table(
                        name: $0.name, records: $0.records,
                        bytes: $0.pages.multipliedReportingOverflow(by: UInt64(size.page)).partialValue)
                },
                pageBytes: UInt64(size.page), fileBytes: file,
                usedBytes: UInt64(size.lastPage + 1).multipliedReportingOverflow(by: UInt64(size.page))
                    .partialValue,
                mapBytes: UInt64(size.map))
        }
    }
}
