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
    /// The identifiers of its transactions, in order.
    public let transactions: [Hash256]
    /// Outputs that exist after the block and did not before; each was created by one of ``transactions``.
    public let created: [(outPoint: OutPoint, entry: OutputEntry)]
    /// Outputs that existed before the block and are gone.
    public let spent: [(outPoint: OutPoint, entry: OutputEntry)]
    /// Changed nodes of the output commitment.
    public let nodes: [(key: CommitmentNodeKey, hash: Hash256)]
    /// Changed chunks of the spent bitmap.
    public let chunks: [(index: UInt64, chunk: SpentChunk)]
    /// Leaves of the output commitment after the block.
    public let leafCount: UInt64
    /// The encoded state after the block; the store does not read it.
    public let state: [UInt8]

    public var height: Height { header.height }

    public init(
        header: BlockHeader, block: [UInt8], certificate: [UInt8], transactions: [Hash256],
        created: [(outPoint: OutPoint, entry: OutputEntry)],
        spent: [(outPoint: OutPoint, entry: OutputEntry)],
        nodes: [(key: CommitmentNodeKey, hash: Hash256)], chunks: [(index: UInt64, chunk: SpentChunk)],
        leafCount: UInt64, state: [UInt8]
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
    }

    /// What an executed block, or a genesis, writes.
    public init(_ block: CheckedBlock, change: StateChange, certificate: [UInt8]) {
        self.init(
            header: block.header, block: block.encoded, certificate: certificate,
            transactions: block.transactions.map(\.txid), created: change.created, spent: change.spent,
            nodes: change.nodes, chunks: change.chunks, leafCount: change.state.commitment.leafCount,
            state: change.state.encoded)
    }
}
