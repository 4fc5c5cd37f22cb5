import TimeCoinCore

/// Up to 64 successive leaves of the output commitment, kept in one record: the nodes above them are cheap to
/// compute and many to keep.
struct LeafGroup {
    private(set) var leaves: [Hash256]

    /// Levels of the mountain range that a group stands for: nodes from this level on are kept by themselves.
    static let levels: UInt8 = 6
    /// Leaves of a whole group.
    static let size: UInt64 = 1 << 6

    init(_ leaves: [Hash256] = []) {
        self.leaves = leaves
    }

    /// `nil` unless there are 1 to 64 hashes.
    init?(decoding bytes: [UInt8]) {
        let width = Hash256.byteCount
        guard !bytes.isEmpty, bytes.count.isMultiple(of: width), bytes.count / width <= LeafGroup.size else {
            return nil
        }
        leaves = stride(from: 0, to: bytes.count, by: width).compactMap { Hash256(bytes[$0..<$0 + width]) }
    }

    var encoded: [UInt8] {
        var writer = ByteWriter(reserving: leaves.count * Hash256.byteCount)
        for leaf in leaves { writer.write(leaf) }
        return writer.bytes
    }

    mutating func append(_ leaf: Hash256) { leaves.append(leaf) }

    /// The group that a node below level 6 lies in.
    static func index(of key: CommitmentNodeKey) -> UInt64 { key.index >> UInt64(levels - key.level) }

    /// A node below level 6 or at it; `nil` when not all of its leaves are there.
    func node(_ key: CommitmentNodeKey) -> Hash256? {
        let first = Int((key.index << UInt64(key.level)) % LeafGroup.size)
        let end = first + (1 << Int(key.level))
        guard end <= leaves.count else { return nil }
        var hashes = Array(leaves[first..<end])
        while hashes.count > 1 {
            hashes = stride(from: 0, to: hashes.count, by: 2).map {
                Blake2b.hash256(.rangeNode, hashes[$0], hashes[$0 + 1])
            }
        }
        return hashes.first
    }
}
