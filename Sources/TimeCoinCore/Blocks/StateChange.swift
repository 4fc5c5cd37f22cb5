/// What executing a block does to the state: the one thing that a store has to write.
public struct StateChange: Sendable {
    public let state: ChainState
    /// Outputs that exist after the block and did not before, in order of their commitment positions.
    public let created: [(outPoint: OutPoint, entry: OutputEntry)]
    /// Outputs that existed before the block and are gone, in order of spending.
    public let spent: [(outPoint: OutPoint, entry: OutputEntry)]
    /// Changed nodes of the output commitment.
    public let nodes: [(key: CommitmentNodeKey, hash: Hash256)]
    /// Changed chunks of the spent bitmap.
    public let chunks: [(index: UInt64, chunk: SpentChunk)]
}
