import TimeCoinCore

/// The roots of the output commitment, kept beside the tip: what binds every node, chunk and leaf to the last
/// block.
extension ChainReader {
    /// - Throws: `corrupt` where it is not there, or of other leaves.
    func keptCommitment(_ leafCount: UInt64) throws(StoreFailure) -> OutputCommitment {
        let key = ChainTables.commitmentKey
        let kept = try record(tables.state, key) { reader throws(DecodingFailure) in
            try OutputCommitment(keptIn: &reader)
        }
        guard let kept, kept.leafCount == leafCount else {
            throw tables.state.corrupt(key, kept == nil ? "missing beside the tip" : "not that of the tip")
        }
        return kept
    }

    /// The commitment over the highest nodes as they lie there; `nil` where one is missing.
    private func foundCommitment(_ leafCount: UInt64) throws(StoreFailure) -> OutputCommitment? {
        guard let (range, _) = try root(.outputs, leafCount, nil, nil),
            let (spent, _) = try root(.spent, leafCount, nil, nil)
        else { return nil }
        return OutputCommitment(leafCount: leafCount, rangeRoot: range, spentRoot: spent)
    }

    /// The same, where all of them were written just now.
    func computedCommitment(_ leafCount: UInt64) throws(StoreFailure) -> OutputCommitment {
        guard let found = try foundCommitment(leafCount) else {
            throw StoreFailure.corrupt(tables.nodes.name, [], "not all of the highest nodes are there")
        }
        return found
    }

    /// - Throws: `corrupt` where the highest nodes do not lead to the roots beside the tip; it names those
    ///   that are not the hash of what is below them.
    func checkCommitment(_ leafCount: UInt64) throws(StoreFailure) {
        guard try foundCommitment(leafCount) != keptCommitment(leafCount) else { return }
        let name = tables.nodes.name
        let keys = try contradictedPeaks(leafCount).map { RecordKey($0).bytes }
        throw StoreFailure(
            .corrupt, "\(name): the highest nodes are not those of the tip",
            damaged: (keys.isEmpty ? [[]] : keys).map { .init(table: name, key: $0) })
    }

    private func contradictedPeaks(_ leafCount: UInt64) throws(StoreFailure) -> [CommitmentNodeKey] {
        guard let path = try CommitmentPath(self) else { return [] }
        var contradicted: [CommitmentNodeKey] = []
        for tree in [CommitmentNodeKey.Tree.outputs, .spent] {
            let count = CommitmentPath.count(tree, leafCount)
            for level in UInt8(0)..<64 where count >> UInt64(level) & 1 == 1 {
                let key = CommitmentNodeKey(tree: tree, level: level, index: (count >> UInt64(level)) - 1)
                guard path.isKept(key), let below = try path.computed(key), try keptNode(key) != below else {
                    continue
                }
                contradicted.append(key)
            }
        }
        return contradicted
    }

    /// The root over the peaks, one of which may be given, or the leaves of the last group; and the other
    /// peaks that are kept. `nil` where one is missing.
    func root(
        _ tree: CommitmentNodeKey.Tree, _ leafCount: UInt64, _ given: (level: UInt8, hash: Hash256)?,
        _ tail: LeafGroup?
    ) throws(StoreFailure) -> (root: Hash256, peaks: [CommitmentNodeKey])? {
        let count = CommitmentPath.count(tree, leafCount)
        var peaks: [CommitmentNodeKey] = []
        var writer = ByteWriter(reserving: 8 + 32 * 16)
        writer.write(count)
        var tailPeaks: [Hash256] = []
        if tree == .outputs, !count.isMultiple(of: LeafGroup.size) {
            let last = if let tail { tail } else { try keptGroup(count / LeafGroup.size) }
            guard let last, UInt64(last.leaves.count) == count % LeafGroup.size else { return nil }
            tailPeaks = last.peaks.reversed()
        }
        for level in (UInt8(0)..<64).reversed() where count >> UInt64(level) & 1 == 1 {
            if let given, given.level == level {
                writer.write(given.hash)
            } else if tree == .outputs, level < LeafGroup.levels {
                guard let peak = tailPeaks.popLast() else { return nil }
                writer.write(peak)
            } else {
                let key = CommitmentNodeKey(tree: tree, level: level, index: (count >> UInt64(level)) - 1)
                guard let peak = try keptNode(key) else { return nil }
                peaks.append(key)
                writer.write(peak)
            }
        }
        return (Blake2b.hash256(.rangeRoot, writer.bytes), peaks)
    }
}

extension ChainWriter {
    /// After a change; before it the old roots were checked, under which nodes lie that it does not write.
    func writeCommitment(_ leafCount: UInt64) throws(StoreFailure) {
        let commitment = try reader.computedCommitment(leafCount)
        try overwrite(commitment.keptBytes, tables.state, ChainTables.commitmentKey)
    }
}

extension OutputCommitment {
    /// As a store keeps it beside the tip.
    var keptBytes: [UInt8] {
        var writer = ByteWriter(reserving: 72)
        writer.write(leafCount)
        writer.write(rangeRoot)
        writer.write(spentRoot)
        return writer.bytes
    }

    init(keptIn reader: inout ByteReader) throws(DecodingFailure) {
        self.init(
            leafCount: try reader.readInteger(), rangeRoot: try reader.readHash(),
            spentRoot: try reader.readHash())
    }
}
