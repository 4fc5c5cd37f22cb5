import TimeCoinCore

extension ChainVerification {
    /// The transaction of every output leads to it.
    mutating func checkTransactions(_ tip: ChainTip) throws {
        let tables = reader.tables
        var done: UInt64 = 0
        try walk(tables.outputs) { verification, key, bytes in
            let record = try verification.reader.outputRecord(bytes, key)
            let position = try verification.reader.position(of: record.outPoint)
            if position != key.leadingNumber {
                try verification.note(
                    tables.transactions, RecordKey(record.outPoint.transaction),
                    "does not lead to position \(key.leadingNumber)")
            }
            if verification.reader.addressIndex, try !verification.reader.isSpent(key.leadingNumber) {
                let script = tables.scriptKey(record.entry.output.locking)
                let index = RecordKey(script: script, position: key.leadingNumber)
                if try verification.reader.transaction.record(tables.addresses, index) == nil {
                    try verification.note(tables.addresses, index, "missing beside its output")
                }
            }
            done += 1
            verification.step(.transactions, min(done, tip.leafCount), of: tip.leafCount)
        }
    }

    /// Every record of the tables that nothing above has looked at whole.
    mutating func checkIndexes(_ tip: ChainTip) throws {
        let tables = reader.tables
        for (place, table) in [
            tables.transactions, tables.addresses, tables.history, tables.setChanges, tables.sweeps,
        ].enumerated() {
            try walk(table) { _, _, _ in }
            step(.indexes, UInt64(place) + 1, of: 6)
        }
        try walk(tables.validatorSets) { verification, key, bytes in
            if ChainReader.validatorSet(bytes)?.hash != key.hash {
                try verification.note(tables.validatorSets, key, "not the set of this hash")
            }
        }
        step(.indexes, 6, of: 6)
        for table in tables.all where table.isSummed {
            for range in 0..<TableSums.ranges {
                let agrees = try attempt { try $0.reader.agrees(table, range: range) }
                if agrees == false {
                    try note(
                        StoreFailure.DamagedRecord(table: table.name, key: []),
                        "range \(range) is not as it was written")
                }
            }
        }
        try walk(tables.quarantine) { verification, key, bytes in
            guard QuarantinedRecord(bytes)?.isRepaired != true else { return }
            try verification.note(tables.quarantine, key, "found damaged, and not repaired since")
        }
    }

    /// Visits every record of a table; one that is damaged is noted and passed over.
    private mutating func walk(
        _ table: Table, _ body: (inout ChainVerification, RecordKey, [UInt8]) throws -> Void
    ) throws {
        let cursor = try attempt { try Cursor($0.reader.transaction, table) }
        guard let cursor else { return }
        defer { cursor.close() }
        var move = Cursor.Move.first
        var last: RecordKey?
        while true {
            guard let key = try attempt({ _ in try cursor.key(move) }) else { return }
            guard let key else { return }
            if let last, key <= last {
                return try note(table, key, "the table is out of order")
            }
            last = key
            report.records += 1
            try attempt { verification in
                guard let bytes = try verification.reader.transaction.record(table, key) else {
                    throw table.corrupt(key, "there and not found")
                }
                try body(&verification, key, bytes)
            }
            move = .next
        }
    }
}
