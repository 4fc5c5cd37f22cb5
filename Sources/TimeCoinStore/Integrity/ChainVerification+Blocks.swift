import TimeCoinCore

extension ChainVerification {
    /// Headers link to each other up to the certified tip; blocks and certificates belong to them.
    mutating func checkBlocks(_ tip: ChainTip) throws {
        guard let base = try attempt({ try $0.reader.base() }) else { return }
        guard base.headersFrom <= tip.height else { return }
        var above: BlockHeader?
        var height = tip.height
        let total = tip.height - base.headersFrom + 1
        while true {
            let header = try checkHeader(height, height == tip.height ? tip.hash : above?.previous)
            if let header { try checkSets(header, above) }
            try checkCertificate(height, header, base)
            if height >= base.blocksFrom { try checkBlock(height, header) }
            step(.blocks, tip.height - height + 1, of: total)
            guard height > base.headersFrom else { break }
            above = header
            height -= 1
        }
        try checkUndo(tip, base)
    }

    /// Every set was named by the header below, and the first one is that of genesis or trusted: so the
    /// certificate at the tip is by those whom the chain says.
    private mutating func checkSets(_ header: BlockHeader, _ above: BlockHeader?) throws {
        let tables = reader.tables
        let key = RecordKey(header.height)
        if header.height == 0, header.hash != chain {
            try note(tables.headers, key, "not the genesis \(chain)")
        }
        if let base = try attempt({ try $0.reader.base() }), base.headersFrom == header.height,
            header.height > 0, let expected = followed.set(at: header.height, trusted: trusted),
            header.validators != expected
        {
            try note(tables.headers, key, "decided by another set than the trusted one")
        }
        // A recovery changes the set without a header that names it.
        if let above, above.validators != header.nextValidators,
            !followed.replace(header, by: above.validators)
        {
            try note(tables.headers, RecordKey(above.height), "decided by a set that no header names")
        }
        guard header.nextValidators != header.validators, header.height > 0 else { return }
        guard let set = try attempt({ try $0.reader.validatorSet(header.validators) }) ?? nil,
            let bytes = try attempt({ try $0.reader.transaction.record(tables.certificates, key) }) ?? nil,
            let certificate = try? Certificate(decoding: bytes),
            (try? VerifiedCertificate(
                certificate, validators: set, chain: followed.votingChain(at: header.height))) != nil
        else { return try note(tables.certificates, key, "does not prove the change of the set") }
    }

    /// Below the first block only scheduled blocks have one, and the block that a snapshot began with.
    private mutating func checkCertificate(
        _ height: Height, _ header: BlockHeader?, _ base: HistoryBase
    ) throws {
        report.records += 1
        guard let header, height > 0 else { return }
        let table = reader.tables.certificates
        let key = RecordKey(height)
        guard let bytes = try attempt({ try $0.reader.transaction.record(table, key) }) else { return }
        if let bytes {
            if !Certificate.isCommit(bytes, of: header) { try note(table, key, "not of this block") }
        } else if height >= base.blocksFrom || header.kind == .scheduled {
            try note(table, key, "missing")
        }
    }

    /// What follows from the counts of the tip: records beyond the end are in no other check.
    mutating func checkExtents(_ tip: ChainTip) throws {
        let tables = reader.tables
        let positions = SpentChunk.positions
        let chunks = tip.leafCount / positions + (tip.leafCount.isMultiple(of: positions) ? 0 : 1)
        let groups = tip.leafCount / LeafGroup.size + (tip.leafCount.isMultiple(of: LeafGroup.size) ? 0 : 1)
        let range = (UInt64(LeafGroup.levels)..<64).reduce(UInt64(0)) { $0 + tip.leafCount >> $1 }
        let spent = (UInt64(0)..<64).reduce(UInt64(0)) { $0 + chunks >> $1 }
        for (table, expected, exactly) in [
            (tables.chunks, chunks, true), (tables.leaves, groups, false),
            (tables.nodes, range + spent, true),
        ] {
            let found = try attempt { try $0.reader.transaction.count(table) } ?? expected
            if exactly ? found != expected : found > expected {
                try note(
                    StoreFailure.DamagedRecord(table: table.name, key: []),
                    "\(found) records, there must be \(expected)")
            }
        }
    }

