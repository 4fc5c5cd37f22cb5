import TimeCoinCore

/// What the store knows of a transaction in the chain: where it stands, and where its outputs are.
///
/// A stranger decides how many data carriers a transaction has, and the record is read for each of its
/// outputs that is spent. So only a few carriers are listed; behind more of them an output is searched.
struct TransactionRecord: Hashable {
    let location: TransactionLocation
    let firstPosition: UInt64
    /// Positions from the first on among which its outputs are, all of them its own.
    let positionCount: UInt64
    /// Outputs, data carriers included; an index is below it.
    let outputCount: UInt32
    /// Indexes of the data carriers, rising, where there are no more than ``carriersListedMax``.
    let carriers: [UInt32]

    static let carriersListedMax = 64

    /// Where the output with an index is.
    enum Place: Hashable {
        /// There is none, or it is a data carrier.
        case nowhere
        case at(UInt64)
        /// At one of these positions, if anywhere: their outputs stand in the order of their indexes.
        case among(Range<UInt64>)
    }

    init(_ transaction: CommittedTransaction, at location: TransactionLocation) {
        self.location = location
        firstPosition = transaction.firstPosition
        positionCount = transaction.positionCount
        outputCount = transaction.outputCount
        let isListed = transaction.carriers.count <= TransactionRecord.carriersListedMax
        carriers = isListed ? transaction.carriers : []
    }

    /// A transaction of a snapshot, of which only the unspent outputs are known, in order.
    init?(unspent outputs: [UnspentOutput]) {
        guard let first = outputs.first, let last = outputs.last,
            last.entry.position >= first.entry.position, last.outPoint.index < .max
        else { return nil }
        location = TransactionLocation(height: first.entry.height, index: .max)
        firstPosition = first.entry.position
        positionCount = last.entry.position - first.entry.position + 1
        outputCount = last.outPoint.index + 1
        carriers = []
    }

    func place(of index: UInt32) -> Place {
        guard index < outputCount, positionCount > 0 else { return .nowhere }
        let (end, overflow) = firstPosition.addingReportingOverflow(positionCount)
        guard !overflow else { return .nowhere }
        guard UInt64(outputCount) - min(UInt64(outputCount), positionCount) == UInt64(carriers.count) else {
            return .among(firstPosition..<end)
        }
        let place = carriers.partitioningIndex(notBelow: index)
        guard place == carriers.count || carriers[place] != index, UInt64(index) >= UInt64(place) else {
            return .nowhere
        }
        return .at(firstPosition + UInt64(index) - UInt64(place))
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
        writer.writeCompactSize(positionCount)
        writer.writeCompactSize(UInt64(outputCount))
        writer.writeCompactSize(UInt64(carriers.count))
        for carrier in carriers { writer.writeCompactSize(UInt64(carrier)) }
    }

    init(from reader: inout ByteReader) throws(DecodingFailure) {
        let height = try reader.readCompactSize()
        location = TransactionLocation(height: height, index: try TransactionRecord.word(&reader))
        firstPosition = try reader.readCompactSize()
        positionCount = try reader.readCompactSize()
        outputCount = try TransactionRecord.word(&reader)
        var carriers: [UInt32] = []
        for _ in 0..<(try reader.readCount(limit: TransactionRecord.carriersListedMax, bytesEach: 1)) {
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

extension [UInt32] {
    /// How many of these rising numbers are below `value`.
    func partitioningIndex(notBelow value: UInt32) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
