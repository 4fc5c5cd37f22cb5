import TimeCoinCore

extension Scrub {
    /// Whether a sound record says what those around it say.
    mutating func check(
        _ part: ScrubbedTable, _ key: RecordKey, _ payload: [UInt8]
    ) throws(StoreFailure) {
        switch part {
        case .state: try checkState(key, payload)
        case .headers: try checkHeader(key)
        case .heights: try checkHeight(key)
        case .blocks: try checkBlock(key, payload)
        case .certificates: try checkCertificate(key, payload)
        case .undo: try checkUndo(key)
        case .outputs: try checkOutput(key, payload)
        case .transactions: try checkTransaction(key)
        case .nodes: try checkNode(key)
        case .chunks: try checkChunk(key)
        case .addresses: try checkAddress(key)
        case .leaves: try checkLeaves(key)
        case .history: try checkHistory(key)
        case .validatorSets:
            if ChainReader.validatorSet(payload)?.hash != key.hash {
                note(reader.tables.validatorSets, key, "not the set of this hash")
            }
        case .setChanges:
            guard let header = try header(at: key.leadingNumber)?.header else { return }
            if header.nextValidators == header.validators {
                note(reader.tables.setChanges, key, "the set does not change here")
            }
        case .sweeps:
            if key.leadingNumber >= CommitmentPath.chunkCount(tip?.leafCount ?? 0) {
                note(reader.tables.sweeps, key, "there is no such chunk")
            }
        case .sums: _ = try reader.sums(key)
        case .quarantine:
            if QuarantinedRecord(payload) == nil { note(reader.tables.quarantine, key, "not readable") }
        }
    }

    private mutating func checkState(_ key: RecordKey, _ payload: [UInt8]) throws(StoreFailure) {
        let tables = reader.tables
        switch key {
        case ChainTables.tipKey: _ = try reader.tip()
        case ChainTables.baseKey: _ = try reader.base()
        case ChainTables.countsKey: _ = try reader.counts()
        case ChainTables.commitmentKey: _ = try reader.keptCommitment(tip?.leafCount ?? 0)
        case ChainTables.stateKey:
            guard let tip else { return }
            guard let state = try? ChainState(decoding: payload), state.headerHash == tip.hash,
                state.header.hash == tip.hash, state.roots.root == state.header.stateRoot,
                state.commitment.leafCount == tip.leafCount, state.outputCount == tip.outputCount
            else { return note(tables.state, key, "not the state after \(tip.hash)") }
            if try reader.keptCommitment(state.commitment.leafCount) != state.commitment {
                note(tables.state, ChainTables.commitmentKey, "not that of the state")
            }
            if try reader.validatorSet(state.validators.hash) == nil {
                note(tables.validatorSets, RecordKey(state.validators.hash), "missing: it is that of the tip")
            }
        default: note(tables.state, key, "not a record of the state")
        }
    }

    private mutating func checkHeader(_ key: RecordKey) throws(StoreFailure) {
        let tables = reader.tables
        let height = key.leadingNumber
        guard let tip, key.number != nil, height <= tip.height, height >= base.headersFrom else {
            return note(tables.headers, key, "beyond the chain")
        }
        guard let record = try reader.headerRecord(at: height) else { return }
        guard record.hash == record.header.hash, record.header.height == height else {
            return note(tables.headers, key, "not a header of this height")
        }
        let above =
            height == tip.height
            ? tip.hash
            : try reader.sound { reader throws(StoreFailure) -> Hash256? in
                guard let above = try reader.headerRecord(at: height + 1),
                    above.hash == above.header.hash, above.header.height == height + 1
                else { return nil }
                return above.header.previous
            } ?? nil
        if let above, above != record.hash {
            return note(tables.headers, key, "not the header that the one above names")
        }
        if try reader.height(of: record.hash) != height {
            note(tables.heights, RecordKey(record.hash), "does not lead to height \(height)", near: height)
        }
        if height < base.blocksFrom, record.header.kind == .scheduled,
            try reader.transaction.record(tables.certificates, key) == nil
        {
            note(tables.certificates, key, "missing")
        }
        guard height >= base.blocksFrom, record.header.nextValidators != record.header.validators,
            try reader.validatorSet(record.header.nextValidators) != nil,
            try reader.transaction.record(tables.setChanges, key) == nil
        else { return }
        note(tables.setChanges, key, "missing")
    }

