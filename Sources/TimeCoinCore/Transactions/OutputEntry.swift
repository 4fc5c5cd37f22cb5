/// An unspent output as the state knows it.
public struct OutputEntry: Hashable, Sendable {
    public let output: TransactionOutput
    public let height: Height
    public let slot: Slot
    /// Time of the header *before* the one that created it: BIP 68 measures from there.
    public let time: Timestamp
    public let kind: TransactionKind
    /// Its leaf in the output commitment, which never moves.
    public let position: UInt64

    public init(
        output: TransactionOutput, height: Height, slot: Slot, time: Timestamp, kind: TransactionKind,
        position: UInt64
    ) {
        self.output = output
        self.height = height
        self.slot = slot
        self.time = time
        self.kind = kind
        self.position = position
    }

    /// The leaf of the output commitment; the position is its place, not its content.
    public func leaf(for outPoint: OutPoint) -> Hash256 {
        var writer = ByteWriter(reserving: OutputEntry.usualLeafBytes)
        return leaf(for: outPoint, using: &writer)
    }

    /// Bytes of an encoded entry at most.
    static let bytesMax = 8 + 5 + Transaction.bytesMax + 8 + 8 + 8 + 2 + 8

    /// Room for the leaf of a standard form.
    static let usualLeafBytes = 128

    /// The same with a writer whose room is used again.
    func leaf(for outPoint: OutPoint, using writer: inout ByteWriter) -> Hash256 {
        writer.removeAll()
        writer.write(outPoint)
        encodeContent(into: &writer)
        return Blake2b.hash256(.outputLeaf, writer.bytes)
    }

    private func encodeContent(into writer: inout ByteWriter) {
        writer.write(output)
        writer.write(height)
        writer.write(slot)
        writer.write(time.milliseconds)
        writer.write(kind.rawValue)
    }

    public func encode(into writer: inout ByteWriter) {
        encodeContent(into: &writer)
        writer.write(position)
    }

    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        output = try reader.readOutput()
        height = try reader.readInteger()
        slot = try reader.readInteger()
        time = Timestamp(milliseconds: try reader.readInteger())
        guard let kind = TransactionKind(rawValue: try reader.readInteger()) else {
            throw reader.failure(.unknownKind)
        }
        self.kind = kind
        position = try reader.readInteger()
    }
}

/// Where validation finds the outputs of the parent state.
public protocol OutputSource {
    /// The entry of an unspent output, or `nil` when there is none; throws only for faults of this machine.
    func output(_ outPoint: OutPoint) throws -> OutputEntry?
}
