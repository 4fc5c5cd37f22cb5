/// Shows to somebody without the chain that an output exists and is unspent after a block, or that it was
/// created and is spent by then. A claim; ``verify(against:)`` is the check.
///
/// The output is a leaf of the mountain range over everything ever created, and a bit of a chunk under the
/// spent range says whether it is spent; both roots are in the output commitment, which is one of the parts
/// of the state root in the header.
public struct OutputProof: Hashable, Sendable {
    public let outPoint: OutPoint
    public let entry: OutputEntry
    /// The commitment to all outputs after the block.
    public let commitment: OutputCommitment
    /// From the output's leaf to the range root.
    public let outputPath: RangePath
    /// Which outputs are spent around this one.
    public let chunk: SpentChunk
    /// From the chunk to the spent root.
    public let chunkPath: RangePath
    /// The parts of the state root behind the commitment, in their order.
    public let otherParts: [Hash256]
    /// That the header is final.
    public let finality: FinalityProof
    /// From the set that is trusted to that of the header; empty where it is the same.
    public let validatorPath: ValidatorPath

    public static let version: UInt8 = 1
    /// Parts of a state root beside the commitment.
    static let otherPartCount = 5
    /// Bytes of an encoded proof at most.
    public static let bytesMax =
        1 + OutPoint.byteCount + OutputEntry.bytesMax + OutputCommitment.byteCount + 2 * RangePath.bytesMax
        + SpentChunk.byteCount + otherPartCount * Hash256.byteCount + FinalityProof.bytesMax
        + ValidatorPath.listBytesMax

    /// Makes the proof for an output of the state after a block.
    ///
    /// - Parameters:
    ///   - entry: what the state has or had under this name, spent or not.
    ///   - state: the state after the block.
    ///   - nodes: the kept nodes of that state's commitment.
    ///   - finality: of the block that made the state.
    ///   - path: from a set that the reader trusts to that of the block, where they differ.
    /// - Throws: ``CommitmentFailure``: `missingNode` where nodes were pruned, `unknownPosition`,
    ///   and `otherState` where the result would not verify; or what `nodes` throws.
    public init(
        of outPoint: OutPoint, _ entry: OutputEntry, in state: ChainState, nodes: some CommitmentNodes,
        finality: FinalityProof, validatorPath path: ValidatorPath = .empty
    ) throws {
        let count = state.commitment.leafCount
        let outputs = try RangePath(of: entry.position, count: count, in: .outputs, nodes)
        let chunk = entry.position / SpentChunk.positions
        let proof = OutputProof(
            outPoint: outPoint, entry: entry, commitment: state.commitment, outputPath: outputs,
            chunk: try nodes.chunk(chunk) ?? .empty,
            chunkPath: try RangePath(
                of: chunk, count: OutputCommitment.chunkCount(count), in: .spent, nodes),
            otherParts: state.roots.parts.dropFirst().map(\.hash), finality: finality, validatorPath: path)
        // Nodes may be damaged, and after a recovery the state is not the one that the header commits to.
        guard (try? proof.stateRoot()) == finality.header.stateRoot else {
            throw CommitmentFailure.otherState
        }
        self = proof
    }

    init(
        outPoint: OutPoint, entry: OutputEntry, commitment: OutputCommitment, outputPath: RangePath,
        chunk: SpentChunk, chunkPath: RangePath, otherParts: [Hash256], finality: FinalityProof,
        validatorPath: ValidatorPath
    ) {
        self.outPoint = outPoint
        self.entry = entry
        self.commitment = commitment
        self.outputPath = outputPath
        self.chunk = chunk
        self.chunkPath = chunkPath
        self.otherParts = otherParts
        self.finality = finality
        self.validatorPath = validatorPath
    }

    /// Whether it says that the output is spent.
    package var claimsSpent: Bool { chunk.isSpent(entry.position) }

    /// Verifies everything against what is trusted.
    ///
    /// - Parameter anchor: the set of the header's height, or that at the beginning of ``validatorPath``.
    /// - Returns: the output, with whether it is spent after the block of the proof.
    public func verify(against anchor: TrustAnchor) throws(ProofRejection) -> FinalOutput {
        let block = try finality.verify(against: try validatorPath.verify(from: anchor))
        guard try stateRoot() == block.header.stateRoot else { throw .otherState }
        return FinalOutput(
            outPoint: outPoint, entry: entry, isSpent: claimsSpent, block: block)
    }

    /// The state root that the parts lead to, whoever has signed it.
    private func stateRoot() throws(ProofRejection) -> Hash256 {
        let count = commitment.leafCount
        let leaf = entry.leaf(for: outPoint)
        guard outputPath.root(of: leaf, at: entry.position, count: count) == commitment.rangeRoot else {
            throw .notAmongOutputs
        }
        let root = chunkPath.root(
            of: chunk.hash, at: entry.position / SpentChunk.positions,
            count: OutputCommitment.chunkCount(count))
        guard root == commitment.spentRoot else { throw .otherSpentOutputs }
        return StateRoots.root(of: [commitment.hash] + otherParts)
    }
}

extension OutputProof {
    /// Version, outpoint, entry, commitment, path of the output, chunk, path of the chunk, other parts,
    /// finality, steps.
    public var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 4096)
        writer.write(OutputProof.version)
        writer.write(outPoint)
        entry.encode(into: &writer)
        commitment.encode(into: &writer)
        outputPath.encode(into: &writer)
        writer.write(raw: chunk.bytes)
        chunkPath.encode(into: &writer)
        for part in otherParts { writer.write(part) }
        finality.encode(into: &writer)
        validatorPath.encode(into: &writer)
        return writer.bytes
    }

    /// Decodes exactly one proof; nothing of it is verified yet.
    public init(decoding bytes: [UInt8]) throws(ProofRejection) {
        self = try ProofRejection.decode(bytes, version: OutputProof.version) {
            reader throws(DecodingFailure) in try OutputProof(from: &reader)
        }
    }

    private init(from reader: inout ByteReader) throws(DecodingFailure) {
        outPoint = try reader.readOutPoint()
        entry = try OutputEntry(from: &reader)
        commitment = try OutputCommitment(from: &reader)
        let (position, count) = (entry.position, commitment.leafCount)
        outputPath = try RangePath(from: &reader, of: position, count: count)
        guard let chunk = SpentChunk(try reader.readRaw(SpentChunk.byteCount)) else {
            throw reader.failure(.truncated)
        }
        self.chunk = chunk
        chunkPath = try RangePath(
            from: &reader, of: position / SpentChunk.positions, count: OutputCommitment.chunkCount(count))
        var parts: [Hash256] = []
        for _ in 0..<OutputProof.otherPartCount { parts.append(try reader.readHash()) }
        otherParts = parts
        finality = try FinalityProof(from: &reader)
        validatorPath = try ValidatorPath(from: &reader)
    }
}

/// An output that is known to have been created; its only constructor is a verified proof.
public struct FinalOutput: Hashable, Sendable {
    public let outPoint: OutPoint
    public let entry: OutputEntry
    /// Whether it is spent after the block; an unspent one may be spent in any later block.
    public let isSpent: Bool
    /// The block after which it is so.
    public let block: FinalHeader

    fileprivate init(outPoint: OutPoint, entry: OutputEntry, isSpent: Bool, block: FinalHeader) {
        self.outPoint = outPoint
        self.entry = entry
        self.isSpent = isSpent
        self.block = block
    }

    /// The height after whose block the proof speaks.
    public var height: Height { block.header.height }
}
