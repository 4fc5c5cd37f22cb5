import Foundation
import TimeCoinCore
import TimeCoinStore

/// Reads an exported chain from its beginning to its end, whatever bytes it is made of.
struct ArchiveReader {
    /// Bytes read at once.
    private static let chunkBytes = 1 << 20

    /// What is wrong with an archive, and where.
    struct Fault: Error, CustomStringConvertible {
        /// The height that was to come.
        let height: Height?
        /// Of the first byte that is not as it must be.
        let offset: UInt64
        let reason: String

        var description: String {
            (height.map { "block \($0), " } ?? "") + "byte \(offset): \(reason)"
        }
    }

    private let handle: FileHandle
    private var buffer: [UInt8] = []
    private var place = 0
    /// Bytes taken.
    private(set) var offset: UInt64 = 0
    let header: ChainArchive.Header
    private var next: Height
    private var count: UInt64 = 0
    /// The header of the last block, not looked at.
    private var last: [UInt8] = []
    private var isOver = false

    /// - Parameter path: `-` for standard input.
    /// - Throws: ``DatabaseFailure`` where it cannot be opened, ``Fault``.
    init(reading path: String) throws {
        guard let handle = path == "-" ? .standardInput : FileHandle(forReadingAtPath: path) else {
            throw DatabaseFailure(.badInput, "cannot read the file \(path)")
        }
        self.handle = handle
        var start: [UInt8] = []
        while start.count < ChainArchive.headerBytes,
            let data = try handle.read(upToCount: ChainArchive.headerBytes - start.count), !data.isEmpty
        { start += data }
        header = try ArchiveReader.header(start)
        offset = UInt64(start.count)
        next = header.first
    }

    private static func header(_ bytes: [UInt8]) throws(Fault) -> ChainArchive.Header {
        let prefix = bytes.prefix(ChainArchive.magic.count)
        guard Array(prefix) == ChainArchive.magic else {
            throw Fault(height: nil, offset: 0, reason: "this is no exported chain")
        }
        var reader = ByteReader(Array(bytes.dropFirst(ChainArchive.magic.count)))
        guard let version: UInt32 = try? reader.readInteger() else { throw cut(bytes.count) }
        guard version == ChainArchive.version else {
            throw Fault(
                height: nil, offset: 8,
                reason: "the archive has version \(version), this program reads \(ChainArchive.version)")
        }
        guard let chain = try? reader.readHash(), let first: Height = try? reader.readInteger(),
            let checksum: UInt32 = try? reader.readInteger()
        else { throw cut(bytes.count) }
        guard checksum == CRC32C.checksum(bytes.prefix(ChainArchive.headerBytes - 4)) else {
            throw Fault(height: nil, offset: 8, reason: "the head of the archive is damaged")
        }
        return ChainArchive.Header(chain: chain, first: first)
    }

    private static func cut(_ count: Int) -> Fault {
        Fault(height: nil, offset: UInt64(count), reason: "the archive is cut in its head")
    }

    /// The next block; `nil` after the last one, when the end agrees with what came.
    ///
    /// - Throws: ``Fault``; faults of the disk.
    mutating func read() throws -> StoredBlock? {
        guard !isOver else { return nil }
        let start = offset
        guard let frame = ChainArchive.FrameHeader(try take(ChainArchive.frameHeaderBytes)) else {
            throw Fault(height: next, offset: start, reason: "the head of its frame is damaged")
        }
        let payload = try take(frame.length)
        let checksum = try take(4)
        var reader = ByteReader(checksum)
        guard try reader.readInteger() == CRC32C.checksum(payload) else {
            throw Fault(
                height: next, offset: start, reason: "its frame is damaged: the checksum does not match")
        }
        switch frame.kind {
        case .end:
            try finish(frame, payload, start)
            return nil
        case .block:
            guard frame.height == next, next < .max else {
                throw Fault(height: next, offset: start, reason: "block \(frame.height) stands in its place")
            }
            do {
                let item = try EncodedCertifiedBlock(decoding: payload)
                next += 1
                count += 1
                last = Array(item.block.prefix(BlockHeader.byteCount))
                return StoredBlock(height: frame.height, block: item.block, certificate: item.certificate)
            } catch {
                throw Fault(height: next, offset: start, reason: "no block with its certificate: \(error)")
            }
        }
    }

    private mutating func finish(
        _ frame: ChainArchive.FrameHeader, _ payload: [UInt8], _ start: UInt64
    ) throws {
        isOver = true
        var reader = ByteReader(payload)
        var header = ByteReader(last)
        guard payload.count == ChainArchive.endBytes, try reader.readInteger() == count,
            frame.height == next &- 1,
            try reader.readHash() == (try? BlockHeader(from: &header))?.hash
        else {
            throw Fault(
                height: nil, offset: start, reason: "the end of the archive does not fit the blocks before")
        }
        guard try fill(1) == false else {
            throw Fault(height: nil, offset: offset, reason: "there is something behind the end")
        }
    }

    private mutating func take(_ wanted: Int) throws -> [UInt8] {
        guard try fill(wanted) else {
            throw Fault(
                height: next, offset: offset + UInt64(buffer.count - place),
                reason: "the archive is cut: \(count) whole blocks, then it ends without its last record")
        }
        defer {
            place += wanted
            offset += UInt64(wanted)
        }
        return Array(buffer[place..<place + wanted])
    }

    /// Whether so many bytes are there to be taken.
    private mutating func fill(_ wanted: Int) throws -> Bool {
        while buffer.count - place < wanted {
            if place > 0 {
                buffer.removeFirst(place)
                place = 0
            }
            guard let data = try handle.read(upToCount: ArchiveReader.chunkBytes), !data.isEmpty else {
                return false
            }
            buffer += data
        }
        return true
    }
}
