import TimeCoinCore

/// What the store knows of a transaction in the chain: where it stands, and where its outputs are.
struct TransactionRecord: Hashable {
    let location: TransactionLocation
    let firstPosition: UInt64
    let outputCount: UInt32
    let carriers: [UInt32]

    init(_ transaction: CommittedTransaction, at location: TransactionLocation) {
        self.location = location
        firstPosition = transaction.firstPosition
        outputCount = transaction.outputCount
        carriers = transaction.carriers
    }

    /// The place of an output; `nil` for data carriers and for outputs that there are not.
    func position(of index: UInt32) -> UInt64? {
        CommittedTransaction(
            identifier: .zero, firstPosition: firstPosition, outputCount: outputCount, carriers: carriers
        ).position(of: index)
    }

    var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 24)
        encode(into: &writer)
        return writer.bytes
    }

    func encode(into writer: inout ByteWriter) {
        writer.writeCompactSize(location.height)
        writer.writeCompactSize(UInt64(location.index))
        writer.writeCompactSize(firstPosition)
        writer.writeCompactSize(UInt64(outputCount))
        writer.writeCompactSize(UInt64(carriers.count))
        for carrier in carriers { writer.writeCompactSize(UInt64(carrier)) }
    }

    init(from reader: inout ByteReader) throws(DecodingFailure) {
        let height = try reader.readCompactSize()
        location = TransactionLocation(height: height, index: try TransactionRecord.word(&reader))
        firstPosition = try reader.readCompactSize()
        outputCount = try TransactionRecord.word(&reader)
        var carriers: [UInt32] = []
        for _ in 0..<(try reader.readCount(limit: Transaction.bytesMax, bytesEach: 1)) {
            carriers.append(try TransactionRecord.word(&reader))
        }
        self.carriers = carriers
    }

    private static func word(_ reader: inout ByteReader) throws(DecodingFailure) -> UInt32 {
        guard let word = UInt32(exactly: try reader.readCompactSize()) else {
            throw reader.failure(.valueOutOfRange)
        }
        return word
    }
}
