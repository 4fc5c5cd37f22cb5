import TimeCoinCore

extension ChainReader {
    func location(of transaction: Hash256) throws(StoreFailure) -> TransactionLocation? {
        try transactionRecord(transaction)?.location
    }

    func transactionRecord(_ identifier: Hash256) throws(StoreFailure) -> TransactionRecord? {
        let key = RecordKey(identifier)
        let row = try record(tables.transactions, key) { reader throws(DecodingFailure) in
            try TransactionRecord(from: &reader)
        }
        if row == nil { try confirm(tables.transactions, around: key) }
        return row
    }

    func position(of outPoint: OutPoint) throws(StoreFailure) -> UInt64? {
        guard let row = try transactionRecord(outPoint.transaction) else { return nil }
        switch row.place(of: outPoint.index) {
        case .nowhere: return nil
        case .at(let position): return position
        case .among(let positions):
            if let found = try search(outPoint, among: positions) { return found.position }
            return try positionFromBlock(outPoint, row)
        }
    }

    func output(_ outPoint: OutPoint) throws(StoreFailure) -> OutputEntry? {
        guard let row = try transactionRecord(outPoint.transaction) else { return nil }
        switch row.place(of: outPoint.index) {
        case .nowhere: return nil
        case .among(let positions):
            // What is not spent has its record.
            guard let entry = try search(outPoint, among: positions) else { return nil }
            return try isSpent(entry.position) ? nil : entry
        case .at(let position):
            guard try !isSpent(position) else { return nil }
            let record = try unspentRecord(position)
            guard record.outPoint == outPoint else {
                throw tables.outputs.corrupt(
                    RecordKey(position), "not the output that its transaction names")
            }
            return record.entry
        }
    }

    /// Finds an output among those of its transaction, which stand in the order of their indexes with gaps:
    /// in as many steps as the number of positions has bits.
    private func search(
        _ outPoint: OutPoint, among positions: Range<UInt64>
    ) throws(StoreFailure) -> OutputEntry? {
        let cursor = try Cursor(transaction, tables.outputs)
        defer { cursor.close() }
        var (low, high) = (positions.lowerBound, positions.upperBound)
        while low < high {
            let middle = low + (high - low) / 2
            guard let (key, bytes) = try cursor.move(.atLeast(RecordKey(middle))), key.leadingNumber < high
            else {
                high = middle
                continue
            }
            let record = try outputRecord(bytes, key)
            guard record.outPoint.transaction == outPoint.transaction else {
                throw tables.transactions.corrupt(
                    RecordKey(outPoint.transaction), "claims positions of \(record.outPoint.transaction)")
            }
            if record.outPoint.index == outPoint.index { return record.entry }
            if record.outPoint.index < outPoint.index { low = key.leadingNumber + 1 } else { high = middle }
        }
        let next = try cursor.move(.atLeast(RecordKey(low)))?.key.leadingNumber ?? positions.upperBound
        try requireSpent(low..<max(low, min(next, positions.upperBound)))
        return nil
    }

    /// Where there is no record every position is spent; else one is missing.
    private func requireSpent(_ positions: Range<UInt64>) throws(StoreFailure) {
        var position = positions.lowerBound
        while position < positions.upperBound {
            let index = position / SpentChunk.positions
            guard let chunk = try chunk(index) else {
                throw tables.chunks.corrupt(RecordKey(index), "missing")
            }
            let end = min(positions.upperBound, (index + 1) * SpentChunk.positions)
            if let unspent = (position..<end).first(where: { !chunk.isSpent($0) }) {
                throw tables.outputs.corrupt(RecordKey(unspent), "unspent but missing")
            }
            position = end
        }
    }

    /// The position of an output whose record is gone, since it was spent long ago; only for people who ask.
    private func positionFromBlock(
        _ outPoint: OutPoint, _ row: TransactionRecord
    ) throws(StoreFailure) -> UInt64? {
        guard let bytes = try block(at: row.location.height) else { return nil }
        guard let checked = try? CheckedBlock(decoding: bytes),
            let place = Int(exactly: row.location.index), checked.transactions.indices.contains(place),
            checked.transactions[place].txid == outPoint.transaction
        else { return nil }
        let outputs = checked.transactions[place].transaction.outputs
        guard outPoint.index < outputs.count, !outputs[Int(outPoint.index)].locking.isDataCarrier else {
            return nil
        }
        let before = outputs.prefix(Int(outPoint.index)).count { !$0.locking.isDataCarrier }
        return row.firstPosition &+ UInt64(before)
    }

