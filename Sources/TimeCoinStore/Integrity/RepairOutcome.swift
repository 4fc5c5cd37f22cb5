public import TimeCoinCore

/// What became of a damaged record.
public enum RepairOutcome: Hashable, Sendable {
    /// It is as it was before the damage, or nothing needs it: of undo records those from the next one on
    /// are left, and a transaction whose block is not here is known by its outputs.
    case repaired
    /// The block of this height, with its certificate, has to come from somebody else;
    /// ``ChainStore/restore(_:)`` takes it.
    case needsBlock(Height)
    /// No other record says what it has been; why.
    case impossible(String)
}

extension ChainStore {
    /// Searches over a snapshot before the last one, which holds up the writer.
    private static let searchesMax = 3

    /// Makes a damaged record again from other records. Whatever is written was verified: by the header, by a
    /// leaf, or by the way up to a root of the certified header. What was there is in quarantine.
    ///
    /// - Parameters:
    ///   - height: a height at which what is needed is likely to be found.
    ///   - sets: of validators that are known from elsewhere: that of genesis, those of recoveries.
    /// - Throws: ``StoreFailure`` for faults of the disk.
    public func repair(
        _ record: StoreFailure.DamagedRecord, near height: Height? = nil, knowing sets: [ValidatorSet] = []
    ) throws(StoreFailure) -> RepairOutcome {
        guard let (table, key) = tables.place(of: record) else {
            return .impossible("the damage of \(record) has no key")
        }
        do throws(StoreFailure) {
            if table.identifier == tables.state.identifier { return try repairState(key) }
            for attempt in 1...ChainStore.searchesMax {
                let isLast = attempt == ChainStore.searchesMax
                let prepared = isLast ? nil : try remedy(table, key, near: height, sets)
                if case .forget(let height) = prepared?.remedy { try forgetUndo(below: height) }
                if let outcome = try apply(prepared, table, key, near: height, sets) { return outcome }
            }
        } catch {
            // Pages of the tree itself are damaged: nothing more is written into it.
            guard error.code == .corrupt else { throw error }
            return .impossible("\(error)")
        }
        return .impossible("the chain changes too fast")
    }

    private func remedy(
        _ table: Table, _ key: RecordKey, near height: Height?, _ sets: [ValidatorSet]
    ) throws(StoreFailure) -> (tip: ChainTip, remedy: Repair.Remedy)? {
        do {
            return try reading { reader in
                guard let repair = try Repair(reader, near: height, knowing: sets) else { return nil }
                return (repair.tip, try repair.remedy(table, key))
            }
        } catch let failure as StoreFailure {
            throw failure
        } catch {
            throw StoreFailure(.corrupt, "the repair failed", cause: error)
        }
    }

    /// - Parameter prepared: found over a snapshot; it holds as long as the tip is the same.
    /// - Returns: `nil` when there is another tip.
    private func apply(
        _ prepared: (tip: ChainTip, remedy: Repair.Remedy)?, _ table: Table, _ key: RecordKey,
        near height: Height?, _ sets: [ValidatorSet]
    ) throws(StoreFailure) -> RepairOutcome? {
        try environment.write { transaction throws(StoreFailure) -> RepairOutcome? in
            let writer = ChainWriter(transaction, tables, options)
            guard let repair = try Repair(writer.reader, near: height, knowing: sets) else {
                return .impossible("the tip cannot be read")
            }
            guard prepared.map({ $0.tip == repair.tip }) ?? true else { return nil }
            let remedy = if let prepared { prepared.remedy } else { try repair.remedy(table, key) }
            return try writer.movingCounts { () throws(StoreFailure) in
                if try writer.isDone(remedy, table, key) {
                    try writer.markRepaired(table, key)
                    return .repaired
                }
                guard try writer.quarantine(table, key) else {
                    return .impossible("the quarantine is full")
                }
                switch remedy {
                case .keep: break
                case .needsBlock(let height): return .needsBlock(height)
                case .impossible(let reason): return .impossible(reason)
                case .put(let payload):
                    try writer.repairing(table, key) { () throws(StoreFailure) in
                        try writer.overwrite(payload, table, key)
                    }
                    guard try transaction.record(table, key) == payload else {
                        throw table.corrupt(key, "not there after it was written")
                    }
                case .remove:
                    try writer.repairing(table, key) { () throws(StoreFailure) in
                        guard try transaction.delete(table, key, isKnown: false) else {
                            throw table.corrupt(key, "not there to be removed")
                        }
                    }
                // It may be one that is missing.
                case .forget: _ = try transaction.delete(table, key, isKnown: false)
                }
                try writer.markRepaired(table, key)
                return .repaired
            }
        }
    }

