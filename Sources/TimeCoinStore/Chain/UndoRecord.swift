public import TimeCoinCore

/// What takes back one block.
public struct UndoRecord: Hashable, Sendable {
    public let previousTip: ChainTip
    /// The state before the block, from the one after it.
    private let difference: StateDifference
    /// The identifiers of the block's transactions, in order.
    public let transactions: [Hash256]
    /// Older outputs that the block spent, in the order of their positions.
    public let spent: [UnspentOutput]
    /// What the block added to the history of addresses: short hash of the script, index of the transaction.
    let history: [HistoryEntry]

    struct HistoryEntry: Hashable {
        let script: UInt64
        let index: UInt32
    }

    /// Bytes of an encoded state at most.
    public static let stateBytesMax = 64 << 20
    private static let countMax = Block.bytesMax

    init(
        previousTip: ChainTip, previousState: [UInt8], undoing block: BlockCommit, history: [HistoryEntry]
    ) {
        self.previousTip = previousTip
        difference = StateDifference(previousState, from: block.state)
        self.history = history
        transactions = block.transactions.map(\.identifier)
        spent = block.spent.map { UnspentOutput(outPoint: $0.outPoint, entry: $0.entry) }
            .sorted { $0.entry.position < $1.entry.position }
    }

    /// The encoded state before the block.
    ///
    /// - Parameter state: the encoded state after it, as it was written with the block.
    /// - Returns: `nil` for any other state.
    public func previousState(after state: [UInt8]) -> [UInt8]? { difference.state(from: state) }

    public var encoded: [UInt8] {
        var writer = ByteWriter(
            reserving: 128 + difference.byteCount + 32 * transactions.count + 112 * spent.count
                + 12 * history.count)
        writer.write(raw: previousTip.encoded)
        difference.encode(into: &writer)
        writer.writeCompactSize(UInt64(transactions.count))
        for transaction in transactions { writer.write(transaction) }
        writer.writeCompactSize(UInt64(spent.count))
        for output in spent {
            writer.writeCompactSize(output.entry.position)
            OutputRecord.encode(output.outPoint, output.entry, into: &writer)
        }
        writer.writeCompactSize(UInt64(history.count))
        for entry in history {
            writer.write(entry.script)
            writer.write(entry.index)
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
        difference = try StateDifference(from: &reader)
        var transactions: [Hash256] = []
        let transactionCount = try reader.readCount(limit: UndoRecord.countMax, bytesEach: Hash256.byteCount)
        for _ in 0..<transactionCount {
            transactions.append(try reader.readHash())
        }
        var spent: [UnspentOutput] = []
        for _ in 0..<(try reader.readCount(limit: UndoRecord.countMax, bytesEach: Hash256.byteCount)) {
            let position = try reader.readCompactSize()
            let record = try OutputRecord(from: &reader, position: position)
            spent.append(UnspentOutput(outPoint: record.outPoint, entry: record.entry))
        }
        var history: [HistoryEntry] = []
        for _ in 0..<(try reader.readCount(limit: UndoRecord.countMax, bytesEach: 12)) {
            history.append(
                HistoryEntry(script: try reader.readInteger(), index: try reader.readInteger()))
        }
        self.transactions = transactions
        self.spent = spent
        self.history = history
    }
}
