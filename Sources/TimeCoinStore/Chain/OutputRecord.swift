import TimeCoinCore

/// An output as it lies in the database: under its position, with its name.
///
/// Numbers that are mostly small are written short, since there are many of these records.
struct OutputRecord {
    let outPoint: OutPoint
    let entry: OutputEntry

    static func encode(_ outPoint: OutPoint, _ entry: OutputEntry, into writer: inout ByteWriter) {
        writer.write(outPoint.transaction)
        writer.writeCompactSize(UInt64(outPoint.index))
        writer.write(entry.output.value)
        writer.write(prefixed: entry.output.locking.bytes)
        writer.writeCompactSize(entry.height)
        writer.writeCompactSize(entry.slot)
        writer.write(entry.time.milliseconds)
        writer.writeCompactSize(UInt64(entry.kind.rawValue))
    }

    init(from reader: inout ByteReader, position: UInt64) throws(DecodingFailure) {
        let transaction = try reader.readHash()
        guard let index = UInt32(exactly: try reader.readCompactSize()) else {
            throw reader.failure(.valueOutOfRange)
        }
        outPoint = OutPoint(transaction: transaction, index: index)
        let value = try reader.readAmount()
        let locking = Script(try reader.readPrefixed(limit: Script.bytesMax))
        let height = try reader.readCompactSize()
        let slot = try reader.readCompactSize()
        let time = Timestamp(milliseconds: try reader.readInteger())
        guard let number = UInt16(exactly: try reader.readCompactSize()),
            let kind = TransactionKind(rawValue: number)
        else { throw reader.failure(.unknownKind) }
        entry = OutputEntry(
            output: TransactionOutput(value: value, locking: locking), height: height, slot: slot, time: time,
            kind: kind, position: position)
    }
}
