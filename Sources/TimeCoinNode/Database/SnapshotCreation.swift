import Foundation
import TimeCoinControl
public import TimeCoinCore
import TimeCoinStore

/// Makes a snapshot of a chain, of which a new node goes on without the history, and reads one.
public enum SnapshotCreation {
    /// Of the database of a node. Where it runs, the node makes a backup first, and the snapshot is one of
    /// that.
    ///
    /// - Parameter path: a file that does not exist; it has this name only when it is whole and verified.
    /// - Throws: ``DatabaseFailure``, `ControlFailure`; faults of the disk.
    public static func run(
        _ directory: NodeDirectory, to path: String, progress: ProgressSink
    ) async throws -> SnapshotSummary {
        try mustBeFree(path)
        do {
            return try write(try NodeDatabase(opening: directory), to: path, progress)
        } catch let failure as DatabaseFailure where failure.kind == .inUse {
            let copy = path + ".copy"
            try clearCopy(copy)
            _ = try await DatabaseBackup.run(directory, to: copy, progress: progress)
            let summary = try run(directory, fromBackup: copy, to: path, progress: progress)
            try DatabaseSwap.clear(copy)
            return summary
        }
    }

    /// Of a backup, whose files stay as they are.
    public static func run(
        _ directory: NodeDirectory, fromBackup backup: String, to path: String, progress: ProgressSink
    ) throws -> SnapshotSummary {
        try mustBeFree(path)
        let manifest = try BackupManifest(readingFrom: backup)
        let chain = try directory.readGenesis().hash
        guard manifest.chain == chain else {
            throw DatabaseFailure(
                .badInput, "\(backup) is of the chain \(manifest.chain), \(directory.genesis) of \(chain)")
        }
        let database = "\(backup)/\(DatabaseBackup.chainName)"
        let summary = try write(try NodeDatabase(opening: directory, at: database), to: path, progress)
        // What opening it has made beside it.
        for name in try PosixFileSystem().names(in: database) ?? [] where name != ChainStore.fileName {
            try PosixFileSystem().remove("\(database)/\(name)")
        }
        return summary
    }

    /// Reads a snapshot whole.
    ///
    /// - Parameter block: the hash of a final block; without it the set of genesis is trusted.
    /// - Throws: ``DatabaseFailure`` `badInput`; faults of the disk.
    public static func verify(
        _ path: String, in directory: NodeDirectory, trusting block: Hash256?, progress: ProgressSink
    ) throws -> SnapshotSummary {
        try verify(path, try directory.readGenesis(), block, progress)
    }

    private static func verify(
        _ path: String, _ genesis: Genesis, _ block: Hash256?, _ progress: ProgressSink
    ) throws -> SnapshotSummary {
        var source = try SnapshotSource(path, genesis: genesis, trusting: block)
        var meter = progress.meter("verify", unit: "segments", total: source.total)
        while try source.segment() != nil { progress.advance(&meter, to: source.done) }
        progress.finish(meter)
        return source.summary
    }

    private static func write(
        _ database: NodeDatabase, to path: String, _ progress: ProgressSink
    ) throws -> SnapshotSummary {
        let tip = try database.state()
        guard try UncertifiedBlocks.find(in: database.store, tip: tip).isEmpty else {
            throw DatabaseFailure(
                .refused, "the tip \(tip.height) has no valid commit certificate: nobody would take it",
                hint: "take it back with `timecoin-node db rollback`")
        }
        guard tip.height == 0 || tip.validators.hash == tip.header.validators else {
            throw DatabaseFailure(
                .refused,
                "block \(tip.height) changes the set of validators: no snapshot can end with it",
                hint: "take it after the next block: start the node, and call it again beside it")
        }
        let draft = path + ".partial"
        // The second is what writing the first leaves when it is stopped.
        for left in [draft, draft + ".part"] { try DatabaseSwap.clear(left) }
        var meter: ProgressMeter?
        _ = try database.store.snapshot { reader in
            try reader.writeSnapshot(to: draft) { done, total in
                var running =
                    meter ?? progress.meter("snapshot", unit: "segments", total: UInt64(total))
                progress.advance(&running, to: UInt64(done))
                meter = running
            }
        }
        if let meter { progress.finish(meter) }
        // Whoever reads it will look as closely.
        let summary = try verify(draft, database.genesis, tip.headerHash, progress)
        let files = PosixFileSystem()
        try files.rename(draft, to: path)
        try files.syncDirectory(URL(fileURLWithPath: path).deletingLastPathComponent().path)
        return summary
    }

    private static func mustBeFree(_ path: String) throws(DatabaseFailure) {
        guard !FileManager.default.fileExists(atPath: path) else {
            throw DatabaseFailure(
                .exists, "\(path) is there already", hint: "name another file, or remove it")
        }
    }

    /// Removes the backup of a call before, and nothing that is none.
    private static func clearCopy(_ path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else { return }
        guard FileManager.default.fileExists(atPath: "\(path)/\(BackupManifest.fileName)") else {
            throw DatabaseFailure(.exists, "\(path) is in the way", hint: "name another file, or remove it")
        }
        try DatabaseSwap.clear(path)
    }
}

extension ChainReading {
    /// Gives its type to a call that needs it.
    fileprivate func writeSnapshot(to path: String, progress: (Int, Int) -> Void) throws -> SnapshotManifest {
        try SnapshotFile.write(self, to: path, progress: progress)
    }
}
