import TimeCoinCore

/// A record of an append-only file.
public struct JournalRecord: Hashable, Sendable {
    /// Counts from 1 without gaps.
    public let sequence: UInt64
    public let height: UInt64
    public let payload: [UInt8]

    public init(sequence: UInt64, height: UInt64, payload: [UInt8]) {
        self.sequence = sequence
        self.height = height
        self.payload = payload
    }
}

/// The form of a record in a file, little endian: length of the payload (4), CRC-32C of the other 24 bytes of
/// the header (4), CRC-32C of the payload (4), sequence (8), height (8), payload.
///
/// The header has a checksum of its own, so that a length is believed before the payload is there: a file
/// that ends inside a record whose header is right was torn, whereas a wrong byte in a complete record is
/// damage.
struct Frame {
    static let headerBytes = 28
    /// Bytes of a payload at most: a proposal with its block, and room.
    static let payloadBytesMax = 4 << 20

    struct Header {
        let length: Int
        let payloadChecksum: UInt32
        let sequence: UInt64
        let height: UInt64
    }

    static func encode(_ record: JournalRecord) -> [UInt8] {
        var rest = ByteWriter(reserving: 24)
        rest.write(UInt32(truncatingIfNeeded: record.payload.count))
        rest.write(CRC32C.checksum(record.payload))
        rest.write(record.sequence)
        rest.write(record.height)
        var writer = ByteWriter(reserving: headerBytes + record.payload.count)
        writer.write(raw: rest.bytes[..<4])
        writer.write(CRC32C.checksum(rest.bytes))
        writer.write(raw: rest.bytes[4...])
        writer.write(raw: record.payload)
        return writer.bytes
    }

    /// `nil` unless these 28 bytes are an undamaged header.
    static func header(_ bytes: ArraySlice<UInt8>) -> Header? {
        guard bytes.count == headerBytes else { return nil }
        var reader = ByteReader(Array(bytes))
        guard let length = try? reader.readInteger(UInt32.self), length <= payloadBytesMax,
            let checksum = try? reader.readInteger(UInt32.self),
            let payloadChecksum = try? reader.readInteger(UInt32.self),
            let sequence = try? reader.readInteger(UInt64.self),
            let height = try? reader.readInteger(UInt64.self)
        else { return nil }
        var crc = CRC32C()
        crc.update(bytes.prefix(4))
        crc.update(bytes.dropFirst(8))
        guard crc.value == checksum else { return nil }
        return Header(
            length: Int(length), payloadChecksum: payloadChecksum, sequence: sequence, height: height)
    }
}
