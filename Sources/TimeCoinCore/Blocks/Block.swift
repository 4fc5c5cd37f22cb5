/// A structurally valid block, of which nothing has been checked yet.
public struct Block: Hashable, Sendable {
    public let header: BlockHeader
    public let transactions: [Transaction]

    /// Bytes of an encoded block at most.
    public static let bytesMax = 2_000_000
    /// Header, two empty sections, and the count of transactions.
    public static let overheadBytesMax = BlockHeader.byteCount + 9 + 2
    private static let transactionBytesMin = 10

    public init(header: BlockHeader, transactions: [Transaction]) {
        self.header = header
        self.transactions = transactions
    }

    public var encoded: [UInt8] {
        var writer = ByteWriter(
            reserving: transactions.reduce(Block.overheadBytesMax) { $0 + $1.encodedSize })
        header.encode(into: &writer)
        writer.writeCompactSize(UInt64(transactions.count))
        for transaction in transactions {
            transaction.encode(into: &writer)
        }
        // Sections of evidence and attestations: this version of the block has none in either.
        writer.writeCompactSize(0)
        writer.writeCompactSize(0)
        return writer.bytes
    }

    public init(decoding bytes: [UInt8]) throws(DecodingFailure) {
        self = try Block.located(in: bytes).block
    }

    /// Decodes exactly one block, and tells where the bytes of each transaction lie.
    static func located(
        in bytes: [UInt8]
    ) throws(DecodingFailure) -> (block: Block, transactions: [Range<Int>]) {
        guard bytes.count <= Block.bytesMax else { throw DecodingFailure(reason: .lengthLimit, offset: 0) }
        return try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
            let header = try BlockHeader(from: &reader)
            let count = try reader.readCount(limit: Block.bytesMax, bytesEach: Block.transactionBytesMin)
            var transactions: [Transaction] = []
            var ranges: [Range<Int>] = []
            transactions.reserveCapacity(count)
            ranges.reserveCapacity(count)
            for _ in 0..<count {
                let start = reader.position
                transactions.append(try Transaction(from: &reader))
                ranges.append(start..<reader.position)
            }
            _ = try reader.readCount(limit: 0, bytesEach: 1)
            _ = try reader.readCount(limit: 0, bytesEach: 1)
            return (Block(header: header, transactions: transactions), ranges)
        }
    }
}
