public import TimeCoinCore

/// What takes back one block.
public struct UndoRecord: Hashable, Sendable {
    public let previousTip: ChainTip
    /// The encoded state before the block.
    public let previousState: [UInt8]
    /// The identifiers of the block's transactions, in order.
    public let transactions: [Hash256]
    /// Outputs that the block created, sorted.
    public let created: [OutPoint]
    /// Outputs that the block spent, sorted.
    public let spent: [UnspentOutput]

    /// Bytes of an encoded state at most.
    public static let stateBytesMax = 64 << 20
    private static let countMax = Block.bytesMax

    /// `nil` when an output is created by none of the transactions.
    init?(previousTip: ChainTip, previousState: [UInt8], undoing block: BlockCommit) {
        self.previousTip = previousTip
        self.previousState = previousState
        transactions = block.transactions
        created = block.created.map(\.outPoint).sorted()
        spent = block.spent.map { UnspentOutput(outPoint: $0.outPoint, entry: $0.entry) }
            .sorted { $0.outPoint < $1.outPoint }
        let known = Set(transactions)
        guard created.allSatisfy({ known.contains($0.transaction) }) else { return nil }
    }

    /// Created outputs are written as the place of their transaction and their index: a few bytes each.
    public var encoded: [UInt8] {
        var writer = ByteWriter(
            reserving: 128 + previousState.count + 32 * transactions.count + 4 * created.count + 112
                * spent.count)
        writer.write(raw: previousTip.encoded)
        writer.write(prefixed: previousState)
        writer.writeCompactSize(UInt64(transactions.count))
        var places: [Hash256: UInt64] = [:]
        for (place, transaction) in transactions.enumerated() {
            writer.write(transaction)
            places[transaction] = UInt64(place)
        }
        writer.writeCompactSize(UInt64(created.count))
        for outPoint in created {
            writer.writeCompactSize(places[outPoint.transaction, default: 0])
            writer.writeCompactSize(UInt64(outPoint.index))
        }
        writer.writeCompactSize(UInt64(spent.count))
        for output in spent {
            writer.write(output.outPoint)
            output.entry.encode(into: &writer)
        }
        return writer.bytes
    }

    public init(decoding bytes: [UInt8]) throws(DecodingFailure) {
        self = try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
            try UndoRecord(from: &reader)
        }
    }

    private init(from reader: inout ByteReader) throws(DecodingFailure) {
        previousTip = try ChainTip(from: &reader)
        previousState = try reader.readPrefixed(limit: UndoRecord.stateBytesMax)
        var transactions: [Hash256] = []
        let transactionCount = try reader.readCount(limit: UndoRecord.countMax, bytesEach: Hash256.byteCount)
        for _ in 0..<transactionCount {
            transactions.append(try reader.readHash())
        }
        var created: [OutPoint] = []
        for _ in 0..<(try reader.readCount(limit: UndoRecord.countMax, bytesEach: 2)) {
            guard let place = Int(exactly: try reader.readCompactSize()), place < transactionCount,
                let index = UInt32(exactly: try reader.readCompactSize())
            else { throw reader.failure(.valueOutOfRange) }
            created.append(OutPoint(transaction: transactions[place], index: index))
        }
        var spent: [UnspentOutput] = []
        for _ in 0..<(try reader.readCount(limit: UndoRecord.countMax, bytesEach: OutPoint.byteCount)) {
            spent.append(
                UnspentOutput(outPoint: try reader.readOutPoint(), entry: try OutputEntry(from: &reader)))
        }
        self.transactions = transactions
        self.created = created
        self.spent = spent
    }
}
