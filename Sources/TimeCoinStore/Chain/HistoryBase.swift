public import TimeCoinCore

/// From where on a store has the history of its chain: all of it where nothing was pruned and no snapshot was
/// loaded.
public struct HistoryBase: Hashable, Sendable {
    /// Headers and their hashes are there from this height on.
    public let headersFrom: Height
    /// Blocks are there from this height on, and the certificates of payment blocks.
    public let blocksFrom: Height

    /// Everything since genesis.
    public static let whole = HistoryBase(headersFrom: 0, blocksFrom: 0)

    public init(headersFrom: Height, blocksFrom: Height) {
        self.headersFrom = headersFrom
        self.blocksFrom = blocksFrom
    }

    var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 16)
        writer.write(headersFrom)
        writer.write(blocksFrom)
        return writer.bytes
    }

    init(from reader: inout ByteReader) throws(DecodingFailure) {
        headersFrom = try reader.readInteger()
        blocksFrom = try reader.readInteger()
    }
}
