import Foundation
import Logging
import TimeCoinCore
import TimeCoinStore

/// What waited when the node was stopped, so that it waits again after the next start.
///
/// A directory of frames, as the journal's: each bears when the transaction arrived (milliseconds of the wall
/// clock, 8 bytes) and its bytes, first come first. Written whole beside the one before and then put in its
/// place. Nothing in it is trusted: every transaction goes through admission again. After a kill it is that
/// of the last clean stop; what was handed in at this node is in ``SubmissionLog``, and the rest comes from
/// peers.
struct MempoolFile {
    /// Waiting transactions read at most.
    static let transactionsMax = Mempool.Limits().transactionsMax
    /// Bytes read at most; what waits takes more memory than bytes.
    static let bytesMax = Mempool.Limits().memoryBytesMax

    private let path: String

    init(_ path: String) {
        self.path = path
    }

    /// Replaces the file; durable on return.
    func write(_ waiting: [Resubmission], at clock: Timestamp) throws {
        let fresh = path + ".new"
        let files = FileManager.default
        if files.fileExists(atPath: fresh) { try files.removeItem(atPath: fresh) }
        try append(waiting, to: fresh, at: clock)
        if files.fileExists(atPath: path) { try files.removeItem(atPath: path) }
        try PosixFileSystem().rename(fresh, to: path)
        try PosixFileSystem().syncDirectory((path as NSString).deletingLastPathComponent)
    }

    private func append(_ waiting: [Resubmission], to path: String, at clock: Timestamp) throws {
        let file = try AppendOnlyFile(opening: path)
        for entry in waiting {
            var writer = ByteWriter(reserving: 8 + entry.checked.size)
            writer.write(clock.milliseconds - min(clock.milliseconds, entry.age))
            entry.checked.transaction.encode(into: &writer)
            try file.append(writer.bytes, height: 0)
        }
        try file.sync()
    }

    /// What was written, in its order; empty where there is nothing. A damaged file is set aside with a
    /// warning, and never keeps a node from starting.
    func read(at clock: Timestamp, logger: Logger) -> [Resubmission] {
        var found: [Resubmission] = []
        do {
            var bytes = 0
            let isCut = try AppendOnlyFile.read(path) { record in
                bytes += record.payload.count
                guard found.count < MempoolFile.transactionsMax, bytes <= MempoolFile.bytesMax,
                    let entry = Resubmission(reading: record.payload, at: clock)
                else { return }
                found.append(entry)
            }
            if isCut {
                logger.warning(
                    "the end of what waited before is damaged and left out", metadata: ["path": "\(path)"])
            }
        } catch let failure as StoreFailure where failure.code == .missing {
            return []
        } catch {
            do {
                let failure = error as? StoreFailure ?? StoreFailure(.corrupt, "\(error)")
                try DamagedFiles.setAside(path, after: failure, logger: logger)
            } catch {
                logger.warning("what waited before cannot be read", metadata: ["reason": "\(error)"])
            }
        }
        return found
    }
}

extension Resubmission {
    /// `nil` for bytes that are not an arrival and a transaction.
    fileprivate init?(reading payload: [UInt8], at clock: Timestamp) {
        var reader = ByteReader(payload)
        guard let arrived = try? reader.readInteger(UInt64.self),
            let checked = try? CheckedTransaction(decoding: Array(payload.dropFirst(8)))
        else { return nil }
        self.init(checked, age: clock.milliseconds - min(clock.milliseconds, arrived))
    }
}