    private mutating func checkHeader(_ height: Height, _ expected: Hash256?) throws -> BlockHeader? {
        report.records += 2
        let tables = reader.tables
        guard let header = try attempt({ try $0.reader.header(at: height) }) ?? nil,
            let hash = try attempt({ try $0.reader.hash(at: height) }) ?? nil
        else { return nil }
        guard header.hash == hash, header.height == height, expected.map({ $0 == hash }) ?? true else {
            try note(tables.headers, RecordKey(height), "not the header that the one above names")
            return nil
        }
        let found = try attempt { try $0.reader.height(of: hash) }
        if let found, found != height {
            try note(tables.heights, RecordKey(hash), "does not lead to height \(height)")
        }
        return header
    }

    private mutating func checkBlock(_ height: Height, _ header: BlockHeader?) throws {
        report.records += 1
        let tables = reader.tables
        guard let bytes = try attempt({ try $0.reader.block(at: height) }) ?? nil, let header else { return }
        // Decoding computes the roots over the transactions and compares them with the header's.
        guard let block = try? CheckedBlock(decoding: bytes), block.header == header else {
            return try note(tables.blocks, RecordKey(height), "not the block of its header")
        }
        try checkTransactions(of: block)
    }

    private mutating func checkTransactions(of block: CheckedBlock) throws {
        let tables = reader.tables
        for (index, checked) in block.transactions.enumerated() {
            report.records += 1
            let expected = TransactionLocation(
                height: block.header.height, index: UInt32(truncatingIfNeeded: index))
            let key = RecordKey(checked.txid)
            let location = try attempt { try $0.reader.location(of: checked.txid) }
            if let location, location != expected {
                try note(tables.transactions, key, "does not lead to \(expected.height)/\(index)")
            }
            guard reader.addressIndex else { continue }
            for output in checked.transaction.outputs where !output.locking.isDataCarrier {
                let key = RecordKey(script: tables.scriptKey(output.locking), expected)
                let row = try attempt { try $0.reader.transaction.record(tables.history, key) }
                if let row, row == nil { try note(tables.history, key, "missing") }
            }
        }
    }

    private mutating func checkUndo(_ tip: ChainTip, _ base: HistoryBase) throws {
        let tables = reader.tables
        guard let first = try attempt({ try $0.reader.transaction.firstKey(tables.undo) }) ?? nil else {
            return
        }
        let oldest = max(first.leadingNumber, base.headersFrom, 1)
        guard oldest <= tip.height else { return }
        // Each leads from the state after its block to the one before, so that the way is downwards.
        var after = try attempt { try $0.reader.state() } ?? nil
        for height in (oldest...tip.height).reversed() {
            report.records += 1
            after = try checkUndo(height, base, after)
        }
    }

    /// An undo record leads to the state under the header below.
    ///
    /// - Parameter after: the encoded state after the block; `nil` where a record above is damaged.
    /// - Returns: the encoded state before it.
    private mutating func checkUndo(
        _ height: Height, _ base: HistoryBase, _ after: [UInt8]?
    ) throws -> [UInt8]? {
        let table = reader.tables.undo
        let key = RecordKey(height)
        guard let found = try attempt({ try $0.reader.undo(at: height) }) else { return nil }
        guard let undo = found else {
            try note(table, key, "missing")
            return nil
        }
        let previous = undo.previousTip
        if height > base.headersFrom,
            let below = try attempt({ try $0.reader.hash(at: height - 1) }) ?? nil, below != previous.hash
        {
            try note(table, key, "leads to another block")
            return nil
        }
        guard let after else { return nil }
        guard let before = undo.previousState(after: after), let state = try? ChainState(decoding: before),
            previous.height == height - 1, previous.hash == state.headerHash,
            previous.slot == state.slot, state.roots.root == state.header.stateRoot,
            previous.leafCount == state.commitment.leafCount, previous.outputCount == state.outputCount
        else {
            try note(table, key, "does not lead to the state before its block")
            return nil
        }
        return before
    }
}
