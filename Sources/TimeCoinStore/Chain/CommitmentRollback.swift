import TimeCoinCore

/// How the nodes and chunks of the output commitment change back when a block is taken back.
///
/// Nothing of them is kept in undo records: leaves never move, so that what a block added is known from the
/// counts, and the bits that it set are the positions that it spent.
struct CommitmentRollback {
    private(set) var removedNodes: [CommitmentNodeKey] = []
    private(set) var nodes: [(key: CommitmentNodeKey, hash: Hash256)] = []
    private(set) var removedChunks: [UInt64] = []
    private(set) var chunks: [(index: UInt64, chunk: SpentChunk)] = []

    private let oldChunks: UInt64

    /// - Parameters:
    ///   - leafCount: leaves of the commitment now.
    ///   - oldLeafCount: leaves before the block.
    ///   - spent: positions of outputs that were there before the block and that it spent.
    ///   - kept: the nodes now.
    /// - Throws: `corrupt` when nodes are missing, or what `kept` throws.
    init(
        leafCount: UInt64, to oldLeafCount: UInt64, spent: [UInt64], kept: some CommitmentNodes
    ) throws(StoreFailure) {
        oldChunks = CommitmentRollback.chunkCount(oldLeafCount)
        guard oldLeafCount <= leafCount else {
            throw StoreFailure(.corrupt, "\(leafCount) leaves now and \(oldLeafCount) before")
        }
        let chunkCount = CommitmentRollback.chunkCount(leafCount)
        removeNodes(.outputs, from: oldLeafCount, to: leafCount)
        removeNodes(.spent, from: oldChunks, to: chunkCount)
        removedChunks = Array(oldChunks..<chunkCount)
        do {
            try restoreChunks(oldLeafCount, spent, kept)
            try restoreSpentTree(kept)
        } catch let failure as StoreFailure {
            throw failure
        } catch {
            throw StoreFailure(.io, "the output commitment cannot be read", cause: error)
        }
    }

    private mutating func restoreChunks(
        _ oldLeafCount: UInt64, _ spent: [UInt64], _ kept: some CommitmentNodes
    ) throws {
        let boundary = oldLeafCount / SpentChunk.positions
        let firstNew = oldLeafCount % SpentChunk.positions
        let touched = Set(spent.map { $0 / SpentChunk.positions }).union(firstNew == 0 ? [] : [boundary])
        var restored: [UInt64: SpentChunk] = [:]
        for index in touched {
            let chunk = try kept.chunk(index)
            guard let chunk, index < oldChunks else {
                throw StoreFailure(.corrupt, "no spent bits of chunk \(index)")
            }
            restored[index] = chunk
        }
        for position in spent {
            restored[position / SpentChunk.positions]?.clear(position)
        }
        if firstNew != 0 {
            for position in oldLeafCount..<(boundary + 1) * SpentChunk.positions {
                restored[boundary]?.clear(position)
            }
        }
        chunks = restored.sorted { $0.key < $1.key }.map { (index: $0.key, chunk: $0.value) }
    }

    private static func chunkCount(_ leafCount: UInt64) -> UInt64 {
        leafCount / SpentChunk.positions + (leafCount.isMultiple(of: SpentChunk.positions) ? 0 : 1)
    }

    private mutating func removeNodes(_ tree: CommitmentNodeKey.Tree, from old: UInt64, to new: UInt64) {
        for level in UInt8(0)..<64 where new >> UInt64(level) > 0 {
            for index in (old >> UInt64(level))..<(new >> UInt64(level)) {
                removedNodes.append(CommitmentNodeKey(tree: tree, level: level, index: index))
            }
        }
    }

    /// Hashes the changed chunks and every complete node above them.
    private mutating func restoreSpentTree(_ kept: some CommitmentNodes) throws {
        var level: UInt8 = 0
        var changed = Dictionary(
            uniqueKeysWithValues: chunks.map { ($0.index, Blake2b.hash256(.spentChunk, $0.chunk.bytes)) })
        while !changed.isEmpty {
            for (index, hash) in changed.sorted(by: { $0.key < $1.key }) {
                nodes.append((CommitmentNodeKey(tree: .spent, level: level, index: index), hash))
            }
            var parents: [UInt64: Hash256] = [:]
            for parent in Set(changed.keys.map { $0 >> 1 }) where parent < oldChunks >> UInt64(level + 1) {
                var sides: [Hash256] = []
                for index in [parent << 1, parent << 1 | 1] {
                    let key = CommitmentNodeKey(tree: .spent, level: level, index: index)
                    let side = if let hash = changed[index] { hash } else { try kept.node(key) }
                    guard let side else { throw StoreFailure(.corrupt, "no node \(key)") }
                    sides.append(side)
                }
                parents[parent] = Blake2b.hash256(.rangeNode, sides[0], sides[1])
            }
            changed = parents
            level += 1
        }
    }
}

extension SpentChunk {
    fileprivate mutating func clear(_ position: UInt64) {
        let place = position % SpentChunk.positions
        var bytes = bytes
        bytes[Int(place >> 3)] &= ~(1 << UInt8(place & 7))
        self = SpentChunk(bytes) ?? self
    }
}
