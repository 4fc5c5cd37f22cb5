public import TimeCoinCore

/// What a snapshot of a chain says of itself: the certified header, the state under it, and a hash for each
/// of its segments.
///
/// A claim; ``VerifiedSnapshot`` is the check. It is checked whole against the header before any segment is
/// read, so that each segment can be checked by itself when it comes.
public struct SnapshotManifest: Hashable, Sendable {
    public let header: BlockHeader
    /// The encoded commit certificate; empty for genesis.
    public let certificate: [UInt8]
    /// The encoded state after the block.
    public let state: [UInt8]
    /// The node of the output commitment above each whole segment, in order.
    public let segments: [Hash256]
    /// The peaks of the segment that is not full, from the highest to the lowest.
    public let peaks: [Hash256]
    /// The hash of the spent bits of each segment, in order.
    public let chunks: [Hash256]

    public static let version: UInt32 = 1
    /// Outputs in a segment: as many as a chunk of spent bits covers.
    public static let segmentPositions = SpentChunk.positions
    /// Level of the node above a whole segment.
    static let segmentLevel: UInt8 = 11
    /// Segments at most: 8.6 thousand million outputs.
    static let segmentsMax = 1 << 22
    /// Bytes of an encoded manifest at most.
    public static let bytesMax = 1 << 28

    public init(
        header: BlockHeader, certificate: [UInt8], state: [UInt8], segments: [Hash256], peaks: [Hash256],
        chunks: [Hash256]
    ) {
        self.header = header
        self.certificate = certificate
        self.state = state
        self.segments = segments
        self.peaks = peaks
        self.chunks = chunks
    }

    /// The manifest of a stored chain.
    ///
    /// - Throws: ``StoreFailure``: `missing` for a store without a chain, and for a tip that changes the set
    ///   of validators: a snapshot does not bring the set that decided it; as the store.
    public init(of reader: some ChainReading) throws {
        guard let tip = try reader.tip(), let header = try reader.header(at: tip.height),
            let certificate = try reader.certificate(at: tip.height), let state = try reader.state()
        else { throw StoreFailure(.missing, "there is no chain to take a snapshot of") }
        if tip.height > 0, let after = try? ChainState(decoding: state),
            after.validators.hash != header.validators
        {
            throw StoreFailure(
                .missing,
                "block \(tip.height) changes the set of validators, and a snapshot that ends with it lacks "
                    + "the set that decided it: take it after the next block")
        }
        self.header = header
        self.certificate = certificate
        self.state = state
        let whole = tip.leafCount / SnapshotManifest.segmentPositions
        segments = try (0..<whole).map { try reader.kept(.outputs, SnapshotManifest.segmentLevel, $0) }
        peaks = try (0..<SnapshotManifest.segmentLevel).reversed()
            .filter { tip.leafCount >> UInt64($0) & 1 == 1 }
            .map { try reader.kept(.outputs, $0, (tip.leafCount >> UInt64($0)) - 1) }
        let chunkCount = whole + (tip.leafCount.isMultiple(of: SnapshotManifest.segmentPositions) ? 0 : 1)
        chunks = try (0..<chunkCount).map { try reader.kept(.spent, 0, $0) }
    }

    public var encoded: [UInt8] {
        var writer = ByteWriter(
            reserving: 1024 + state.count + 32 * (segments.count + peaks.count + chunks.count))
        writer.write(SnapshotManifest.version)
        header.encode(into: &writer)
        writer.write(prefixed: certificate)
        writer.write(prefixed: state)
        for hashes in [segments, peaks, chunks] {
            writer.writeCompactSize(UInt64(hashes.count))
            for hash in hashes { writer.write(hash) }
        }
        return writer.bytes
    }

    public init(decoding bytes: [UInt8]) throws(DecodingFailure) {
        self = try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
            let version: UInt32 = try reader.readInteger()
            guard version == SnapshotManifest.version else { throw reader.failure(.unknownKind) }
            let header = try BlockHeader(from: &reader)
            let certificate = try reader.readPrefixed(limit: Certificate.bytesMax)
            let state = try reader.readPrefixed(limit: UndoRecord.stateBytesMax)
            return SnapshotManifest(
                header: header, certificate: certificate, state: state,
                segments: try SnapshotManifest.hashes(&reader), peaks: try SnapshotManifest.hashes(&reader),
                chunks: try SnapshotManifest.hashes(&reader))
        }
    }

    private static func hashes(_ reader: inout ByteReader) throws(DecodingFailure) -> [Hash256] {
        let count = try reader.readCount(limit: segmentsMax, bytesEach: Hash256.byteCount)
        var hashes: [Hash256] = []
        hashes.reserveCapacity(count)
        for _ in 0..<count { hashes.append(try reader.readHash()) }
        return hashes
    }
}

extension ChainReading {
    fileprivate func kept(
        _ tree: CommitmentNodeKey.Tree, _ level: UInt8, _ index: UInt64
    ) throws -> Hash256 {
        let key = CommitmentNodeKey(tree: tree, level: level, index: index)
        guard let hash = try node(key) else { throw CommitmentFailure.missingNode(key) }
        return hash
    }
}
