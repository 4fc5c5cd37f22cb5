import TimeCoinCore

extension ChainVerification {
    /// Recomputes the output commitment: leaves from the outputs, nodes and roots from the leaves.
    mutating func checkOutputs(_ tip: ChainTip) throws {
        let groups = (tip.leafCount + LeafGroup.size - 1) / LeafGroup.size
        var range = RangeBuilder(.outputs, level: LeafGroup.levels)
        var spentRange = RangeBuilder(.spent, level: 0)
        var values = Amount.zero
        var peaks: [Hash256] = []
        var chunk: SpentChunk?
        for group in 0..<groups {
            let first = group * LeafGroup.size
            if first.isMultiple(of: SpentChunk.positions) {
                chunk = try checkChunk(first / SpentChunk.positions, &spentRange)
            }
            let count = min(LeafGroup.size, tip.leafCount - first)
            let leaves = try leaves(group, count, chunk)
            values = try values.adding(checkGroup(first, count, leaves, chunk)) ?? values
            if count == LeafGroup.size {
                try add(group, leaves, to: &range)
            } else {
                peaks = LeafGroup(leaves ?? []).peaks
            }
            step(.outputs, group + 1, of: groups)
        }
        try checkTotals(
            tip, values,
            OutputCommitment(
                leafCount: tip.leafCount, rangeRoot: range.root(count: tip.leafCount, peaksBelow: peaks),
                spentRoot: spentRange.root(
                    count: (tip.leafCount + SpentChunk.positions - 1) / SpentChunk.positions)))
    }

    private mutating func checkTotals(
        _ tip: ChainTip, _ values: Amount, _ commitment: OutputCommitment
    ) throws {
        let tables = reader.tables
        if report.outputs != tip.outputCount {
            try note(tables.state, ChainTables.tipKey, "\(report.outputs) outputs are unspent")
        }
        guard let state else { return }
        if commitment != state.commitment {
            try note(tables.state, ChainTables.stateKey, "the records have another output commitment")
        } else {
            report.stateRoot = state.roots.root
        }
        if values != state.supply.unspent {
            try note(tables.state, ChainTables.stateKey, "the outputs are worth \(values)")
        } else {
            report.supply = state.supply.total
        }
    }

    /// Its hash must be the node that is kept of it.
    private mutating func checkChunk(_ index: UInt64, _ range: inout RangeBuilder) throws -> SpentChunk? {
        report.records += 1
        let tables = reader.tables
        let key = CommitmentNodeKey(tree: .spent, level: 0, index: index)
        let node = try attempt { try $0.reader.node(key) } ?? nil
        guard let chunk = try attempt({ try $0.reader.chunk(index) }) ?? nil else {
            try note(tables.chunks, RecordKey(index), "missing")
            try check(range.add(node ?? .zero))
            return nil
        }
        let hash = Blake2b.hash256(.spentChunk, chunk.bytes)
        if node != hash { try note(tables.nodes, RecordKey(key), "not the hash of its chunk") }
        try check(range.add(hash))
        return chunk
    }

    /// `nil` for a group that was pruned, or is damaged.
    private mutating func leaves(_ group: UInt64, _ count: UInt64, _ chunk: SpentChunk?) throws -> [Hash256]?
    {
        report.records += 1
        guard let found = try attempt({ try $0.reader.leaves(group: group) }) else { return nil }
        guard let leaves = found else {
            let first = group * LeafGroup.size
            let isSpent = (first..<first + count).allSatisfy { chunk?.isSpent($0) ?? false }
            if !isSpent || count < LeafGroup.size {
                try note(reader.tables.leaves, RecordKey(group), "missing")
            }
            return nil
        }
        guard leaves.count == Int(count) else {
            try note(reader.tables.leaves, RecordKey(group), "\(leaves.count) leaves, there must be \(count)")
            return nil
        }
        return leaves
    }

    /// Every output is the leaf at its position, and what is not spent is there.
    ///
    /// - Returns: the values of the unspent ones.
    private mutating func checkGroup(
        _ first: UInt64, _ count: UInt64, _ leaves: [Hash256]?, _ chunk: SpentChunk?
    ) throws -> Amount {
        let tables = reader.tables
        var values = Amount.zero
        for position in first..<first + count {
            let key = RecordKey(position)
            let isSpent = chunk?.isSpent(position) ?? true
            guard let found = try attempt({ try $0.reader.transaction.record(tables.outputs, key) }) else {
                continue
            }
            guard let bytes = found else {
                if !isSpent { try note(tables.outputs, key, "unspent but missing") }
                continue
            }
            report.records += 1
            guard let record = try attempt({ try $0.reader.outputRecord(bytes, key) }) else { continue }
            if let leaves, record.entry.leaf(for: record.outPoint) != leaves[Int(position - first)] {
                try note(tables.outputs, key, "not the output that the commitment has here")
            }
            guard !isSpent else { continue }
            report.outputs += 1
            values = values.adding(record.entry.output.value) ?? values
        }
        return values
    }

    private mutating func add(
        _ group: UInt64, _ leaves: [Hash256]?, to range: inout RangeBuilder
    ) throws {
        let key = CommitmentNodeKey(tree: .outputs, level: LeafGroup.levels, index: group)
        let kept = try attempt { try $0.reader.node(key) } ?? nil
        let computed = leaves.flatMap { LeafGroup($0).node(key) }
        if let computed, kept != computed {
            try note(reader.tables.nodes, RecordKey(key), "not the hash of its leaves")
        } else if kept == nil {
            try note(reader.tables.nodes, RecordKey(key), "missing")
        }
        try check(range.add(computed ?? kept ?? .zero))
    }

    private mutating func check(_ nodes: [(key: CommitmentNodeKey, hash: Hash256)]) throws {
        for (key, hash) in nodes {
            report.records += 1
            guard let kept = try attempt({ try $0.reader.node(key) }) else { continue }
            if kept != hash { try note(reader.tables.nodes, RecordKey(key), "not the hash of those below") }
        }
    }
}

extension LeafGroup {
    /// The complete nodes of a group that is not full which no other covers, from the highest to the lowest.
    var peaks: [Hash256] {
        (0..<LeafGroup.levels).reversed().filter { leaves.count >> Int($0) & 1 == 1 }.compactMap { level in
            node(
                CommitmentNodeKey(
                    tree: .outputs, level: level, index: UInt64(leaves.count >> Int(level)) - 1))
        }
    }
}
