import TimeCoinCore

/// One step of a scrub over one snapshot.
struct Scrub {
    let reader: ChainReader
    var step = ScrubStep()
    private var room: Int
    private(set) var tip: ChainTip?
    private(set) var base = HistoryBase.whole
    private var undoFrom: Height = 0
    /// The chunk of spent bits that was asked for last.
    var chunkAtHand: (index: UInt64, chunk: SpentChunk?)?
    /// Made when something contradicts something else, for it reads the whole state.
    var path: CommitmentPath??

    /// Positions without a record that count as one record looked at.
    private static let gapPositions: UInt64 = 64

    init(_ reader: ChainReader, room: Int) {
        self.reader = reader
        self.room = room
    }

    private var hasRoom: Bool { room > 0 && step.damages.count < DatabaseReport.damagesMax }

    mutating func run(from place: ScrubPlace?) throws(StoreFailure) -> ScrubStep {
        tip = try reader.sound { reader throws(StoreFailure) in try reader.tip() } ?? nil
        base = try reader.sound { reader throws(StoreFailure) in try reader.base() } ?? .whole
        undoFrom =
            try reader.sound { reader throws(StoreFailure) -> Height? in
                try reader.transaction.firstKey(reader.tables.undo)?.leadingNumber
            }.flatMap { $0 } ?? .max
        var next = place ?? ScrubPlace(table: ScrubbedTable.state.rawValue, key: [])
        while hasRoom, let part = ScrubbedTable(rawValue: next.table) {
            let table = reader.tables.all[Int(part.rawValue) - 1]
            var key: [UInt8]?
            try attempt(table) { scrub throws(StoreFailure) in
                key = try scrub.walk(part, table, from: next.key)
            }
            next =
                key.map { ScrubPlace(table: part.rawValue, key: $0) }
                ?? ScrubPlace(table: part.rawValue + 1, key: [])
        }
        step.next = ScrubbedTable(rawValue: next.table) == nil ? nil : next
        return step
    }

    /// The numbers under which a table has records without gaps, or with such that can be explained.
    private func numbers(_ part: ScrubbedTable) -> Range<UInt64>? {
        let end = tip.map { $0.height + 1 } ?? 0
        let leafCount = tip?.leafCount ?? 0
        switch part {
        case .headers: return min(base.headersFrom, end)..<end
        case .blocks, .certificates: return min(base.blocksFrom, end)..<end
        case .undo: return min(undoFrom, end)..<end
        case .outputs: return 0..<leafCount
        case .chunks: return 0..<CommitmentPath.chunkCount(leafCount)
        case .leaves: return 0..<(leafCount + LeafGroup.size - 1) / LeafGroup.size
        default: return nil
        }
    }

    /// - Returns: the next key to be looked at; `nil` when the table is over.
    private mutating func walk(
        _ part: ScrubbedTable, _ table: Table, from key: [UInt8]
    ) throws(StoreFailure) -> [UInt8]? {
        guard let start = RecordKey(key) else { return nil }
        let cursor = try Cursor(reader.transaction, table)
        defer { cursor.close() }
        let numbers = numbers(part)
        var expected = max(numbers?.lowerBound ?? 0, key.isEmpty ? 0 : start.leadingNumber)
        var move = key.isEmpty ? Cursor.Move.first : .atLeast(start)
        var last: RecordKey?
        while hasRoom {
            let found = try cursor.found(move)
            move = .next
            if let numbers {
                let end = try end(of: expected, before: found, numbers)
                try fill(part, table, &expected, end)
                if expected < end { return RecordKey(expected).bytes }
            }
            guard let (key, payload) = found else { return nil }
            count(1)
            guard let payload else {
                note(table, key, "the checksum does not match")
                if key.number == expected { expected += 1 }
                continue
            }
            if let last, key <= last {
                note(table, key, "the table is out of order")
                return nil
            }
            last = key
            if let number = key.number { expected = max(expected, number < .max ? number + 1 : number) }
            try attempt(table) { scrub throws(StoreFailure) in try scrub.check(part, key, payload) }
        }
        if let numbers, expected < numbers.upperBound { return RecordKey(expected).bytes }
        guard numbers == nil else { return nil }
        return try cursor.key(move)?.bytes
    }

    /// Up to where there is nothing; a key that cannot be trusted ends no gap.
    private func end(
        of expected: UInt64, before found: (key: RecordKey, payload: [UInt8]?)?, _ numbers: Range<UInt64>
    ) throws(StoreFailure) -> UInt64 {
        guard let found else { return numbers.upperBound }
        guard found.payload != nil, let number = found.key.number else { return expected }
        return min(number, numbers.upperBound)
    }

    /// Looks at numbers that have no record.
    private mutating func fill(
        _ part: ScrubbedTable, _ table: Table, _ expected: inout UInt64, _ end: UInt64
    ) throws(StoreFailure) {
        while expected < end, hasRoom {
            if expected.isMultiple(of: Scrub.gapPositions) || part != .outputs { count(1) }
            let number = expected
            try attempt(table) { scrub throws(StoreFailure) in
                if try scrub.mustBeThere(part, number) { scrub.note(table, RecordKey(number), "missing") }
            }
            expected += 1
        }
    }

    private mutating func mustBeThere(
        _ part: ScrubbedTable, _ number: UInt64
    ) throws(StoreFailure) -> Bool {
        switch part {
        case .outputs: return try !isSpent(number)
        case .leaves:
            // A group that was spent whole may have been pruned.
            let first = number * LeafGroup.size
            guard let tip, first + LeafGroup.size <= tip.leafCount else { return true }
            for position in first..<first + LeafGroup.size {
                if try !isSpent(position) { return true }
            }
            return false
        default: return true
        }
    }

    mutating func isSpent(_ position: UInt64) throws(StoreFailure) -> Bool {
        let index = position / SpentChunk.positions
        if chunkAtHand?.index != index { chunkAtHand = (index, try reader.chunk(index)) }
        // A missing chunk is found by itself.
        return chunkAtHand?.chunk?.isSpent(position) ?? true
    }

    /// The way to the roots of the state; `nil` where the state is damaged, which is found by itself.
    mutating func commitmentPath() throws(StoreFailure) -> CommitmentPath? {
        if let path { return path }
        let made = try CommitmentPath(reader)
        path = .some(made)
        return made
    }

    // MARK: - Notes

    mutating func count(_ records: Int) {
        step.records += records
        room -= records
    }

    mutating func note(_ table: Table, _ key: RecordKey, _ reason: String, near height: Height? = nil) {
        note(StoreFailure.DamagedRecord(table: table.name, key: key.bytes), reason, near: height)
    }

    private mutating func note(
        _ record: StoreFailure.DamagedRecord, _ reason: String, near height: Height? = nil
    ) {
        guard !step.damages.contains(where: { $0.record == record }) else { return }
        step.damages.append(DatabaseReport.Damage(record: record, reason: reason, near: height))
    }

    /// Notes the damage that `body` meets.
    private mutating func attempt(
        _ table: Table, _ body: (inout Scrub) throws(StoreFailure) -> Void
    ) throws(StoreFailure) {
        do throws(StoreFailure) {
            try body(&self)
        } catch {
            guard error.code == .corrupt else { throw error }
            let records = error.damaged.isEmpty ? [.init(table: table.name, key: [])] : error.damaged
            for record in records { note(record, error.message) }
        }
    }
}
