import TimeCoinCore

extension ChainWriter {
    /// What is created goes behind what is there; what is spent stays until its chunk is swept.
    func writeOutputs(_ block: BlockCommit) throws(StoreFailure) {
        var writer = ByteWriter(reserving: 128)
        for (outPoint, entry) in block.created {
            writer.removeAll()
            OutputRecord.encode(outPoint, entry, into: &writer)
            try append(writer.bytes, tables.outputs, RecordKey(entry.position))
        }
    }

    /// Changes the index of unspent outputs.
    func changeAddresses(
        removing spent: [(outPoint: OutPoint, entry: OutputEntry)],
        adding created: [(outPoint: OutPoint, entry: OutputEntry)]
    ) throws(StoreFailure) {
        guard options.addressIndex else { return }
        for key in addressKeys(spent) {
            let key = RecordKey(script: key.script, position: key.position)
            guard try transaction.delete(tables.addresses, key) else {
                throw tables.addresses.corrupt(key, "missing beside its output")
            }
        }
        for key in addressKeys(created) {
            try insert([], tables.addresses, RecordKey(script: key.script, position: key.position))
        }
    }

    private func addressKeys(
        _ outputs: [(outPoint: OutPoint, entry: OutputEntry)]
    ) -> [(script: UInt64, position: UInt64)] {
        outputs.map { (script: tables.scriptKey($0.entry.output.locking), position: $0.entry.position) }
            .sorted { ($0.script, $0.position) < ($1.script, $1.position) }
    }

    // MARK: - Commitment

    func writeCommitment(_ block: BlockCommit, leafCountBefore: UInt64) throws(StoreFailure) {
        let kept = block.nodes.filter { $0.key.tree == .spent || $0.key.level >= LeafGroup.levels }
        for (key, hash) in kept.sorted(by: { $0.key < $1.key }) {
            try overwrite(hash.bytes, tables.nodes, RecordKey(key))
        }
        for (index, chunk) in block.chunks {
            try overwrite(chunk.bytes, tables.chunks, RecordKey(index))
        }
        let leaves = block.nodes.filter { BlockCommit.isLeaf($0.key) }
        guard UInt64(leaves.count) == block.leafCount - leafCountBefore,
            leaves.first.map({ $0.key.index == leafCountBefore }) ?? true
        else {
            throw StoreFailure(.invalidCommit, "block \(block.height) does not bring all of its leaves")
        }
        try appendLeaves(leaves.map(\.hash), from: leafCountBefore)
    }

    private func appendLeaves(_ leaves: [Hash256], from first: UInt64) throws(StoreFailure) {
        var position = first
        var place = 0
        while place < leaves.count {
            let index = position / LeafGroup.size
            let filled = Int(position % LeafGroup.size)
            var group = LeafGroup()
            if filled > 0 {
                guard let kept = try reader.leafGroup(index), kept.leaves.count == filled else {
                    throw tables.leaves.corrupt(RecordKey(index), "not \(filled) leaves")
                }
                group = kept
            }
            let end = min(leaves.count, place + Int(LeafGroup.size) - filled)
            for leaf in leaves[place..<end] { group.append(leaf) }
            try overwrite(group.encoded, tables.leaves, RecordKey(index))
            position += UInt64(end - place)
            place = end
        }
    }

    // MARK: - Sweeping

    /// Chunks of which half of what was left has been spent are put down to be swept: so every record is
    /// looked at a few times in its life, and at most as many spent outputs lie about as unspent ones.
    func noteSweeps(_ block: BlockCommit, leafCountBefore: UInt64) throws(StoreFailure) {
        var spent: [UInt64: Int] = [:]
        for (_, entry) in block.spent { spent[entry.position / SpentChunk.positions, default: 0] += 1 }
        for (index, chunk) in block.chunks {
            let first = index * SpentChunk.positions
            let before =
                first + SpentChunk.positions <= leafCountBefore
                ? chunk.spentCount
                : chunk.spentCount(below: leafCountBefore - min(leafCountBefore, first))
            let after = chunk.spentCount
            let old = before - (spent[index] ?? 0)
            guard ChainWriter.sweepAt.contains(where: { old < $0 && after >= $0 }) else { continue }
            try overwrite([], tables.sweeps, RecordKey(index))
        }
    }

    /// Spent positions of a chunk at which it is swept.
    private static let sweepAt = [1024, 1792, 2048]

    /// Deletes the spent outputs of a few chunks; undo records have them, as long as they can come back.
    func sweep() throws(StoreFailure) {
        for _ in 0..<StoreOptions.chunksSweptMax {
            guard let key = try transaction.firstKey(tables.sweeps) else { return }
            let index = key.leadingNumber
            if index <= StartCheck.leavesMax / SpentChunk.positions, let chunk = try reader.chunk(index) {
                try transaction.deleteRecords(
                    tables.outputs, from: index * SpentChunk.positions, count: SpentChunk.positions
                ) { chunk.isSpent($0) }
            }
            try remove(tables.sweeps, key)
        }
    }
}