    /// Takes a block that was damaged here from somebody else: only what is damaged is written.
    ///
    /// - Parameter block: the signatures of its certificate were verified by the caller, with the set of its
    ///   height.
    /// - Returns: the records that are right again; none where nothing was damaged.
    /// - Throws: ``StoreFailure``: `invalidCommit` for anything but the block of the chain at this height
    ///   with a certificate of it; as ``commit(_:)``.
    @discardableResult
    public func restore(_ block: StoredBlock) throws(StoreFailure) -> [StoreFailure.DamagedRecord] {
        guard let checked = try? CheckedBlock(decoding: block.block), checked.header.height == block.height,
            Certificate.isCommit(block.certificate, of: checked.header)
        else { throw StoreFailure(.invalidCommit, "not a block of height \(block.height)") }
        return try environment.write { transaction throws(StoreFailure) in
            let writer = ChainWriter(transaction, tables, options)
            guard let repair = try Repair(writer.reader, near: nil),
                try repair.hash(at: block.height) == checked.hash
            else {
                throw StoreFailure(
                    .invalidCommit, "\(checked.hash) is not block \(block.height) of this chain")
            }
            return try writer.movingCounts { () throws(StoreFailure) in
                try writer.restore(checked, block, repair)
            }
        }
    }
}

extension ChainWriter {
    /// Whether nothing is left to be done: another repair may have been before this one.
    fileprivate func isDone(
        _ remedy: Repair.Remedy, _ table: Table, _ key: RecordKey
    ) throws(StoreFailure) -> Bool {
        switch remedy {
        case .keep: return true
        case .put(let payload):
            return try reader.sound { reader throws(StoreFailure) in
                try reader.transaction.record(table, key) == payload
            } ?? false
        case .remove: return try transaction.raw(table, key, bytesMax: 1) == nil
        case .needsBlock, .impossible, .forget: return false
        }
    }

    fileprivate func restore(
        _ checked: CheckedBlock, _ block: StoredBlock, _ repair: Repair
    ) throws(StoreFailure) -> [StoreFailure.DamagedRecord] {
        let key = RecordKey(block.height)
        let header = HeaderRecord(hash: checked.hash, header: checked.header).encoded
        var restored: [StoreFailure.DamagedRecord] = []
        func put(
            _ payload: [UInt8], _ table: Table, _ key: RecordKey, unless isRight: ([UInt8]) -> Bool
        ) throws(StoreFailure) {
            let kept =
                try reader.sound { reader throws(StoreFailure) in
                    try reader.transaction.record(table, key)
                } ?? nil
            guard kept.map(isRight) != true else { return }
            guard try quarantine(table, key) else {
                throw StoreFailure(.corrupt, "the quarantine is full of what was not repaired")
            }
            try repairing(table, key) { () throws(StoreFailure) in try overwrite(payload, table, key) }
            try markRepaired(table, key)
            restored.append(.init(table: table.name, key: key.bytes))
        }
        if repair.hasHeader(block.height) {
            try put(header, tables.headers, key) { $0 == header }
            let number = ByteWriter.number(block.height)
            try put(number, tables.heights, RecordKey(checked.hash)) { $0 == number }
        }
        if repair.hasBlock(block.height) { try put(block.block, tables.blocks, key) { $0 == block.block } }
        if repair.hasCertificate(checked.header) {
            // Another certificate of the same block is as good.
            try put(block.certificate, tables.certificates, key) {
                Certificate.isCommit($0, of: checked.header)
            }
        }
        return restored
    }
}