    /// A header that is one of its height; what is none is damage of its own.
    private func header(at height: Height) throws(StoreFailure) -> HeaderRecord? {
        guard let record = try reader.headerRecord(at: height) else { return nil }
        guard record.hash == record.header.hash, record.header.height == height else {
            throw reader.tables.headers.corrupt(RecordKey(height), "not a header of this height")
        }
        return record
    }

    private mutating func checkHeight(_ key: RecordKey) throws(StoreFailure) {
        let height = try key.hash.flatMap { hash throws(StoreFailure) in try reader.height(of: hash) }
        guard let height, let header = try header(at: height) else {
            return note(reader.tables.heights, key, "does not lead to a header")
        }
        if header.hash != key.hash { note(reader.tables.heights, key, "does not lead to its header") }
    }

    private mutating func checkBlock(_ key: RecordKey, _ bytes: [UInt8]) throws(StoreFailure) {
        let tables = reader.tables
        let height = key.leadingNumber
        guard let tip, key.number != nil, height <= tip.height, height >= base.blocksFrom else {
            return note(tables.blocks, key, "beyond the chain")
        }
        // Decoding computes the roots over the transactions and compares them with the header's.
        guard let block = try? CheckedBlock(decoding: bytes), block.header.height == height else {
            return note(tables.blocks, key, "not a block of this height")
        }
        count(block.transactions.count)
        guard try header(at: height)?.hash == block.hash else {
            return note(tables.blocks, key, "not the block of its header")
        }
        for (index, checked) in block.transactions.enumerated() {
            let location = TransactionLocation(height: height, index: UInt32(truncatingIfNeeded: index))
            let found =
                try reader.sound { reader throws(StoreFailure) in
                    try reader.location(of: checked.txid)
                } ?? nil
            if found != location {
                note(
                    tables.transactions, RecordKey(checked.txid), "does not lead to \(height)/\(index)",
                    near: height)
            }
            guard reader.addressIndex else { continue }
            for output in checked.transaction.outputs where !output.locking.isDataCarrier {
                try expectHistory(tables.scriptKey(output.locking), location)
            }
        }
    }

    private mutating func expectHistory(
        _ script: UInt64, _ location: TransactionLocation
    ) throws(StoreFailure) {
        let key = RecordKey(script: script, location)
        let row =
            try reader.sound { reader throws(StoreFailure) in
                try reader.transaction.record(reader.tables.history, key)
            } ?? nil
        if row == nil { note(reader.tables.history, key, "missing") }
    }

    private mutating func checkCertificate(_ key: RecordKey, _ bytes: [UInt8]) throws(StoreFailure) {
        let height = key.leadingNumber
        guard let tip, key.number != nil, height <= tip.height,
            let header = try header(at: height)?.header
        else { return note(reader.tables.certificates, key, "beyond the chain") }
        if !Certificate.isCommit(bytes, of: header) {
            note(reader.tables.certificates, key, "not of this block")
        }
    }

    private mutating func checkUndo(_ key: RecordKey) throws(StoreFailure) {
        let height = key.leadingNumber
        guard let tip, key.number != nil, height > 0, height <= tip.height else {
            return note(reader.tables.undo, key, "beyond the chain")
        }
        guard let undo = try reader.undo(at: height) else { return }
        count(undo.transactions.count + undo.history.count)
        let previous = try header(at: height)?.header.previous
        guard undo.previousTip.height == height - 1, previous == undo.previousTip.hash else {
            return note(reader.tables.undo, key, "of another height")
        }
        for entry in undo.history {
            try expectHistory(entry.script, TransactionLocation(height: height, index: entry.index))
        }
    }
}

extension Certificate {
    /// Whether bytes are a certificate that says to commit the block of a header; genesis has none. The
    /// signatures are not looked at.
    static func isCommit(_ bytes: [UInt8], of header: BlockHeader) -> Bool {
        guard header.height > 0 else { return bytes.isEmpty }
        guard let certificate = try? Certificate(decoding: bytes) else { return false }
        return certificate.kind == .commit && certificate.height == header.height
            && certificate.value == header.hash
    }
}

extension ChainReader {
    static func validatorSet(_ bytes: [UInt8]) -> ValidatorSet? {
        try? ByteReader.decode(bytes) { reader throws(DecodingFailure) in try ValidatorSet(from: &reader) }
    }
}
