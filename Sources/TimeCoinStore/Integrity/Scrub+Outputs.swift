import TimeCoinCore

extension Scrub {
    mutating func checkOutput(_ key: RecordKey, _ bytes: [UInt8]) throws(StoreFailure) {
        let tables = reader.tables
        let position = key.leadingNumber
        guard let tip, key.number != nil, position < tip.leafCount else {
            return note(tables.outputs, key, "beyond the leaves")
        }
        let record = try reader.outputRecord(bytes, key)
        let group = position / LeafGroup.size
        let leaves =
            try reader.sound { reader throws(StoreFailure) in try reader.leaves(group: group) } ?? nil
        let place = Int(position % LeafGroup.size)
        if let leaves, place < leaves.count, leaves[place] != record.entry.leaf(for: record.outPoint) {
            // One of both is wrong; leaves are right if they lead to the root.
            let areProven = try commitmentPath()?.proves(LeafGroup(leaves), at: group) ?? true
            guard !areProven else {
                return note(tables.outputs, key, "not the output that the commitment has here")
            }
            note(tables.leaves, RecordKey(group), "not under the root")
        }
        let height = record.entry.height
        let found =
            try reader.sound { reader throws(StoreFailure) in
                try reader.position(of: record.outPoint)
            } ?? nil
        if found != position {
            note(
                tables.transactions, RecordKey(record.outPoint.transaction),
                "does not lead to position \(position)", near: height)
        }
        guard reader.addressIndex, try !isSpent(position) else { return }
        let index = RecordKey(script: tables.scriptKey(record.entry.output.locking), position: position)
        if try reader.transaction.record(tables.addresses, index) == nil {
            note(tables.addresses, index, "missing beside its output")
        }
    }

    mutating func checkTransaction(_ key: RecordKey) throws(StoreFailure) {
        let tables = reader.tables
        guard let tip, let identifier = key.hash, let row = try reader.transactionRecord(identifier) else {
            return note(tables.transactions, key, "of no transaction")
        }
        guard row.location.height <= tip.height else {
            return note(tables.transactions, key, "leads beyond the chain")
        }
        guard row.positionCount > 0 else { return }
        let position = row.firstPosition
        // Of a spent output nothing need be there.
        guard let bytes = try reader.transaction.record(tables.outputs, RecordKey(position)) else { return }
        let output = try reader.outputRecord(bytes, RecordKey(position))
        let isThere =
            switch row.place(of: output.outPoint.index) {
            case .nowhere: false
            case .at(let place): place == position
            case .among(let positions): positions.contains(position)
            }
        if output.outPoint.transaction != identifier || output.entry.height != row.location.height || !isThere
        {
            note(
                tables.transactions, key, "leads to another transaction's output", near: row.location.height)
        }
    }

    mutating func checkAddress(_ key: RecordKey) throws(StoreFailure) {
        let table = reader.tables.addresses
        guard let tip, let position = key.position, position < tip.leafCount, try !isSpent(position) else {
            return note(table, key, "of no unspent output")
        }
        let outputs = reader.tables.outputs
        guard let bytes = try reader.transaction.record(outputs, RecordKey(position)) else { return }
        let record = try reader.outputRecord(bytes, RecordKey(position))
        if reader.tables.scriptKey(record.entry.output.locking) != key.leadingNumber {
            note(table, key, "the output has another script")
        }
    }

    mutating func checkHistory(_ key: RecordKey) throws(StoreFailure) {
        let table = reader.tables.history
        guard let tip, let location = key.location, location.height <= tip.height else {
            return note(table, key, "beyond the chain")
        }
        guard location.height >= base.blocksFrom else { return }
        let count = try reader.transaction.withRecord(reader.tables.blocks, RecordKey(location.height)) {
            Scrub.transactionCount($0)
        }
        if let count = count ?? nil, location.index >= count {
            note(table, key, "there is no such transaction")
        }
    }

    /// Transactions of an encoded block: their number stands behind the header.
    private static func transactionCount(_ block: UnsafeRawBufferPointer) -> UInt64? {
        let start = Array(block.dropFirst(BlockHeader.byteCount).prefix(9))
        var reader = ByteReader(start)
        return try? reader.readCompactSize()
    }

    // MARK: - Commitment

    mutating func checkNode(_ key: RecordKey) throws(StoreFailure) {
        let table = reader.tables.nodes
        guard let node = key.node, let path = try nodePath(node) else {
            return note(table, key, "there is no such node")
        }
        guard let hash = try reader.node(node) else { return }
        if let below = try path.computed(node), below != hash, try !path.proves(hash, at: node) {
            note(table, key, "not the hash of those below")
        }
        let above = CommitmentNodeKey(tree: node.tree, level: node.level + 1, index: node.index >> 1)
        // The right one of two has to lead to the one above both.
        if node.index & 1 == 1, path.isKept(above), try reader.node(above) == nil {
            note(table, RecordKey(above), "missing")
        }
    }

    /// `nil` for a node that there is not.
    private mutating func nodePath(_ key: CommitmentNodeKey) throws(StoreFailure) -> CommitmentPath? {
        guard let path = try commitmentPath() else {
            throw reader.tables.state.corrupt(ChainTables.stateKey, "not the state after the tip")
        }
        return path.isKept(key) ? path : nil
    }

    mutating func checkChunk(_ key: RecordKey) throws(StoreFailure) {
        let tables = reader.tables
        guard let tip, let index = key.number, index < CommitmentPath.chunkCount(tip.leafCount) else {
            return note(tables.chunks, key, "beyond the leaves")
        }
        guard let chunk = try reader.chunk(index) else { return }
        let hash = Blake2b.hash256(.spentChunk, chunk.bytes)
        let node = CommitmentNodeKey(tree: .spent, level: 0, index: index)
        let kept = try reader.sound { reader throws(StoreFailure) in try reader.node(node) } ?? nil
        guard kept != hash else { return }
        if try commitmentPath()?.proves(hash, at: node) ?? true {
            note(tables.nodes, RecordKey(node), kept == nil ? "missing" : "not the hash of its chunk")
        } else {
            note(tables.chunks, key, "not under the root")
        }
    }

    mutating func checkLeaves(_ key: RecordKey) throws(StoreFailure) {
        let tables = reader.tables
        guard let tip, let index = key.number, index * LeafGroup.size < tip.leafCount else {
            return note(tables.leaves, key, "beyond the leaves")
        }
        guard let group = try reader.leafGroup(index) else { return }
        let expected = min(LeafGroup.size, tip.leafCount - index * LeafGroup.size)
        guard group.leaves.count == Int(expected) else {
            return note(tables.leaves, key, "\(group.leaves.count) leaves, there must be \(expected)")
        }
        let node = CommitmentNodeKey(tree: .outputs, level: LeafGroup.levels, index: index)
        guard let hash = group.node(node) else {
            if try commitmentPath()?.proves(group, at: index) == false {
                note(tables.leaves, key, "not under the root")
            }
            return
        }
        let kept = try reader.sound { reader throws(StoreFailure) in try reader.node(node) } ?? nil
        guard kept != hash else { return }
        if try commitmentPath()?.proves(hash, at: node) ?? true {
            note(tables.nodes, RecordKey(node), kept == nil ? "missing" : "not the hash of its leaves")
        } else {
            note(tables.leaves, key, "not under the root")
        }
    }
}
