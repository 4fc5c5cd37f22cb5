import TimeCoinCore

extension Repair {
    /// The output as the block has created it, if the leaf at its place says so.
    func output(_ key: RecordKey) throws(StoreFailure) -> Remedy {
        guard let position = key.number, position < tip.leafCount else { return .remove }
        let isSpent = try reader.isSpent(position)
        switch try search.creation(of: position) {
        case .created(let created):
            guard let (outPoint, entry) = created.output(at: position),
                try isLeaf(entry.leaf(for: outPoint), at: position)
            else { return isSpent ? .remove : .impossible("no block creates output \(position)") }
            var writer = ByteWriter(reserving: 128)
            OutputRecord.encode(outPoint, entry, into: &writer)
            return .put(writer.bytes)
        case .unreadable(let height):
            // Of a spent output nothing need be there.
            return isSpent ? .remove : .needsBlock(height)
        case .unknown:
            return isSpent ? .remove : .impossible("the block that created output \(position) is not here")
        }
    }

    private func isLeaf(_ leaf: Hash256, at position: UInt64) throws(StoreFailure) -> Bool {
        let group = position / LeafGroup.size
        let place = Int(position % LeafGroup.size)
        guard let leaves = try reader.leaves(group: group), place < leaves.count else { return false }
        return leaves[place] == leaf
    }

    /// The leaves of a group by the outputs that are there, and by the blocks for those that are not.
    func leaves(_ key: RecordKey) throws(StoreFailure) -> Remedy {
        let first = key.leadingNumber.multipliedReportingOverflow(by: LeafGroup.size)
        guard let index = key.number, !first.overflow, first.partialValue < tip.leafCount else {
            return .remove
        }
        guard let path = try CommitmentPath(reader) else { return .impossible("the state is damaged, too") }
        let start = first.partialValue
        var group = LeafGroup()
        var created: CreatedOutputs?
        for position in start..<min(tip.leafCount, start + LeafGroup.size) {
            if let leaf = try keptLeaf(position) {
                group.append(leaf)
                continue
            }
            if created?.output(at: position) == nil {
                switch try search.creation(of: position) {
                case .created(let found): created = found
                case .unreadable(let height): return .needsBlock(height)
                case .unknown: return .impossible("the block that created output \(position) is not here")
                }
            }
            guard let (outPoint, entry) = created?.output(at: position) else {
                return .impossible("no block creates output \(position)")
            }
            group.append(entry.leaf(for: outPoint))
        }
        guard try path.proves(group, at: index) else {
            return .impossible("the outputs are not those under the root")
        }
        return .put(group.encoded)
    }

    private func keptLeaf(_ position: UInt64) throws(StoreFailure) -> Hash256? {
        try reader.sound { reader throws(StoreFailure) -> Hash256? in
            let key = RecordKey(position)
            guard let bytes = try reader.transaction.record(reader.tables.outputs, key) else { return nil }
            let record = try reader.outputRecord(bytes, key)
            return record.entry.leaf(for: record.outPoint)
        } ?? nil
    }

    func transaction(_ key: RecordKey) throws(StoreFailure) -> Remedy {
        guard let identifier = key.hash else { return .remove }
        let (created, place, isWhole) = try search.block(with: identifier, near: near)
        guard let created else {
            guard isWhole else {
                return .impossible("transaction \(identifier) is in none of the blocks that can be read")
            }
            return base.blocksFrom == 0 ? .remove : try transaction(byOutputs: identifier)
        }
        let committed = created.transactions[place]
        if committed.positionCount > 0 {
            guard let (outPoint, entry) = created.output(at: committed.firstPosition),
                outPoint.transaction == identifier,
                try isLeaf(entry.leaf(for: outPoint), at: committed.firstPosition)
            else { return .impossible("the place of the outputs of \(identifier) is not known") }
        }
        let location = TransactionLocation(
            height: created.block.header.height, index: UInt32(truncatingIfNeeded: place))
        return .put(TransactionRecord(committed, at: location).encoded)
    }

    /// A transaction of a block that is not here, by those of its outputs that are: they stand together. Of
    /// one that has none nothing need be known.
    private func transaction(byOutputs identifier: Hash256) throws(StoreFailure) -> Remedy {
        guard tip.leafCount <= Repair.outputsScannedMax else {
            return .impossible("the block of transaction \(identifier) is not here")
        }
        var found: [UnspentOutput] = []
        var isWhole = true
        try reader.transaction.walk(reader.tables.outputs) { key, bytes throws(StoreFailure) in
            let record = try reader.sound { reader throws(StoreFailure) in
                try bytes.map { bytes throws(StoreFailure) in try reader.outputRecord(bytes, key) }
            }
            guard let record, let record else { return isWhole = false }
            guard record.outPoint.transaction == identifier else { return }
            guard try isLeaf(record.entry.leaf(for: record.outPoint), at: record.entry.position) else {
                return isWhole = false
            }
            found.append(UnspentOutput(outPoint: record.outPoint, entry: record.entry))
        }
        guard isWhole else { return .impossible("an output is damaged, which may be of \(identifier)") }
        return TransactionRecord(unspent: found).map { .put($0.encoded) } ?? .remove
    }

