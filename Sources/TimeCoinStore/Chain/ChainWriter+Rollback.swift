import TimeCoinCore

extension ChainWriter {
    /// Takes back the tip.
    func rollback() throws(StoreFailure) -> ChainTip {
        guard let tip = try reader.tip(), tip.height > 0, let undo = try reader.undo(at: tip.height) else {
            throw StoreFailure(.noUndo, "there is no undo record of the tip")
        }
        guard let state = try reader.state(), let previousState = undo.previousState(after: state) else {
            throw tables.undo.corrupt(RecordKey(tip.height), "does not begin with the state after the tip")
        }
        try reader.checkCommitment(tip.leafCount)
        let commitment = try CommitmentRollback(
            leafCount: tip.leafCount, to: undo.previousTip.leafCount, spent: undo.spent.map(\.entry.position),
            kept: reader)
        let height = RecordKey(tip.height)
        let changedSet = try reader.header(at: tip.height).map { $0.nextValidators != $0.validators } ?? false
        for table in [tables.undo, tables.headers, tables.blocks, tables.certificates] {
            try remove(table, height)
        }
        // The set itself stays: it is named by its hash and does no harm.
        if changedSet { _ = try transaction.delete(tables.setChanges, height) }
        try remove(tables.heights, RecordKey(tip.hash))
        for identifier in undo.transactions.sorted() {
            try remove(tables.transactions, RecordKey(identifier))
        }
        for entry in undo.history {
            let location = TransactionLocation(height: tip.height, index: entry.index)
            try remove(tables.history, RecordKey(script: entry.script, location))
        }
        try restoreOutputs(undo, leafCount: tip.leafCount)
        try restore(commitment, undo.previousTip.leafCount)
        try writeCommitment(undo.previousTip.leafCount)
        try overwrite(previousState, tables.state, ChainTables.stateKey)
        try overwrite(undo.previousTip.encoded, tables.state, ChainTables.tipKey)
        return undo.previousTip
    }

    private func restoreOutputs(_ undo: UndoRecord, leafCount: UInt64) throws(StoreFailure) {
        let first = undo.previousTip.leafCount
        var created: [(outPoint: OutPoint, entry: OutputEntry)] = []
        try transaction.scan(tables.outputs, from: RecordKey(first)) { key, bytes throws(StoreFailure) in
            let record = try reader.outputRecord(bytes, key)
            created.append((record.outPoint, record.entry))
            return true
        }
        try changeAddresses(
            removing: created, adding: undo.spent.map { (outPoint: $0.outPoint, entry: $0.entry) })
        try transaction.deleteRecords(tables.outputs, from: first, count: leafCount - first) { _ in true }
        for output in undo.spent {
            var writer = ByteWriter(reserving: 128)
            OutputRecord.encode(output.outPoint, output.entry, into: &writer)
            // Whether or not it was swept meanwhile.
            try overwrite(writer.bytes, tables.outputs, RecordKey(output.entry.position))
        }
    }

    private func restore(_ commitment: CommitmentRollback, _ leafCount: UInt64) throws(StoreFailure) {
        for key in commitment.removedNodes where key.tree == .spent || key.level >= LeafGroup.levels {
            try remove(tables.nodes, RecordKey(key))
        }
        for (key, hash) in commitment.nodes {
            try overwrite(hash.bytes, tables.nodes, RecordKey(key))
        }
        for index in commitment.removedChunks {
            try remove(tables.chunks, RecordKey(index))
            _ = try transaction.delete(tables.sweeps, RecordKey(index))
        }
        for (index, chunk) in commitment.chunks {
            try overwrite(chunk.bytes, tables.chunks, RecordKey(index))
        }
        let boundary = leafCount / LeafGroup.size
        let filled = Int(leafCount % LeafGroup.size)
        let kept = filled == 0 ? nil : try reader.leafGroup(boundary)
        if filled > 0, kept.map({ $0.leaves.count < filled }) ?? true {
            throw tables.leaves.corrupt(RecordKey(boundary), "not the \(filled) leaves of before the block")
        }
        try transaction.deleteRecords(tables.leaves, from: boundary, count: .max) { _ in true }
        if let kept {
            try overwrite(
                LeafGroup(Array(kept.leaves.prefix(filled))).encoded, tables.leaves, RecordKey(boundary))
        }
    }
}
