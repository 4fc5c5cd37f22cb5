/// One hash for the whole set of outputs: every output ever created is a leaf of a mountain range and never
/// moves,
/// and a bitmap under its own tree says which are spent.
public struct OutputCommitment: Hashable, Sendable {
    /// Outputs ever created.
    public let leafCount: UInt64
    public let rangeRoot: Hash256
    public let spentRoot: Hash256

    /// The commitment of a chain that has created nothing.
    public static let empty: OutputCommitment = {
        var writer = ByteWriter()
        writer.write(UInt64(0))
        let root = Blake2b.hash256(.rangeRoot, writer.bytes)
        return OutputCommitment(leafCount: 0, rangeRoot: root, spentRoot: root)
    }()

    public init(leafCount: UInt64, rangeRoot: Hash256, spentRoot: Hash256) {
        self.leafCount = leafCount
        self.rangeRoot = rangeRoot
        self.spentRoot = spentRoot
    }

    public var hash: Hash256 {
        var writer = ByteWriter(reserving: OutputCommitment.byteCount)
        encode(into: &writer)
        return Blake2b.hash256(.outputCommitment, writer.bytes)
    }

    /// Bytes of an encoded commitment.
    static let byteCount = 8 + 2 * Hash256.byteCount

    /// Leaf count, range root, spent root.
    func encode(into writer: inout ByteWriter) {
        writer.write(leafCount)
        writer.write(rangeRoot)
        writer.write(spentRoot)
    }

    init(from reader: inout ByteReader) throws(DecodingFailure) {
        leafCount = try reader.readInteger()
        rangeRoot = try reader.readHash()
        spentRoot = try reader.readHash()
    }

    /// What applying a block changed.
    public struct Update: Sendable {
        public let commitment: OutputCommitment
        public let nodes: [(key: CommitmentNodeKey, hash: Hash256)]
        public let chunks: [(index: UInt64, chunk: SpentChunk)]
    }

    /// Appends the leaves of created outputs and marks spent positions, of which some may be new.
    ///
    /// - Parameter nodes: the kept nodes of this commitment.
    /// - Throws: ``CommitmentFailure``, or what `nodes` throws.
    public func updated(
        appending leaves: [Hash256], spending positions: [UInt64], nodes: some CommitmentNodes
    ) throws -> Update {
        var range = MountainRange(.outputs, count: leafCount, nodes: nodes)
        range.append(leaves)
        let (rangeRoot, rangeNodes) = try range.finish()
        let newCount = leafCount + UInt64(leaves.count)
        let chunks = try chunks(marking: positions, below: newCount, in: nodes)
        var spent = MountainRange(.spent, count: OutputCommitment.chunkCount(leafCount), nodes: nodes)
        for (index, chunk) in chunks {
            spent.set(chunk.hash, at: index)
        }
        let (spentRoot, spentNodes) = try spent.finish()
        return Update(
            commitment: OutputCommitment(leafCount: newCount, rangeRoot: rangeRoot, spentRoot: spentRoot),
            nodes: rangeNodes + spentNodes, chunks: chunks)
    }

    /// Chunks of the spent bitmap over that many leaves.
    static func chunkCount(_ leafCount: UInt64) -> UInt64 {
        leafCount / SpentChunk.positions + (leafCount.isMultiple(of: SpentChunk.positions) ? 0 : 1)
    }

    /// Chunks that begin with this block or in which a position was marked, in order.
    private func chunks(
        marking positions: [UInt64], below newCount: UInt64, in nodes: some CommitmentNodes
    ) throws -> [(index: UInt64, chunk: SpentChunk)] {
        var chunks: [UInt64: SpentChunk] = [:]
        for index in OutputCommitment.chunkCount(leafCount)..<OutputCommitment.chunkCount(newCount) {
            chunks[index] = .empty
        }
        // Positions of a block lie close together, so the chunk at hand is mostly the right one.
        var current: (index: UInt64, chunk: SpentChunk)?
        for position in positions {
            guard position < newCount else { throw CommitmentFailure.unknownPosition(position) }
            let index = position / SpentChunk.positions
            if current?.index != index {
                if let current { chunks[current.index] = current.chunk }
                // Taken out, so that marking it does not copy it.
                current = (index, try chunks.removeValue(forKey: index) ?? nodes.chunk(index) ?? .empty)
            }
            guard current?.chunk.isSpent(position) == false else {
                throw CommitmentFailure.spentTwice(position)
            }
            current?.chunk.mark(position)
        }
        if let current { chunks[current.index] = current.chunk }
        return chunks.sorted { $0.key < $1.key }.map { (index: $0.key, chunk: $0.value) }
    }
}
