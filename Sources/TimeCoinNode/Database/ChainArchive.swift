import TimeCoinCore
import TimeCoinStore

/// The form of an exported chain, little endian.
///
/// Header: magic (8), version (4), hash of the genesis block (32), first height (8), CRC-32C of these (4).
/// Then frames: kind (1), length of the payload (4), height (8), CRC-32C of these (4), payload, CRC-32C of
/// the payload (4). A block's payload is block and certificate, each with its length before it, as they
/// travel. The last frame has kind 2, the height of the last block, and as payload count of blocks (8) and
/// hash of the last one (32): an archive without it was cut. Nothing of it depends on who exports.
enum ChainArchive {
    static let magic = Array("TIMECHN\n".utf8)
    static let version: UInt32 = 1
    static let headerBytes = 56
    static let frameHeaderBytes = 17
    static let endBytes = 40
    /// Bytes of a frame's payload, at most.
    static let payloadBytesMax = EncodedCertifiedBlock.bytesMax

    enum Kind: UInt8 {
        case block = 1
        case end = 2
    }

    struct Header: Hashable {
        let chain: Hash256
        let first: Height

        var encoded: [UInt8] {
            var writer = ByteWriter(reserving: ChainArchive.headerBytes)
            writer.write(raw: ChainArchive.magic)
            writer.write(ChainArchive.version)
            writer.write(chain)
            writer.write(first)
            writer.write(CRC32C.checksum(writer.bytes))
            return writer.bytes
        }
    }

    struct FrameHeader {
        let kind: Kind
        let length: Int
        let height: Height

        /// `nil` unless these bytes are an undamaged header of a frame.
        init?(_ bytes: [UInt8]) {
            var reader = ByteReader(bytes)
            guard bytes.count == ChainArchive.frameHeaderBytes, let code = try? reader.readByte(),
                let length: UInt32 = try? reader.readInteger(),
                let height: Height = try? reader.readInteger(),
                let checksum: UInt32 = try? reader.readInteger(),
                checksum == CRC32C.checksum(bytes.dropLast(4)),
                let kind = Kind(rawValue: code), length <= ChainArchive.payloadBytesMax
            else { return nil }
            self.kind = kind
            self.length = Int(length)
            self.height = height
        }
    }

    static func frame(_ kind: Kind, _ height: Height, _ payload: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(reserving: frameHeaderBytes + payload.count + 4)
        writer.write(kind.rawValue)
        writer.write(UInt32(truncatingIfNeeded: payload.count))
        writer.write(height)
        writer.write(CRC32C.checksum(writer.bytes))
        writer.write(raw: payload)
        writer.write(CRC32C.checksum(payload))
        return writer.bytes
    }

    static func end(_ height: Height, count: UInt64, last: Hash256) -> [UInt8] {
        var writer = ByteWriter(reserving: endBytes)
        writer.write(count)
        writer.write(last)
        return frame(.end, height, writer.bytes)
    }
}
