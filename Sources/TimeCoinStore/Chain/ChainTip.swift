public import TimeCoinCore

/// The last block written, and counts that hold after it.
public struct ChainTip: Hashable, Sendable {
    public let height: Height
    public let hash: Hash256
    public let slot: Slot
    /// Unspent outputs.
    public let outputCount: UInt64
    /// Outputs ever created: leaves of the output commitment.
    public let leafCount: UInt64

    public init(height: Height, hash: Hash256, slot: Slot, outputCount: UInt64, leafCount: UInt64) {
        self.height = height
        self.hash = hash
        self.slot = slot
        self.outputCount = outputCount
        self.leafCount = leafCount
    }

    var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 64)
        writer.write(height)
        writer.write(hash)
        writer.write(slot)
        writer.write(outputCount)
        writer.write(leafCount)
        return writer.bytes
    }

    init(from reader: inout ByteReader) throws(DecodingFailure) {
        height = try reader.readInteger()
        hash = try reader.readHash()
        slot = try reader.readInteger()
        outputCount = try reader.readInteger()
        leafCount = try reader.readInteger()
    }
}

/// Where a transaction stands.
public struct TransactionLocation: Hashable, Sendable {
    public let height: Height
    /// Its place in the block, from 0.
    public let index: UInt32

    public init(height: Height, index: UInt32) {
        self.height = height
        self.index = index
    }
}

/// A block as it is stored and served: the certificate lies beside it.
public struct StoredBlock: Hashable, Sendable {
    public let height: Height
    public let block: [UInt8]
    public let certificate: [UInt8]

    public init(height: Height, block: [UInt8], certificate: [UInt8]) {
        self.height = height
        self.block = block
        self.certificate = certificate
    }
}

/// An unspent output with its name.
public struct UnspentOutput: Hashable, Sendable {
    public let outPoint: OutPoint
    public let entry: OutputEntry

    public init(outPoint: OutPoint, entry: OutputEntry) {
        self.outPoint = outPoint
        self.entry = entry
    }
}