    /// Whether the output at a position is spent; every position below the leaf count has a bit.
    func isSpent(_ position: UInt64) throws(StoreFailure) -> Bool {
        let index = position / SpentChunk.positions
        let place = Int(position % SpentChunk.positions)
        // Reading the whole chunk confirms it.
        if let confirmations, !confirmations.hasChunk(index) { _ = try chunk(index) }
        let bit = try transaction.withRecord(tables.chunks, RecordKey(index)) { bytes -> Bool? in
            guard bytes.count == SpentChunk.byteCount else { return nil }
            return bytes[place >> 3] & (1 << UInt8(place & 7)) != 0
        }
        guard let bit = bit ?? nil else {
            throw tables.chunks.corrupt(RecordKey(index), "missing or no chunk")
        }
        return bit
    }

    /// The record of an output that is not spent, so that it must be there.
    private func unspentRecord(_ position: UInt64) throws(StoreFailure) -> OutputRecord {
        guard let bytes = try transaction.record(tables.outputs, RecordKey(position)) else {
            throw tables.outputs.corrupt(RecordKey(position), "unspent but missing")
        }
        return try outputRecord(bytes, RecordKey(position))
    }

    func outputRecord(_ bytes: [UInt8], _ key: RecordKey) throws(StoreFailure) -> OutputRecord {
        do {
            return try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
                try OutputRecord(from: &reader, position: key.leadingNumber)
            }
        } catch {
            throw tables.outputs.corrupt(key, "\(error)")
        }
    }

    /// The first position of a range whose output is not spent.
    ///
    /// - Parameter current: the chunk that was looked at last.
    private func firstUnspent(
        from first: UInt64, below end: UInt64, _ current: inout (index: UInt64, chunk: SpentChunk)?
    ) throws(StoreFailure) -> UInt64? {
        var position = first
        while position < end {
            let index = position / SpentChunk.positions
            if current?.index != index { current = try chunk(index).map { (index, $0) } }
            guard let chunk = current?.chunk else {
                throw tables.chunks.corrupt(RecordKey(index), "missing")
            }
            let chunkEnd = min(end, (index + 1) * SpentChunk.positions)
            while position < chunkEnd {
                if !chunk.isSpent(position) { return position }
                position += 1
            }
        }
        return nil
    }

    /// Every position that is passed over must be spent: a scan does not notice records that are gone.
    func outputs(from position: UInt64, countMax: Int) throws(StoreFailure) -> [UnspentOutput] {
        var found: [UnspentOutput] = []
        guard countMax > 0 else { return found }
        let end = try tip()?.leafCount ?? 0
        var next = position
        var chunk: (index: UInt64, chunk: SpentChunk)?
        try transaction.scan(tables.outputs, from: RecordKey(position)) { key, bytes throws(StoreFailure) in
            let place = key.leadingNumber
            guard try firstUnspent(from: next, below: place, &chunk) == nil else {
                throw tables.outputs.corrupt(RecordKey(next), "an unspent output is missing from here on")
            }
            guard place < end else { throw tables.outputs.corrupt(key, "above all outputs") }
            next = place + 1
            guard try firstUnspent(from: place, below: place + 1, &chunk) == place else { return true }
            let record = try outputRecord(bytes, key)
            found.append(UnspentOutput(outPoint: record.outPoint, entry: record.entry))
            return found.count < countMax
        }
        if found.count == countMax { return found }
        guard try firstUnspent(from: next, below: end, &chunk) == nil else {
            throw tables.outputs.corrupt(RecordKey(next), "an unspent output is missing from here on")
        }
        return found
    }

    // MARK: - Commitment

    func node(_ key: CommitmentNodeKey) throws(StoreFailure) -> Hash256? {
        if key.tree == .outputs, key.level < LeafGroup.levels {
            return try leafGroup(LeafGroup.index(of: key))?.node(key)
        }
        let hash = try keptNode(key)
        try confirm(hash, at: key)
        return hash
    }

    /// A node that is kept by itself, as it lies there.
    func keptNode(_ key: CommitmentNodeKey) throws(StoreFailure) -> Hash256? {
        try record(tables.nodes, RecordKey(key)) { reader throws(DecodingFailure) in
            try reader.readHash()
        }
    }

    func chunk(_ index: UInt64) throws(StoreFailure) -> SpentChunk? {
        let bytes = try transaction.record(tables.chunks, RecordKey(index))
        let chunk = bytes.flatMap { SpentChunk($0) }
        guard bytes == nil || chunk != nil else {
            throw tables.chunks.corrupt(RecordKey(index), "not a chunk")
        }
        try confirm(chunk, at: index)
        return chunk
    }

    func leafGroup(_ index: UInt64) throws(StoreFailure) -> LeafGroup? {
        let group = try keptGroup(index)
        try confirm(group, at: index)
        return group
    }

    /// Leaves as they lie there.
    func keptGroup(_ index: UInt64) throws(StoreFailure) -> LeafGroup? {
        guard let bytes = try transaction.record(tables.leaves, RecordKey(index)) else { return nil }
        guard let group = LeafGroup(decoding: bytes) else {
            throw tables.leaves.corrupt(RecordKey(index), "not a group of leaves")
        }
        return group
    }

    func leaves(group index: UInt64) throws(StoreFailure) -> [Hash256]? { try leafGroup(index)?.leaves }

    // MARK: - Addresses

    func unspent(
        locking: Script, after last: UInt64?, countMax: Int
    ) throws(StoreFailure) -> [UnspentOutput] {
        try requireIndex()
        let script = tables.scriptKey(locking)
        var unspent: [UnspentOutput] = []
        guard countMax > 0, last != .max else { return unspent }
        let first = RecordKey(script: script, position: last.map { $0 + 1 } ?? 0)
        try confirm(tables.addresses, around: first)
        try transaction.scan(tables.addresses, from: first) { key, _ throws(StoreFailure) in
            guard key.leadingNumber == script, let position = key.position else { return false }
            let record = try unspentRecord(position)
            if record.entry.output.locking == locking {
                unspent.append(UnspentOutput(outPoint: record.outPoint, entry: record.entry))
            }
            return unspent.count < countMax
        }
        return unspent
    }

    func history(
        locking: Script, after last: TransactionLocation?, countMax: Int
    ) throws(StoreFailure) -> [TransactionLocation] {
        try requireIndex()
        let script = tables.scriptKey(locking)
        var found: [TransactionLocation] = []
        guard countMax > 0 else { return found }
        let first = last ?? TransactionLocation(height: 0, index: 0)
        try confirm(tables.history, around: RecordKey(script))
        try transaction.scan(tables.history, from: RecordKey(script: script, first)) {
            key, _ throws(StoreFailure) in
            guard key.leadingNumber == script, let location = key.location else { return false }
            if location != last { found.append(location) }
            return found.count < countMax
        }
        return found
    }

    func history(
        locking: Script, before first: TransactionLocation?, countMax: Int
    ) throws(StoreFailure) -> [TransactionLocation] {
        try requireIndex()
        let script = tables.scriptKey(locking)
        var found: [TransactionLocation] = []
        guard countMax > 0 else { return found }
        try confirm(tables.history, around: RecordKey(script))
        let end = RecordKey(script: script, first ?? TransactionLocation(height: .max, index: .max))
        try transaction.scanBack(tables.history, below: end) { key, _ throws(StoreFailure) in
            guard key.leadingNumber == script, let location = key.location else { return false }
            found.append(location)
            return found.count < countMax
        }
        return found
    }

    private func requireIndex() throws(StoreFailure) {
        guard addressIndex else { throw StoreFailure(.wrongOptions, "this store has no index of addresses") }
    }

    // MARK: - Validators

    func validatorSet(_ hash: Hash256) throws(StoreFailure) -> ValidatorSet? {
        let set = try record(tables.validatorSets, RecordKey(hash)) { reader throws(DecodingFailure) in
            try ValidatorSet(from: &reader)
        }
        if set == nil { try confirm(tables.validatorSets, around: RecordKey(hash)) }
        // Certificates are judged by it: a checksum says nothing of who wrote the record.
        guard let set, set.hash != hash else { return set }
        throw tables.validatorSets.corrupt(RecordKey(hash), "not the set of this hash")
    }

    func setChanges(from height: Height, countMax: Int) throws(StoreFailure) -> [Height] {
        var heights: [Height] = []
        guard countMax > 0 else { return heights }
        try confirm(tables.setChanges, around: RecordKey(0))
        try transaction.scan(tables.setChanges, from: RecordKey(height)) { key, _ throws(StoreFailure) in
            heights.append(key.leadingNumber)
            return heights.count < countMax
        }
        return heights
    }
}
