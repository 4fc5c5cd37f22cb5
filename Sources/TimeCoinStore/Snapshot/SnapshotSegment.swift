public import TimeCoinCore

/// 2,048 successive outputs of a snapshot, fewer in the last one: which of them are spent, the unspent ones,
/// and of the others the hashes that proofs need.
public struct SnapshotSegment: Hashable, Sendable {
    /// 64 positions.
    enum Group: Hashable, Sendable {
        /// All of them are spent, and only the node above them is kept.
        case pruned(Hash256)
        /// The leaves of the spent ones, in order.
        case leaves([Hash256])
    }

    public let index: Int
    public let spent: SpentChunk
    /// In the order of their positions.
    public let outputs: [UnspentOutput]
    let groups: [Group]

    /// Bytes of an encoded segment at most: scripts of 10,000 bytes are possible.
    public static let bytesMax = 32 << 20

    /// A segment of a stored chain.
    ///
    /// - Throws: as the store; `corrupt` for what is missing.
    public init(_ index: Int, of reader: some ChainReading) throws {
        let first = UInt64(index) * SnapshotManifest.segmentPositions
        let leafCount = try reader.tip()?.leafCount ?? 0
        let end = min(leafCount, first + SnapshotManifest.segmentPositions)
        guard let spent = try reader.chunk(UInt64(index)), first < end else {
            throw StoreFailure(.corrupt, "there are no spent bits of segment \(index)")
        }
        self.index = index
        self.spent = spent
        let unspent = Int(end - first) - spent.spentCount
        outputs = try reader.outputs(from: first, countMax: unspent)
        guard outputs.count == unspent, outputs.last.map({ $0.entry.position < end }) ?? true else {
            throw StoreFailure(.corrupt, "unspent outputs of segment \(index) are missing")
        }
        groups = try stride(from: first, to: end, by: Int(LeafGroup.size)).map { start in
            let group = start / LeafGroup.size
            if let leaves = try reader.leaves(group: group) {
                return .leaves(
                    leaves.enumerated().filter { spent.isSpent(start + UInt64($0.offset)) }.map(\.element))
            }
            let key = CommitmentNodeKey(tree: .outputs, level: LeafGroup.levels, index: group)
            guard let node = try reader.node(key) else { throw CommitmentFailure.missingNode(key) }
            return .pruned(node)
        }
    }

    public var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 512 + 100 * outputs.count + 33 * 2048)
        writer.write(UInt32(truncatingIfNeeded: index))
        writer.write(raw: spent.bytes)
        for group in groups {
            switch group {
            case .pruned(let node):
                writer.write(UInt8(0))
                writer.write(node)
            case .leaves(let leaves):
                writer.write(UInt8(1))
                for leaf in leaves { writer.write(leaf) }
            }
        }
        for output in outputs { OutputRecord.encode(output.outPoint, output.entry, into: &writer) }
        return writer.bytes
    }

    /// Decodes the segment of a verified snapshot and checks it against the manifest.
    ///
    /// - Throws: ``SnapshotRejection``, `damaged-segment` or `malformed-snapshot`.
    public init(
        decoding bytes: [UInt8], of snapshot: VerifiedSnapshot, expecting index: Int
    ) throws(SnapshotRejection) {
        guard snapshot.manifest.chunks.indices.contains(index) else {
            throw SnapshotRejection(.malformed, "there is no segment \(index)")
        }
        let positions = snapshot.positions(of: index)
        do {
            self = try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
                try SnapshotSegment(from: &reader, positions: positions)
            }
        } catch {
            throw SnapshotRejection(.malformed, "segment \(index) cannot be read: \(error)")
        }
        guard self.index == index,
            Blake2b.hash256(.spentChunk, spent.bytes) == snapshot.manifest.chunks[index]
        else { throw SnapshotRejection(.segment, "the spent bits of segment \(index) are other ones") }
        let (top, peaks) = tops
        let isWhole = index < snapshot.manifest.segments.count
        guard isWhole ? top == snapshot.manifest.segments[index] : peaks == snapshot.manifest.peaks else {
            throw SnapshotRejection(.segment, "the outputs of segment \(index) are other ones")
        }
    }

    private init(
        from reader: inout ByteReader, positions: Range<UInt64>
    ) throws(DecodingFailure) {
        let number: UInt32 = try reader.readInteger()
        index = Int(number)
        guard let spent = SpentChunk(try reader.readRaw(SpentChunk.byteCount)) else {
            throw reader.failure(.truncated)
        }
        self.spent = spent
        var groups: [Group] = []
        var start = positions.lowerBound
        while start < positions.upperBound {
            let end = min(positions.upperBound, start + LeafGroup.size)
            let spentCount = (start..<end).count { spent.isSpent($0) }
            switch try reader.readByte() {
            case 0 where spentCount == Int(LeafGroup.size): groups.append(.pruned(try reader.readHash()))
            case 1:
                var leaves: [Hash256] = []
                for _ in 0..<spentCount { leaves.append(try reader.readHash()) }
                groups.append(.leaves(leaves))
            default: throw reader.failure(.unknownKind)
            }
            start = end
        }
        self.groups = groups
        var outputs: [UnspentOutput] = []
        for position in positions where !spent.isSpent(position) {
            let record = try OutputRecord(from: &reader, position: position)
            outputs.append(UnspentOutput(outPoint: record.outPoint, entry: record.entry))
        }
        self.outputs = outputs
    }

    /// The groups with all of their leaves, `nil` for pruned ones.
    var leafGroups: [LeafGroup?] {
        var place = 0
        var position = UInt64(index) * SnapshotManifest.segmentPositions
        let end = position + UInt64(outputs.count + spent.spentCount)
        return groups.map { group in
            let stop = min(end, position + LeafGroup.size)
            defer { position = stop }
            guard case .leaves(var spentLeaves) = group else { return nil }
            spentLeaves.reverse()
            var leaves: [Hash256] = []
            for position in position..<stop {
                if place < outputs.count, outputs[place].entry.position == position {
                    leaves.append(outputs[place].entry.leaf(for: outputs[place].outPoint))
                    place += 1
                } else if let leaf = spentLeaves.popLast() {
                    leaves.append(leaf)
                }
            }
            return LeafGroup(leaves)
        }
    }

    /// The node of level 6 above each whole group.
    var groupNodes: [Hash256] {
        zip(groups, leafGroups).compactMap { group, leaves in
            if case .pruned(let node) = group { return node }
            return leaves?.node(CommitmentNodeKey(tree: .outputs, level: LeafGroup.levels, index: 0))
        }
    }

    /// The node above a whole segment, or the peaks of one that is not.
    private var tops: (top: Hash256?, peaks: [Hash256]) {
        var range = RangeBuilder(.outputs, level: LeafGroup.levels)
        var top: Hash256?
        for node in groupNodes {
            for (key, hash) in range.add(node) where key.level == SnapshotManifest.segmentLevel { top = hash }
        }
        let last = leafGroups.last ?? nil
        let isFull = last.map { $0.leaves.count == Int(LeafGroup.size) } ?? true
        return (top, range.peaks + (isFull ? [] : last?.peaks ?? []))
    }
}
