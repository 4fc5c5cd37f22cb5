public import TimeCoinCore

/// Everything that one decided block writes, in one piece.
public struct BlockCommit: Sendable {
    public let header: BlockHeader
    /// The name of the block.
    public let hash: Hash256
    /// The encoded block, header included.
    public let block: [UInt8]
    /// The encoded certificate; empty for genesis.
    public let certificate: [UInt8]
    /// Its transactions, in order.
    public let transactions: [CommittedTransaction]
    /// Outputs that exist after the block and did not before, in the order of their positions; each was
    /// created by one of ``transactions``.
    public let created: [(outPoint: OutPoint, entry: OutputEntry)]
    /// Outputs that existed before the block and are gone.
    public let spent: [(outPoint: OutPoint, entry: OutputEntry)]
    /// Changed nodes of the output commitment; among them a leaf for every output that the block created,
    /// in order.
    public let nodes: [(key: CommitmentNodeKey, hash: Hash256)]
    /// Changed chunks of the spent bitmap, in order.
    public let chunks: [(index: UInt64, chunk: SpentChunk)]
    /// Leaves of the output commitment after the block.
    public let leafCount: UInt64
    /// The encoded state after the block; the store does not read it.
    public let state: [UInt8]
    /// The set that decides the next height; `nil` leaves it out of the store.
    public let validators: ValidatorSet?

    public var height: Height { header.height }

    public init(
        header: BlockHeader, block: [UInt8], certificate: [UInt8], transactions: [CommittedTransaction],
        created: [(outPoint: OutPoint, entry: OutputEntry)],
        spent: [(outPoint: OutPoint, entry: OutputEntry)],
        nodes: [(key: CommitmentNodeKey, hash: Hash256)], chunks: [(index: UInt64, chunk: SpentChunk)],
        leafCount: UInt64, state: [UInt8], validators: ValidatorSet? = nil
    ) {
        self.header = header
        self.hash = header.hash
        self.block = block
        self.certificate = certificate
        self.transactions = transactions
        self.created = created
        self.spent = spent
        self.nodes = nodes
        self.chunks = chunks
        self.leafCount = leafCount
        self.state = state
        self.validators = validators
    }

    /// What an executed block, or a genesis, writes.
    public init(_ block: CheckedBlock, change: StateChange, certificate: [UInt8]) {
        let after = change.state.commitment.leafCount
        let added = change.nodes.count { BlockCommit.isLeaf($0.key) }
        self.init(
            header: block.header, block: block.encoded, certificate: certificate,
            transactions: CommittedTransaction.transactions(
                of: block, leafCount: after - min(after, UInt64(added)), spent: change.spent),
            created: change.created, spent: change.spent,
            nodes: change.nodes, chunks: change.chunks, leafCount: after,
            state: change.state.encoded, validators: change.state.validators)
    }

    static func isLeaf(_ key: CommitmentNodeKey) -> Bool { key.tree == .outputs && key.level == 0 }
}
