/// A row of perfect binary trees over leaves that are appended and may be replaced, but never move.
///
/// Collects a batch of changes over kept nodes, then hashes every touched node once.
struct MountainRange<Nodes: CommitmentNodes> {
    private let tree: CommitmentNodeKey.Tree
    private let nodes: Nodes
    private var count: UInt64
    /// Changed nodes by level.
    private var changed: [[UInt64: Hash256]] = [[:]]

    private static var levelsMax: Int { 64 }

    init(_ tree: CommitmentNodeKey.Tree, count: UInt64, nodes: Nodes) {
        self.tree = tree
        self.count = count
        self.nodes = nodes
    }

    mutating func append(_ leaf: Hash256) {
        changed[0][count] = leaf
        count += 1
    }

    /// Puts another leaf in the place of one; at the end it appends.
    mutating func set(_ leaf: Hash256, at index: UInt64) {
        changed[0][index] = leaf
        count = max(count, index + 1)
    }

    /// Hashes every inner node above a change, and bags the peaks.
    mutating func finish() throws -> (root: Hash256, changed: [(key: CommitmentNodeKey, hash: Hash256)]) {
        var level = 0
        while level + 1 < MountainRange.levelsMax, count >> UInt64(level + 1) > 0 {
            let complete = count >> UInt64(level + 1)
            var parents: [UInt64: Hash256] = [:]
            for index in changed[level].keys {
                let parent = index >> 1
                guard parent < complete, parents[parent] == nil else { continue }
                parents[parent] = Blake2b.hash256(
                    .rangeNode, try node(level, parent << 1), try node(level, parent << 1 | 1))
            }
            if changed.count == level + 1 { changed.append([:]) }
            changed[level + 1].merge(parents) { $1 }
            level += 1
        }
        var result: [(key: CommitmentNodeKey, hash: Hash256)] = []
        for (level, nodes) in changed.enumerated() {
            for (index, hash) in nodes.sorted(by: { $0.key < $1.key }) {
                result.append((CommitmentNodeKey(tree: tree, level: UInt8(level), index: index), hash))
            }
        }
        return (try root(), result)
    }

    /// The count, then the peaks from the highest to the lowest.
    private func root() throws -> Hash256 {
        var writer = ByteWriter(reserving: 8 + 32 * 8)
        writer.write(count)
        for level in (0..<MountainRange.levelsMax).reversed() where count >> UInt64(level) & 1 == 1 {
            // The peak of a level is its last complete node.
            writer.write(try node(level, (count >> UInt64(level)) - 1))
        }
        return Blake2b.hash256(.rangeRoot, writer.bytes)
    }

    private func node(_ level: Int, _ index: UInt64) throws -> Hash256 {
        if level < changed.count, let hash = changed[level][index] { return hash }
        let key = CommitmentNodeKey(tree: tree, level: UInt8(level), index: index)
        guard let hash = try nodes.node(key) else { throw CommitmentFailure.missingNode(key) }
        return hash
    }
}

/// A commitment that cannot be updated.
public enum CommitmentFailure: Error, Hashable, Sendable {
    /// The kept nodes are incomplete: a fault of the store.
    case missingNode(CommitmentNodeKey)
    /// Nothing was ever created at this position.
    case unknownPosition(UInt64)
    /// The output at this position is spent already.
    case spentTwice(UInt64)
}
