import Foundation
import TimeCoinStore

/// Copies of files that are on the disk when the call returns; their directory is the caller's to sync.
enum DurableCopy {
    /// Bytes copied at once.
    private static let chunkBytes = 4 << 20

    /// - Parameter advanced: is told how many bytes are copied.
    static func file(_ source: String, to target: String, _ advanced: (UInt64) -> Void = { _ in }) throws {
        let files = PosixFileSystem()
        let file = try files.open(target, creating: true)
        var offset: UInt64 = 0
        while true {
            let bytes = try files.read(source, from: offset, count: chunkBytes)
            try file.append(bytes)
            offset += UInt64(bytes.count)
            advanced(offset)
            if bytes.count < chunkBytes { break }
        }
        try file.sync()
    }

    /// The files of a directory, not of those below it; nothing where it does not exist.
    static func directory(_ source: String, to target: String) throws {
        let files = PosixFileSystem()
        guard let names = try files.names(in: source) else { return }
        try files.createDirectory(target)
        for name in names { try file("\(source)/\(name)", to: "\(target)/\(name)") }
        try files.syncDirectory(target)
    }

    static func write(_ bytes: [UInt8], to target: String) throws {
        let file = try PosixFileSystem().open(target, creating: true)
        try file.append(bytes)
        try file.sync()
    }
}
