/// What a node needs of a store: ``ChainStore`` keeps it on disk, ``MemoryChainStore`` in memory.
public protocol ChainStoring: Sendable {
    /// Drawn when the store was created; a signer's record with another number belongs to another database.
    var instance: UInt64 { get }

    /// Runs `body` over one unchanging view. Readers never wait for a writer.
    func snapshot<Result>(_ body: (any ChainReading) throws -> Result) throws -> Result

    /// Writes successive blocks, all or none; durable when it returns. The first block of a chain is its
    /// genesis.
    ///
    /// Call it from one thread at a time, never inside ``snapshot(_:)``.
    ///
    /// - Throws: ``StoreFailure``: `wrongHeight`, `missingOutput`, `duplicateOutput`, `invalidCommit`,
    ///   `wrongChain` for blocks that do not fit (nothing is written, the store stays usable); `io`, `full`
    ///   and `latched` for faults of the disk, after which no write succeeds; `corrupt`.
    func commit(_ blocks: [BlockCommit]) throws(StoreFailure)

    /// Takes back the last block: everything is as it was before it, byte for byte.
    ///
    /// - Returns: the new tip.
    /// - Throws: as ``commit(_:)``; `noUndo` for genesis and for blocks whose undo record is no longer kept.
    @discardableResult
    func rollbackTip() throws(StoreFailure) -> ChainTip

    /// How many commits the oldest snapshot in use lies behind the last one; `nil` when none is in use, or
    /// where a snapshot holds nothing back.
    func oldestSnapshotLag() throws(StoreFailure) -> UInt64?
}

extension ChainStoring {
    public func oldestSnapshotLag() throws(StoreFailure) -> UInt64? { nil }
}

/// How a store keeps its chain.
public struct StoreOptions: Hashable, Sendable {
    /// Undo records of at least this many blocks are kept. Unit: blocks.
    public static let undoBlocksMin: UInt64 = 1000
    /// Undo records of at least this many slots are kept. Unit: slots.
    public static let undoSlotsMin: UInt64 = 144
    /// Undo records dropped by the writing of one block, at most. Unit: records.
    static let undoDroppedMax = 4
    /// Chunks of 2,048 positions of which the writing of one block deletes the spent outputs, at most.
    static let chunksSweptMax = 16
    /// Largest size of a database file: address space, not memory and not disk. Unit: bytes.
    public static let mapBytesDefault = 64 << 30

    /// Whether unspent outputs and transactions can be found by their locking script. Fixed when the store is
    /// created.
    public var addressIndex = true
    public var undoBlocks = undoBlocksMin
    public var undoSlots = undoSlotsMin
    /// Unit: bytes.
    public var mapBytes = mapBytesDefault
    /// The instance number of a new store; `nil` draws one.
    public var instance: UInt64?

    public init() {}
}
