import TimeCoinCore

/// Hashes nodes of the output commitment up to the roots of the state: what gets there is right, whatever
/// the records around it say.
struct CommitmentPath {
    let reader: ChainReader
    let commitment: OutputCommitment

    /// `nil` where the state cannot be read, or is not that of the certified header.
    init?(_ reader: ChainReader) throws(StoreFailure) {
        let found = try reader.sound { reader throws(StoreFailure) -> OutputCommitment? in
            guard let tip = try reader.tip(), let bytes = try reader.state(),
                let state = try? ChainState(decoding: bytes), state.headerHash == tip.hash,
                state.header.hash == tip.hash, state.roots.root == state.header.stateRoot
            else { return nil }
            return state.commitment
        }
        guard let commitment = found ?? nil else { return nil }
        self.reader = reader
        self.commitment = commitment
    }

    var chunkCount: UInt64 { CommitmentPath.chunkCount(commitment.leafCount) }

    static func chunkCount(_ leafCount: UInt64) -> UInt64 {
        leafCount / SpentChunk.positions + (leafCount.isMultiple(of: SpentChunk.positions) ? 0 : 1)
    }

    /// Whether there is such a node, and it is kept by itself.
    func isKept(_ key: CommitmentNodeKey) -> Bool {
        key.index < count(key.tree) >> UInt64(key.level)
            && (key.tree == .spent || key.level >= LeafGroup.levels)
    }

    /// Whether a hash is that of a node.
    func proves(_ hash: Hash256, at key: CommitmentNodeKey) throws(StoreFailure) -> Bool {
        let count = count(key.tree)
        guard key.index < count >> UInt64(key.level) else { return false }
        var (level, index, hash) = (key.level, key.index, hash)
        while level < 63, index >> 1 < count >> UInt64(level + 1) {
            let sibling = CommitmentNodeKey(tree: key.tree, level: level, index: index ^ 1)
            guard let other = try best(sibling) else { return false }
            hash =
                index & 1 == 0
                ? Blake2b.hash256(.rangeNode, hash, other) : Blake2b.hash256(.rangeNode, other, hash)
            index >>= 1
            level += 1
        }
        return try root(key.tree, instead: (level, hash), tail: nil) == expected(key.tree)
    }

    /// Whether leaves are those of a group.
    func proves(_ group: LeafGroup, at index: UInt64) throws(StoreFailure) -> Bool {
        let key = CommitmentNodeKey(tree: .outputs, level: LeafGroup.levels, index: index)
        if let node = group.node(key) { return try proves(node, at: key) }
        let count = commitment.leafCount
        guard index == count / LeafGroup.size, UInt64(group.leaves.count) == count % LeafGroup.size else {
            return false
        }
        return try root(.outputs, instead: nil, tail: group) == commitment.rangeRoot
    }

    /// What a node must be by those below; `nil` where they are not there or cannot be read.
    func computed(_ key: CommitmentNodeKey) throws(StoreFailure) -> Hash256? {
        if key.tree == .outputs, key.level <= LeafGroup.levels {
            let group = LeafGroup.index(of: key)
            return try reader.sound { reader throws(StoreFailure) in try reader.leafGroup(group)?.node(key) }
                ?? nil
        }
        if key.level == 0 {
            return try reader.sound { reader throws(StoreFailure) in
                try reader.chunk(key.index).map { Blake2b.hash256(.spentChunk, $0.bytes) }
            } ?? nil
        }
        guard let left = try kept(CommitmentPath.child(key, 0)),
            let right = try kept(CommitmentPath.child(key, 1))
        else { return nil }
        return Blake2b.hash256(.rangeNode, left, right)
    }

    private static func child(_ key: CommitmentNodeKey, _ side: UInt64) -> CommitmentNodeKey {
        CommitmentNodeKey(tree: key.tree, level: key.level - 1, index: key.index << 1 | side)
    }

    private func kept(_ key: CommitmentNodeKey) throws(StoreFailure) -> Hash256? {
        try reader.sound { reader throws(StoreFailure) in try reader.node(key) } ?? nil
    }

    /// By those below, since a neighbour may be damaged, too.
    private func best(_ key: CommitmentNodeKey) throws(StoreFailure) -> Hash256? {
        if let computed = try computed(key) { return computed }
        return try kept(key)
    }

    /// Nodes of level 0.
    static func count(_ tree: CommitmentNodeKey.Tree, _ leafCount: UInt64) -> UInt64 {
        tree == .outputs ? leafCount : chunkCount(leafCount)
    }

    private func count(_ tree: CommitmentNodeKey.Tree) -> UInt64 {
        CommitmentPath.count(tree, commitment.leafCount)
    }

    private func expected(_ tree: CommitmentNodeKey.Tree) -> Hash256 {
        tree == .outputs ? commitment.rangeRoot : commitment.spentRoot
    }

    /// `nil` where a peak is missing.
    private func root(
        _ tree: CommitmentNodeKey.Tree, instead: (level: UInt8, hash: Hash256)?, tail: LeafGroup?
    ) throws(StoreFailure) -> Hash256? {
        let count = count(tree)
        var writer = ByteWriter(reserving: 8 + 32 * 16)
        writer.write(count)
        var tailPeaks = tail?.peaks ?? []
        tailPeaks.reverse()
        for level in (UInt8(0)..<64).reversed() where count >> UInt64(level) & 1 == 1 {
            if let instead, instead.level == level {
                writer.write(instead.hash)
            } else if tree == .outputs, level < LeafGroup.levels, let peak = tailPeaks.popLast() {
                writer.write(peak)
            } else {
                let key = CommitmentNodeKey(tree: tree, level: level, index: (count >> UInt64(level)) - 1)
                guard let peak = try best(key) else { return nil }
                writer.write(peak)
            }
        }
        return Blake2b.hash256(.rangeRoot, writer.bytes)
    }
}

extension ChainReader {
    /// What `body` gives; `nil` where it met damage.
    func sound<Value>(
        _ body: (ChainReader) throws(StoreFailure) -> Value
    ) throws(StoreFailure) -> Value? {
        do throws(StoreFailure) {
            return try body(self)
        } catch {
            guard error.code == .corrupt else { throw error }
            return nil
        }
    }
}
