import TimeCoinCore

extension ChainVerification {
    /// Headers link to each other up to the certified tip; blocks and certificates belong to them.
    mutating func checkBlocks(_ tip: ChainTip) throws {
        guard let base = try attempt({ try $0.reader.base() }) else { return }
        guard base.headersFrom <= tip.height else { return }
        var expected: Hash256? = tip.hash
        var height = tip.height
        let total = tip.height - base.headersFrom + 1
        while true {
            let header = try checkHeader(height, expected)
            if height >= base.blocksFrom { try checkBlock(height, header) }
            step(.blocks, tip.height - height + 1, of: total)
            guard height > base.headersFrom else { break }
            expected = header?.previous
            height -= 1
        }
        try checkUndo(tip, base)
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
        report.records += 2
        let tables = reader.tables
        if let bytes = try attempt({ try $0.reader.certificate(at: height) }) ?? nil, let header {
            if !Certificate.isCommit(bytes, of: header) {
                try note(tables.certificates, RecordKey(height), "not of this block")
            }
        }
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
        var height = max(first.leadingNumber, base.headersFrom)
        while height <= tip.height {
            report.records += 1
            if let undo = try attempt({ try $0.reader.undo(at: height) }) {
                if undo == nil {
                    try note(tables.undo, RecordKey(height), "missing")
                } else if undo?.previousTip.height != height - 1 {
                    try note(tables.undo, RecordKey(height), "of another height")
                }
            }
            height += 1
        }
    }
}
