/// A row of perfect binary trees over leaves that are appended and may be replaced, but never move.
///
/// Collects a batch of changes over kept nodes, then hashes every touched node once.
struct MountainRange<Nodes: CommitmentNodes> {
    private typealias Change = (index: UInt64, hash: Hash256)

    private let tree: CommitmentNodeKey.Tree
    private let nodes: Nodes
    private var count: UInt64
    /// Changed nodes by level, each level in order of its indexes.
    private var changed: [[Change]] = [[]]

    private static var levelsMax: Int { 64 }

    init(_ tree: CommitmentNodeKey.Tree, count: UInt64, nodes: Nodes) {
        self.tree = tree
        self.count = count
        self.nodes = nodes
    }

    mutating func append(_ leaves: [Hash256]) {
        changed[0].reserveCapacity(changed[0].count + leaves.count)
        for leaf in leaves {
            changed[0].append((count, leaf))
            count += 1
        }
    }

    /// Puts another leaf in the place of one; at the end it appends. Places have to come in their order.
    mutating func set(_ leaf: Hash256, at index: UInt64) {
        assert(changed[0].last.map { $0.index < index } ?? true)
        changed[0].append((index, leaf))
        count = max(count, index + 1)
    }

    /// Hashes every inner node above a change, and bags the peaks.
    mutating func finish() throws -> (root: Hash256, changed: [(key: CommitmentNodeKey, hash: Hash256)]) {
        var level = 0
        while level + 1 < MountainRange.levelsMax, count >> UInt64(level + 1) > 0 {
            changed.append(try parents(of: changed[level], at: level))
            level += 1
        }
        var result: [(key: CommitmentNodeKey, hash: Hash256)] = []
        result.reserveCapacity(changed.reduce(0) { $0 + $1.count })
        for (level, changes) in changed.enumerated() {
            for (index, hash) in changes {
                result.append((CommitmentNodeKey(tree: tree, level: UInt8(level), index: index), hash))
            }
        }
        return (try root(), result)
    }

    /// The complete nodes one level up of which a child has changed.
    private func parents(of changes: [Change], at level: Int) throws -> [Change] {
        let complete = count >> UInt64(level + 1)
        var parents: [Change] = []
        parents.reserveCapacity(changes.count / 2 + 1)
        var place = 0
        while place < changes.count, changes[place].index >> 1 < complete {
            let (index, hash) = changes[place]
            let sibling: Hash256
            if place + 1 < changes.count, changes[place + 1].index == index ^ 1 {
                place += 1
                sibling = changes[place].hash
            } else {
                sibling = try kept(level, index ^ 1)
            }
            let isLeft = index & 1 == 0
            parents.append(
                (index >> 1, Blake2b.hash256(.rangeNode, isLeft ? hash : sibling, isLeft ? sibling : hash)))
            place += 1
        }
        return parents
    }

    /// The count, then the peaks from the highest to the lowest.
    private func root() throws -> Hash256 {
        var writer = ByteWriter(reserving: 8 + 32 * 8)
        writer.write(count)
        for level in (0..<MountainRange.levelsMax).reversed() where count >> UInt64(level) & 1 == 1 {
            // The peak of a level is its last complete node, and so the last change if it has changed.
            let peak = (count >> UInt64(level)) - 1
            if level < changed.count, let last = changed[level].last, last.index == peak {
                writer.write(last.hash)
            } else {
                writer.write(try kept(level, peak))
            }
        }
        return Blake2b.hash256(.rangeRoot, writer.bytes)
    }

    private func kept(_ level: Int, _ index: UInt64) throws -> Hash256 {
        let key = CommitmentNodeKey(tree: tree, level: UInt8(level), index: index)
        guard let hash = try nodes.node(key) else { throw CommitmentFailure.missingNode(key) }
        return hash
    }
}

/// A commitment that cannot be updated, or of which nothing can be shown.
public enum CommitmentFailure: Error, Hashable, Sendable {
    /// The kept nodes are incomplete: a fault of the store.
    case missingNode(CommitmentNodeKey)
    /// Nothing was ever created at this position.
    case unknownPosition(UInt64)
    /// The output at this position is spent already.
    case spentTwice(UInt64)
    /// The parts do not lead to the state root in the header: they are of another state, or damaged.
    case otherState
}
