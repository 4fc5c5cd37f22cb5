import TimeCoinCore

extension ChainReader {
    /// Before a table is believed that there is no more, or nothing: sees to it that what it holds around a
    /// key is what was written.
    func confirm(_ table: Table, around key: RecordKey) throws(StoreFailure) {
        try confirm(table, range: TableSums.range(of: key))
    }

    private func confirm(_ table: Table, range: Int) throws(StoreFailure) {
        guard let confirmations, !confirmations.hasRange(table.identifier, range) else { return }
        guard try agrees(table, range: range) else {
            throw StoreFailure.corrupt(table.name, [], "range \(range) is not as it was written")
        }
        confirmations.addRange(table.identifier, range)
    }

    // MARK: - Commitment

    /// Sees to it that a chunk is under the root of the state.
    func confirm(_ chunk: SpentChunk?, at index: UInt64) throws(StoreFailure) {
        guard let confirmations, !confirmations.hasChunk(index) else { return }
        let key = RecordKey(index)
        let leafCount = try tip()?.leafCount ?? 0
        let isThere = index < CommitmentPath.chunkCount(leafCount)
        guard isThere, let chunk else {
            guard isThere || chunk != nil else { return }
            throw tables.chunks.corrupt(key, isThere ? "missing" : "beyond the leaves")
        }
        try climb(
            from: CommitmentNodeKey(tree: .spent, level: 0, index: index),
            Blake2b.hash256(.spentChunk, chunk.bytes), (tables.chunks, key), confirmations)
        confirmations.addChunk(index)
    }

    /// Sees to it that a node is under the root of the state.
    func confirm(_ hash: Hash256?, at key: CommitmentNodeKey) throws(StoreFailure) {
        guard let confirmations, !confirmations.hasNode(key) else { return }
        let record = RecordKey(key)
        let leafCount = try tip()?.leafCount ?? 0
        let count = CommitmentPath.count(key.tree, leafCount)
        let isThere = key.level < Confirmations.levels && key.index < count >> UInt64(key.level)
        guard isThere, let hash else {
            guard isThere || hash != nil else { return }
            throw tables.nodes.corrupt(record, isThere ? "missing" : "there is no such node")
        }
        try climb(from: key, hash, (tables.nodes, record), confirmations)
    }

    /// Sees to it that leaves are under the root of the state, or pruned.
    func confirm(_ group: LeafGroup?, at index: UInt64) throws(StoreFailure) {
        guard let confirmations, !confirmations.hasGroup(index) else { return }
        let record = RecordKey(index)
        let leafCount = try tip()?.leafCount ?? 0
        let groups = leafCount / LeafGroup.size + (leafCount.isMultiple(of: LeafGroup.size) ? 0 : 1)
        guard index < groups else {
            guard group != nil else { return }
            throw tables.leaves.corrupt(record, "beyond the leaves")
        }
        let first = index * LeafGroup.size
        guard let group else {
            for position in first..<min(leafCount, first + LeafGroup.size) {
                if try !isSpent(position) { throw tables.leaves.corrupt(record, "missing") }
            }
            return
        }
        guard UInt64(group.leaves.count) == min(LeafGroup.size, leafCount - first) else {
            throw tables.leaves.corrupt(record, "\(group.leaves.count) leaves")
        }
        let node = CommitmentNodeKey(tree: .outputs, level: LeafGroup.levels, index: index)
        if let hash = group.node(node) {
            try climb(from: node, hash, (tables.leaves, record), confirmations)
        } else {
            guard let (root, peaks) = try root(.outputs, leafCount, nil, group),
                try root == keptCommitment(leafCount).rangeRoot
            else { throw tables.leaves.corrupt(record, "not under the root") }
            confirmations.addNodes(peaks)
        }
        confirmations.addGroup(index)
    }

    /// Hashes from a node up to one that is confirmed, or to the root, and confirms all that it meets.
    ///
    /// - Parameter record: what the hash comes from.
    private func climb(
        from start: CommitmentNodeKey, _ first: Hash256, _ record: (Table, RecordKey),
        _ confirmations: Confirmations
    ) throws(StoreFailure) {
        let leafCount = try tip()?.leafCount ?? 0
        let count = CommitmentPath.count(start.tree, leafCount)
        var (key, hash) = (start, first)
        var met: [CommitmentNodeKey] = []
        var contradiction: CommitmentNodeKey?
        func fail() -> StoreFailure { record.0.corrupt(record.1, "not under the root of the state") }
        while true {
            let kept = try keptNode(key)
            if confirmations.hasNode(key) {
                guard kept == hash else { throw fail() }
                break
            }
            if kept == hash { met.append(key) } else { contradiction = contradiction ?? key }
            let parent = CommitmentNodeKey(tree: key.tree, level: key.level + 1, index: key.index >> 1)
            guard parent.level < Confirmations.levels, parent.index < count >> UInt64(parent.level) else {
                guard let (root, peaks) = try root(key.tree, leafCount, (key.level, hash), nil) else {
                    throw fail()
                }
                let commitment = try keptCommitment(leafCount)
                guard root == (key.tree == .outputs ? commitment.rangeRoot : commitment.spentRoot) else {
                    throw fail()
                }
                met += peaks
                break
            }
            let sibling = CommitmentNodeKey(tree: key.tree, level: key.level, index: key.index ^ 1)
            guard let other = try keptNode(sibling) else {
                throw tables.nodes.corrupt(RecordKey(sibling), "missing")
            }
            met.append(sibling)
            hash =
                key.index & 1 == 0
                ? Blake2b.hash256(.rangeNode, hash, other) : Blake2b.hash256(.rangeNode, other, hash)
            key = parent
        }
        if let contradiction {
            throw tables.nodes.corrupt(RecordKey(contradiction), "not the hash of those below")
        }
        confirmations.addNodes(met)
    }
}
