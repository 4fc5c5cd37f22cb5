public import TimeCoinCore
public import TimeCoinStore

/// Judged blocks that follow a store's tip and are not written yet, so that several can be judged, each on
/// the one before, and then written in one transaction.
///
/// A value: the host appends what ``BlockVerifier/judge(_:on:after:)`` accepted, writes ``commits`` when it
/// ``isFull`` or has no more, and begins anew. Until the write is durable none of its blocks may be
/// acknowledged.
public struct PendingChain: Sendable {
    /// Unit: blocks.
    public static let blocksMax = 16
    /// Each transaction changes a page of its own in the worst case, which LMDB holds in memory until the
    /// write ends: 30,000 are at most 120 MB. Unit: transactions.
    public static let transactionsMax = 30_000
    /// What one batch appends: its blocks, and about twice as much again of outputs, leaves and undo records.
    /// Unit: bytes of encoded blocks.
    public static let bytesMax = 16 << 20

    /// What ``ChainStoring/commit(_:)`` writes, in order.
    public private(set) var commits: [BlockCommit] = []
    /// The state after the last of them; `nil` while there is none.
    public private(set) var state: ChainState?
    private var transactionCount = 0
    private var byteCount = 0
    private var created: [OutPoint: OutputEntry] = [:]
    private var spent: Set<OutPoint> = []
    private var nodes: [CommitmentNodeKey: Hash256] = [:]
    private var chunks: [UInt64: SpentChunk] = [:]

    public init() {}

    public var isEmpty: Bool { commits.isEmpty }

    /// Whether it is time to write: one of the limits is reached. A single block may be larger than them.
    public var isFull: Bool {
        commits.count >= PendingChain.blocksMax || transactionCount >= PendingChain.transactionsMax
            || byteCount >= PendingChain.bytesMax
    }

    /// Takes a block that was judged after all that are here already.
    ///
    /// - Parameter certificate: the encoded commit certificate of the block.
    /// - Returns: `false`, and nothing changes, when the block does not follow the last one.
    public mutating func append(_ block: ExecutedBlock, certificate: [UInt8]) -> Bool {
        if let state {
            guard block.change.state.header.previous == state.headerHash else { return false }
        }
        let commit = BlockCommit(block.block, change: block.change, certificate: certificate)
        transactionCount += commit.transactions.count
        byteCount += commit.block.count
        for (outPoint, _) in commit.spent {
            created[outPoint] = nil
            // Also of what a pending block created: a snapshot taken after a write may have it.
            spent.insert(outPoint)
        }
        for (outPoint, entry) in commit.created { created[outPoint] = entry }
        for (key, hash) in commit.nodes { nodes[key] = hash }
        for (index, chunk) in commit.chunks { chunks[index] = chunk }
        state = block.change.state
        commits.append(commit)
        return true
    }

    /// The parent of the next block as its judgement reads it.
    ///
    /// - Parameter base: a snapshot of the store that the first pending block follows.
    public func over(_ base: any OutputSource & CommitmentNodes) -> PendingView {
        PendingView(pending: self, base: base)
    }

    /// A snapshot of a store as if the pending blocks were written.
    public struct PendingView: OutputSource, CommitmentNodes {
        fileprivate let pending: PendingChain
        fileprivate let base: any OutputSource & CommitmentNodes

        public func output(_ outPoint: OutPoint) throws -> OutputEntry? {
            if let entry = pending.created[outPoint] { return entry }
            return pending.spent.contains(outPoint) ? nil : try base.output(outPoint)
        }

        public func node(_ key: CommitmentNodeKey) throws -> Hash256? {
            if let hash = pending.nodes[key] { return hash }
            return try base.node(key)
        }

        public func chunk(_ index: UInt64) throws -> SpentChunk? {
            if let chunk = pending.chunks[index] { return chunk }
            return try base.chunk(index)
        }
    }
}