    func node(_ key: RecordKey) throws(StoreFailure) -> Remedy {
        guard let path = try CommitmentPath(reader) else { return .impossible("the state is damaged, too") }
        guard let node = key.node, path.isKept(node) else { return .remove }
        guard let hash = try path.computed(node), try path.proves(hash, at: node) else {
            return .impossible("what is below node \(node) is damaged, too")
        }
        return .put(hash.bytes)
    }

    /// The bits of a chunk by the index of addresses, which lists what is unspent.
    func chunk(_ key: RecordKey) throws(StoreFailure) -> Remedy {
        guard let index = key.number, index < CommitmentPath.chunkCount(tip.leafCount) else { return .remove }
        guard let path = try CommitmentPath(reader) else { return .impossible("the state is damaged, too") }
        var bits = [UInt8](repeating: 0, count: SpentChunk.byteCount)
        let first = index * SpentChunk.positions
        for position in first..<min(tip.leafCount, first + SpentChunk.positions) {
            let place = Int(position - first)
            if try !isListed(position) { bits[place >> 3] |= 1 << UInt8(place & 7) }
        }
        let node = CommitmentNodeKey(tree: .spent, level: 0, index: index)
        guard try path.proves(Blake2b.hash256(.spentChunk, bits), at: node) else {
            return .impossible("which outputs of chunk \(index) are spent cannot be told from the others")
        }
        return .put(bits)
    }

    /// Whether an output is there and the index lists it, so that it is unspent.
    private func isListed(_ position: UInt64) throws(StoreFailure) -> Bool {
        let key = RecordKey(position)
        guard let bytes = try reader.transaction.record(reader.tables.outputs, key) else { return false }
        // Without the index: most of what is there is unspent, and the hash tells whether all of it is.
        guard reader.addressIndex else { return true }
        let locking = try reader.outputRecord(bytes, key).entry.output.locking
        let row = RecordKey(script: reader.tables.scriptKey(locking), position: position)
        return try reader.transaction.record(reader.tables.addresses, row) != nil
    }

    // MARK: - Addresses

    func address(_ key: RecordKey) throws(StoreFailure) -> Remedy {
        guard let position = key.position, position < tip.leafCount, try !reader.isSpent(position) else {
            return .remove
        }
        guard let bytes = try reader.transaction.record(reader.tables.outputs, RecordKey(position)) else {
            return .impossible("output \(position) is missing, too")
        }
        let record = try reader.outputRecord(bytes, RecordKey(position))
        guard try isLeaf(record.entry.leaf(for: record.outPoint), at: position) else {
            return .impossible("output \(position) is not the one under the root")
        }
        return reader.tables.scriptKey(record.entry.output.locking) == key.leadingNumber ? .put([]) : .remove
    }

    /// Whether the transaction creates or spends an output with the script.
    func history(_ key: RecordKey) throws(StoreFailure) -> Remedy {
        guard let location = key.location, location.height <= tip.height else { return .remove }
        let script = key.leadingNumber
        let undo =
            try reader.sound { reader throws(StoreFailure) in
                try reader.undo(at: location.height)
            } ?? nil
        if let undo, undo.previousTip.height + 1 == location.height {
            return undo.history.contains { $0.script == script && $0.index == location.index }
                ? .put([]) : .remove
        }
        guard hasBlock(location.height) else {
            return .impossible("block \(location.height) is not here any more")
        }
        guard let block = try search.block(at: location.height) else { return .needsBlock(location.height) }
        guard location.index < block.transactions.count else { return .remove }
        let transaction = block.transactions[Int(location.index)].transaction
        if transaction.outputs.contains(where: { matches($0, script) }) { return .put([]) }
        for input in transaction.inputs {
            guard let output = try created(input.previous) else {
                return .impossible(
                    "what transaction \(location.index) of block \(location.height) spends is unknown")
            }
            if matches(output, script) { return .put([]) }
        }
        return .remove
    }

    private func matches(_ output: TransactionOutput, _ script: UInt64) -> Bool {
        !output.locking.isDataCarrier && reader.tables.scriptKey(output.locking) == script
    }

    /// An output by the block that created it.
    private func created(_ outPoint: OutPoint) throws(StoreFailure) -> TransactionOutput? {
        guard let location = try reader.location(of: outPoint.transaction),
            let block = try search.block(at: location.height),
            location.index < block.transactions.count
        else { return nil }
        let outputs = block.transactions[Int(location.index)].transaction.outputs
        return outPoint.index < outputs.count ? outputs[Int(outPoint.index)] : nil
    }
}
