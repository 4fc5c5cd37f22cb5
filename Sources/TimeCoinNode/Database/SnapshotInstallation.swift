import Foundation
public import TimeCoinControl
public import TimeCoinCore
import TimeCoinStore

/// Makes a snapshot the database of a stopped node, which then goes on from it without the blocks before.
public enum SnapshotInstallation {
    /// Segments written in one transaction: each of up to 2,048 outputs touches as many pages of the table of
    /// transactions and of each index, and touched pages stay in memory until the end of the transaction.
    static let segmentsPerWrite = 8

    /// What was loaded.
    public struct Summary: Hashable, Sendable {
        public let snapshot: SnapshotSummary
        /// Where the database that was there is now.
        public let replaced: String?
        /// Whether a record of the signer lies beside the database.
        public let hasSignRecord: Bool

        public var json: JSONValue {
            .object([
                "ok": .bool(true), "snapshot": snapshot.json, "replaced": .optional(replaced),
                "signrecord": .bool(hasSignRecord),
            ])
        }

        public var text: String {
            let old = replaced.map { "\nthe database that was there is now \($0)" } ?? ""
            return "loaded\n\(snapshot.text)\nblocks up to this height are not here: this node does not "
                + "serve them\(old)\n" + DatabaseRestore.signing(hasRecord: hasSignRecord)
        }
    }

    /// Builds the database beside the one that is there, verifies it whole, and renames.
    ///
    /// - Parameters:
    ///   - block: the hash of a final block; without it the set of genesis is trusted.
    ///   - replacing: keeps what is there under another name; without it, it is a reason to refuse.
    ///   - trial: a program and its arguments that open what is there, which may end whoever does.
    /// - Throws: ``DatabaseFailure``; faults of the disk. Until the last step nothing that was there changes,
    ///   and what an interrupted call leaves is removed by the next.
    public static func run(
        _ path: String, to directory: NodeDirectory, trusting block: Hash256?, replacing: Bool,
        trial: [String]? = nil, progress: ProgressSink
    ) throws -> Summary {
        let genesis = try directory.readGenesis()
        try DatabaseSwap.settle(directory)
        let isThere = NodeDatabase.exists(directory.chain)
        guard replacing || !isThere else { throw DatabaseFailure.databaseExists(directory.chain) }
        let held = isThere ? try HeldDatabase(directory, chain: genesis.hash, trial: trial) : nil
        defer { withExtendedLifetime(held) {} }
        let recoveries = try RecoveryDirectory(directory).recoveries(genesis: genesis.state)
        var source = try SnapshotSource(path, genesis: genesis, trusting: block)
        try DatabaseSwap.clear(directory.loading)
        do {
            try load(&source, into: directory, progress)
            let verified = try DatabaseVerification.run(
                directory.loading, in: directory, isTrusted: true, progress: progress)
            guard verified.hash == source.summary.hash else {
                throw DatabaseFailure(.damaged, "\(directory.loading) is not what was loaded")
            }
        } catch {
            try? DatabaseSwap.clear(directory.loading)
            throw error
        }
        let replaced = try DatabaseSwap.install(directory.loading, in: directory, replacing: held?.height)
        let record = directory.path(\.signRecord, after: recoveries.last?.votingChain)
        return Summary(
            snapshot: source.summary, replaced: replaced,
            hasSignRecord: FileManager.default.fileExists(atPath: record))
    }

    /// The loading has let go of the directory on return.
    private static func load(
        _ source: inout SnapshotSource, into directory: NodeDirectory, _ progress: ProgressSink
    ) throws {
        let loading = try SnapshotLoading(
            source.snapshot, into: directory.loading, options: try InstanceNumber.storeOptions(directory))
        var meter = progress.meter("load", unit: "segments", total: source.total)
        var segments: [SnapshotSegment] = []
        while let segment = try source.segment() {
            segments.append(segment)
            guard segments.count == segmentsPerWrite else { continue }
            try loading.add(segments)
            segments.removeAll(keepingCapacity: true)
            progress.advance(&meter, to: source.done)
        }
        try loading.add(segments)
        progress.advance(&meter, to: source.done)
        try loading.finish()
        progress.finish(meter)
    }
}
