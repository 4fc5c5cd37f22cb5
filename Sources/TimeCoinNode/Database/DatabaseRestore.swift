import Foundation
public import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

/// Puts a backup in the place of a stopped node's database. The signer's record is not touched: what was
/// signed stays signed, however old the backup is.
public enum DatabaseRestore {
    /// What was restored.
    public struct Summary: Hashable, Sendable {
        public let manifest: BackupManifest
        /// Where the database that was there is now.
        public let replaced: String?
        /// Whether a record of the signer lies beside the database.
        public let hasSignRecord: Bool

        public var json: JSONValue {
            .object([
                "ok": .bool(true), "backup": manifest.json, "replaced": .optional(replaced),
                "signrecord": .bool(hasSignRecord),
            ])
        }

        public var text: String {
            let old = replaced.map { "\nthe database that was there is now \($0)" } ?? ""
            return "restored\n\(manifest.text)\(old)\n"
                + DatabaseRestore.signing(hasRecord: hasSignRecord)
        }
    }

    /// Copies the backup beside the database, verifies the copy against the manifest and its certified tip,
    /// and renames.
    ///
    /// - Parameters:
    ///   - replacing: keeps what is there under another name; without it, it is a reason to refuse.
    ///   - trial: a program and its arguments that open what is there, which may end whoever does.
    /// - Throws: ``DatabaseFailure``; faults of the disk. Until the last step nothing that was there changes.
    public static func run(
        _ backup: String, to directory: NodeDirectory, replacing: Bool, trial: [String]? = nil,
        progress: ProgressSink
    ) throws -> Summary {
        let files = PosixFileSystem()
        let manifest = try BackupManifest(readingFrom: backup)
        guard manifest.network == directory.network else {
            throw DatabaseFailure(
                .badInput, "\(backup) is of network \(manifest.network.rawValue)",
                hint: "add --network \(manifest.network.rawValue)")
        }
        try files.createDirectory(directory.root)
        try DatabaseSwap.settle(directory)
        let isThere = NodeDatabase.exists(directory.chain)
        guard replacing || !isThere else { throw DatabaseFailure.databaseExists(directory.chain) }
        let genesis = try takeGenesis(backup, directory, manifest)
        let held = isThere ? try HeldDatabase(directory, chain: genesis.hash, trial: trial) : nil
        defer { withExtendedLifetime(held) {} }
        let recoveries = try RecoveryDirectory(directory).recoveries(genesis: genesis.state)
        try copy("\(backup)/\(DatabaseBackup.chainName)", to: directory.restored, progress)
        let verified: VerifiedDatabase
        do {
            verified = try DatabaseVerification.run(
                directory.restored, in: directory, progress: progress)
            guard verified.height == manifest.height, verified.hash == manifest.hash,
                verified.stateRoot == manifest.stateRoot
            else {
                throw DatabaseFailure(
                    .badInput,
                    "\(backup) holds block \(verified.height) \(verified.hash), its manifest "
                        + "says \(manifest.height) \(manifest.hash)")
            }
        } catch {
            try? DatabaseSwap.clear(directory.restored)
            guard let failure = error as? StoreFailure, failure.code == .corrupt else { throw error }
            throw DatabaseFailure(
                .damaged, "\(backup) is damaged: \(failure)", hint: "take another backup")
        }
        let replaced = try DatabaseSwap.install(directory.restored, in: directory, replacing: held?.height)
        let record = directory.path(\.signRecord, after: recoveries.last?.votingChain)
        return Summary(
            manifest: manifest, replaced: replaced,
            hasSignRecord: FileManager.default.fileExists(atPath: record))
    }

    /// What a node signs whose database was replaced, in words.
    static func signing(hasRecord: Bool) -> String {
        hasRecord
            ? "the sign record here is as it was: this node signs nothing up to the height at which it "
                + "signed last"
            : "there is no sign record here: this node signs nothing"
    }

    /// The genesis of the node and that of the backup must be one; a directory without one gets it, and the
    /// recoveries that its operator followed.
    private static func takeGenesis(
        _ backup: String, _ directory: NodeDirectory, _ manifest: BackupManifest
    ) throws -> Genesis {
        let files = PosixFileSystem()
        let kept = "\(backup)/\(DatabaseBackup.genesisName)"
        let genesis = try GenesisDocument(reading: kept).genesis()
        guard genesis.hash == manifest.chain else {
            throw DatabaseFailure(.badInput, "\(kept) is not the genesis of the backup's manifest")
        }
        if FileManager.default.fileExists(atPath: directory.genesis) {
            let own = try directory.readGenesis().hash
            guard own == genesis.hash else {
                throw DatabaseFailure(
                    .badInput, "\(backup) is of the chain \(genesis.hash), \(directory.genesis) of \(own)")
            }
        } else {
            let draft = directory.genesis + ".new"
            try DatabaseSwap.clear(draft)
            try DurableCopy.file(kept, to: draft)
            try files.rename(draft, to: directory.genesis)
        }
        if !FileManager.default.fileExists(atPath: directory.recoveries) {
            let draft = directory.recoveries + ".new"
            try DatabaseSwap.clear(draft)
            try DurableCopy.directory("\(backup)/\(DatabaseBackup.recoveriesName)", to: draft)
            if FileManager.default.fileExists(atPath: draft) {
                try files.rename(draft, to: directory.recoveries)
            }
        }
        try files.syncDirectory(directory.root)
        return genesis
    }

    private static func copy(_ source: String, to target: String, _ progress: ProgressSink) throws {
        let files = PosixFileSystem()
        try DatabaseSwap.clear(target)
        try files.createDirectory(target)
        let path = "\(source)/\(ChainStore.fileName)"
        guard FileManager.default.fileExists(atPath: path) else {
            throw DatabaseFailure(.badInput, "\(path) is missing: the backup is not whole")
        }
        var meter = progress.meter("restore", unit: "bytes", total: try files.size(of: path))
        try DurableCopy.file(path, to: "\(target)/\(ChainStore.fileName)") {
            progress.advance(&meter, to: $0)
        }
        try files.syncDirectory(target)
        progress.finish(meter)
    }
}
