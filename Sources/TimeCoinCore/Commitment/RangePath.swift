/// Shows that a node of level 0 stands at a place of a mountain range: the siblings on its way up to the peak
/// of its mountain, then the other peaks.
///
/// How many hashes there are follows from the place and the count. So a place has one path, and its form
/// needs no length.
public struct RangePath: Hashable, Sendable {
    /// The siblings from the bottom, then the peaks of the other mountains from the highest to the lowest.
    public let hashes: [Hash256]

    /// Hashes in a path at most: 63 siblings and 63 peaks in a range of 2^64 - 1 nodes.
    public static let hashesMax = 126
    /// Bytes of an encoded path at most.
    public static let bytesMax = hashesMax * Hash256.byteCount

    init(_ hashes: [Hash256]) {
        self.hashes = hashes
    }

    /// Collects the path of a place from kept nodes.
    ///
    /// - Throws: ``CommitmentFailure/unknownPosition(_:)`` beyond the last node,
    ///   ``CommitmentFailure/missingNode(_:)`` where a node is not kept, or what `nodes` throws.
    init(
        of index: UInt64, count: UInt64, in tree: CommitmentNodeKey.Tree, _ nodes: some CommitmentNodes
    ) throws {
        guard let top = RangePath.level(of: index, count: count) else {
            throw CommitmentFailure.unknownPosition(index)
        }
        func kept(_ level: UInt64, _ index: UInt64) throws -> Hash256 {
            let key = CommitmentNodeKey(tree: tree, level: UInt8(level), index: index)
            guard let hash = try nodes.node(key) else { throw CommitmentFailure.missingNode(key) }
            return hash
        }
        let siblings = try (0..<top).map { try kept($0, index >> $0 ^ 1) }
        let peaks = try RangePath.peaks(of: count).filter { $0 != top }.map {
            try kept($0, (count >> $0) - 1)
        }
        hashes = siblings + peaks
    }

    /// The level of the peak above a place; `nil` beyond the last node.
    ///
    /// Place and count agree in all bits above: that many whole mountains stand before this one.
    private static func level(of index: UInt64, count: UInt64) -> UInt64? {
        index < count ? UInt64(63 - (index ^ count).leadingZeroBitCount) : nil
    }

    /// Levels of the peaks of a range, from the highest.
    private static func peaks(of count: UInt64) -> [UInt64] {
        (0..<64).reversed().filter { count >> $0 & 1 == 1 }
    }

    /// Hashes in the path of a place; `nil` beyond the last node.
    static func hashCount(of index: UInt64, count: UInt64) -> Int? {
        level(of: index, count: count).map { Int($0) + count.nonzeroBitCount - 1 }
    }

    /// The root of a range of `count` nodes that has `leaf` at this place; `nil` when the path is of another
    /// length than such a path has.
    func root(of leaf: Hash256, at index: UInt64, count: UInt64) -> Hash256? {
        guard let top = RangePath.level(of: index, count: count),
            hashes.count == RangePath.hashCount(of: index, count: count)
        else { return nil }
        var node = leaf
        for (level, sibling) in hashes.prefix(Int(top)).enumerated() {
            let isLeft = index >> UInt64(level) & 1 == 0
            node = Blake2b.hash256(.rangeNode, isLeft ? node : sibling, isLeft ? sibling : node)
        }
        var others = hashes.dropFirst(Int(top))
        var writer = ByteWriter(reserving: 8 + count.nonzeroBitCount * Hash256.byteCount)
        writer.write(count)
        for peak in RangePath.peaks(of: count) {
            writer.write(peak == top ? node : others.popFirst() ?? .zero)
        }
        return Blake2b.hash256(.rangeRoot, writer.bytes)
    }

    /// The hashes alone.
    func encode(into writer: inout ByteWriter) {
        for hash in hashes { writer.write(hash) }
    }

    /// As many hashes as the path of this place has.
    init(
        from reader: inout ByteReader, of index: UInt64, count: UInt64
    ) throws(DecodingFailure) {
        guard let hashCount = RangePath.hashCount(of: index, count: count) else {
            throw reader.failure(.valueOutOfRange)
        }
        var hashes: [Hash256] = []
        for _ in 0..<hashCount { hashes.append(try reader.readHash()) }
        self.hashes = hashes
    }
}
