import TimeCoinCore

/// What of the table of the state follows from other records: the tip, and from where on there is history.
struct StateRepair {
    let reader: ChainReader

    /// - Returns: `nil` where no other record says it, or these are damaged, too.
    func payload(_ key: RecordKey) throws(StoreFailure) -> [UInt8]? {
        switch key {
        case ChainTables.tipKey: try tip()?.encoded
        case ChainTables.baseKey: try base()?.encoded
        default: nil
        }
    }

    /// The state says it, if it is the one under the last header.
    private func tip() throws(StoreFailure) -> ChainTip? {
        let bytes = try reader.sound { reader throws(StoreFailure) in try reader.state() } ?? nil
        guard let bytes, let state = try? ChainState(decoding: bytes),
            let last = try reader.transaction.lastKey(reader.tables.headers)?.number, last == state.height,
            let record = try reader.sound({ reader throws(StoreFailure) in
                try reader.headerRecord(at: last)
            }) ?? nil,
            record.hash == state.headerHash, record.header == state.header,
            state.roots.root == state.header.stateRoot
        else { return nil }
        return ChainTip(
            height: state.height, hash: state.headerHash, slot: state.slot, outputCount: state.outputCount,
            leafCount: state.commitment.leafCount)
    }

    /// The first header and the first block, where none is missing behind them.
    private func base() throws(StoreFailure) -> HistoryBase? {
        let tables = reader.tables
        guard let tip = try reader.sound({ reader throws(StoreFailure) in try reader.tip() }) ?? nil,
            let headers = try reader.transaction.firstKey(tables.headers)?.number
        else { return nil }
        let blocks = try reader.transaction.firstKey(tables.blocks)?.number ?? tip.height + 1
        guard headers <= tip.height, blocks <= tip.height + 1,
            try reader.transaction.count(tables.headers) == tip.height - headers + 1,
            try reader.transaction.count(tables.blocks) == tip.height + 1 - blocks
        else { return nil }
        return HistoryBase(headersFrom: headers, blocksFrom: blocks)
    }
}

extension ChainStore {
    /// Makes the tip or the base of the history again; of the state itself there is no other record.
    func repairState(_ key: RecordKey) throws(StoreFailure) -> RepairOutcome {
        try environment.write { transaction throws(StoreFailure) in
            let writer = ChainWriter(transaction, tables, options)
            return try writer.movingCounts { () throws(StoreFailure) in
                let isKept = try writer.quarantine(tables.state, key)
                guard let payload = try StateRepair(reader: writer.reader).payload(key) else {
                    return .impossible("no other record holds the state")
                }
                guard isKept else { return .impossible("the quarantine is full") }
                try writer.overwrite(payload, tables.state, key)
                try writer.markRepaired(tables.state, key)
                return .repaired
            }
        }
    }

    /// Takes undo records away up to one that is damaged: behind it none leads anywhere, and a history of
    /// the way back that begins later is a sound one.
    func forgetUndo(below height: Height) throws(StoreFailure) {
        var isOver = false
        while !isOver {
            isOver = try environment.write { transaction throws(StoreFailure) in
                let writer = ChainWriter(transaction, tables, options)
                return try writer.movingCounts { () throws(StoreFailure) in
                    for _ in 0..<ChainStore.prunedMax {
                        guard let oldest = try transaction.firstKey(tables.undo),
                            oldest.leadingNumber < height
                        else { return true }
                        try writer.remove(tables.undo, oldest)
                    }
                    return false
                }
            }
        }
    }
}
