import TimeCoinCore

/// Computes the nodes and the root of a mountain range from its leaves, or from nodes of one level, in order.
struct RangeBuilder {
    private let tree: CommitmentNodeKey.Tree
    private let base: UInt8
    private var added: UInt64 = 0
    /// By level from the base: a complete node that waits for its right sibling.
    private var waiting: [Hash256?] = []

    init(_ tree: CommitmentNodeKey.Tree, level base: UInt8) {
        self.tree = tree
        self.base = base
    }

    /// Adds the next node of the base level.
    ///
    /// - Returns: every node above it that it completes.
    mutating func add(_ node: Hash256) -> [(key: CommitmentNodeKey, hash: Hash256)] {
        var completed: [(key: CommitmentNodeKey, hash: Hash256)] = []
        var hash = node
        var level = 0
        var index = added
        added += 1
        while level < waiting.count, let left = waiting[level] {
            waiting[level] = nil
            hash = Blake2b.hash256(.rangeNode, left, hash)
            level += 1
            index >>= 1
            completed.append(
                (
                    CommitmentNodeKey(
                        tree: tree, level: base + UInt8(truncatingIfNeeded: level), index: index), hash
                )
            )
        }
        if level == waiting.count { waiting.append(nil) }
        waiting[level] = hash
        return completed
    }

    /// The nodes that no other covers, from the highest to the lowest.
    var peaks: [Hash256] { waiting.reversed().compactMap { $0 } }

    /// The root of the range.
    ///
    /// - Parameters:
    ///   - count: its leaves.
    ///   - peaks: those below the base level, from the highest to the lowest.
    func root(count: UInt64, peaksBelow peaks: [Hash256] = []) -> Hash256 {
        var writer = ByteWriter(reserving: 8 + 32 * (waiting.count + peaks.count))
        writer.write(count)
        for peak in self.peaks + peaks { writer.write(peak) }
        return Blake2b.hash256(.rangeRoot, writer.bytes)
    }
}
