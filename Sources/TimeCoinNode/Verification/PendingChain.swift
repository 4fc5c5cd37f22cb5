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
    /// Where the outputs of a transaction are among those that a block created.
    private var creations: [Hash256: (commit: Int, places: Range<Int>)] = [:]
    /// Changed nodes of the tree over the spent bits; those of the mountain range are searched for where they
    /// are.
    private var spentNodes: [CommitmentNodeKey: Hash256] = [:]
    /// They say what is spent, whoever created it.
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
        note(commit)
        state = block.change.state
        commits.append(commit)
        return true
    }

    private mutating func note(_ commit: BlockCommit) {
        if creations.isEmpty { creations.reserveCapacity(PendingChain.transactionsMax) }
        var first = 0
        for (place, output) in commit.created.enumerated() {
            if output.outPoint.transaction != commit.created[first].outPoint.transaction { first = place }
            creations[output.outPoint.transaction] = (commits.count, first..<place + 1)
        }
        for (key, hash) in commit.nodes.reversed() {
            guard key.tree == .spent else { break }
            spentNodes[key] = hash
        }
        for (index, chunk) in commit.chunks { chunks[index] = chunk }
    }

    /// Bisects: the outputs of a transaction are in the order of their indexes, and there may be as many of
    /// them as a block holds, each of which the next block may spend.
    private func created(_ outPoint: OutPoint) -> OutputEntry? {
        guard let (commit, places) = creations[outPoint.transaction] else { return nil }
        let outputs = commits[commit].created
        var (low, high) = (places.lowerBound, places.upperBound)
        while low < high {
            let middle = (low + high) / 2
            if outputs[middle].outPoint.index < outPoint.index { low = middle + 1 } else { high = middle }
        }
        guard low < places.upperBound, outputs[low].outPoint.index == outPoint.index else { return nil }
        return outputs[low].entry
    }

    private func node(_ key: CommitmentNodeKey) -> Hash256? {
        guard key.tree == .outputs else { return spentNodes[key] }
        for commit in commits.reversed() {
            if let hash = PendingChain.search(commit.nodes, for: key) { return hash }
        }
        return nil
    }

    /// Bisects; nodes of an update are in the order of their keys.
    private static func search(
        _ nodes: [(key: CommitmentNodeKey, hash: Hash256)], for key: CommitmentNodeKey
    ) -> Hash256? {
        var (low, high) = (0, nodes.count)
        while low < high {
            let middle = (low + high) / 2
            if nodes[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low < nodes.count && nodes[low].key == key ? nodes[low].hash : nil
    }

    private func isSpent(_ position: UInt64) -> Bool {
        chunks[position / SpentChunk.positions]?.isSpent(position) ?? false
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
            guard let entry = try pending.created(outPoint) ?? base.output(outPoint),
                !pending.isSpent(entry.position)
            else { return nil }
            return entry
        }

        public func node(_ key: CommitmentNodeKey) throws -> Hash256? {
            if let hash = pending.node(key) { return hash }
            return try base.node(key)
        }

        public func chunk(_ index: UInt64) throws -> SpentChunk? {
            if let chunk = pending.chunks[index] { return chunk }
            return try base.chunk(index)
        }
    }
}
