import Foundation
import TimeCoinCore
import TimeCoinStore

/// Writes an exported chain: under another name first, so that a file of the wanted name is always whole.
struct ArchiveWriter {
    /// Bytes gathered before they are written.
    private static let bufferBytes = 1 << 20

    private let path: String
    private let file: (any AppendableFile)?
    private var buffer: [UInt8]
    private var count: UInt64 = 0
    /// Bytes of the archive so far.
    private(set) var bytes: UInt64

    private var draft: String { path + ".partial" }

    /// - Parameter path: `-` for standard output.
    /// - Throws: ``DatabaseFailure`` `exists`; `StoreFailure`.
    init(writing path: String, chain: Hash256, first: Height) throws {
        self.path = path
        buffer = ChainArchive.Header(chain: chain, first: first).encoded
        bytes = UInt64(buffer.count)
        guard path != "-" else {
            file = nil
            return
        }
        guard !FileManager.default.fileExists(atPath: path) else {
            throw DatabaseFailure(
                .exists, "\(path) is there already", hint: "name another file, or remove it")
        }
        try DatabaseSwap.clear(path + ".partial")
        file = try PosixFileSystem().open(path + ".partial", creating: true)
    }

    mutating func append(_ stored: StoredBlock) throws {
        let payload = EncodedCertifiedBlock(block: stored.block, certificate: stored.certificate).encoded
        try write(ChainArchive.frame(.block, stored.height, payload))
        count += 1
    }

    /// Ends the archive; it is durable and has its name on return.
    mutating func finish(at height: Height, last: Hash256) throws {
        try write(ChainArchive.end(height, count: count, last: last))
        try drain()
        guard let file else { return }
        try file.sync()
        let files = PosixFileSystem()
        try files.rename(draft, to: path)
        try files.syncDirectory(URL(fileURLWithPath: path).deletingLastPathComponent().path)
    }

    private mutating func write(_ more: [UInt8]) throws {
        buffer += more
        bytes += UInt64(more.count)
        if buffer.count >= ArchiveWriter.bufferBytes { try drain() }
    }

    private mutating func drain() throws {
        if let file {
            try file.append(buffer)
        } else {
            try FileHandle.standardOutput.write(contentsOf: buffer)
        }
        buffer.removeAll(keepingCapacity: true)
    }
}
