import Foundation
public import TimeCoinControl
public import TimeCoinCore
import TimeCoinStore

/// Builds a database anew from the blocks and certificates that it keeps, verifying all of it, beside the old
/// one, and takes its place. An interrupted call is continued by the next.
public enum DatabaseReindex {
    /// Blocks read in one view of the old database, at most.
    static let batchBlocksMax = 64
    /// Bytes of blocks read in one view, unless one block alone is larger.
    static let batchBytesMax = 8 << 20

    /// What came of it.
    public struct Summary: Hashable, Sendable {
        public let height: Height
        /// Hash of the tip.
        public let hash: Hash256
        /// Blocks that a call before had done.
        public let continued: Height
        /// Where the old database is now; `nil` when it was discarded.
        public let replaced: String?
        /// Why the new one ends below the old one; `nil` when it does not.
        public let left: String?

        public var json: JSONValue {
            .object([
                "ok": .bool(true), "height": .integer(height), "hash": .string(hash.description),
                "continued": .integer(continued), "replaced": .optional(replaced), "left": .optional(left),
            ])
        }

        public var text: String {
            var lines = ["built anew up to block \(height) \(hash)"]
            if let left { lines.append("not taken over: \(left)") }
            lines.append(replaced.map { "the old database is now \($0)" } ?? "the old database is discarded")
            return lines.joined(separator: "\n")
        }
    }

    /// - Parameter discarding: removes the old database at the end.
    /// - Throws: ``DatabaseFailure``: `damaged` for a block that cannot be read or does not hold, with the
    ///   old database as it was; faults of the disk.
    public static func run(
        _ directory: NodeDirectory, discarding: Bool, progress: ProgressSink
    ) async throws -> Summary {
        // What is wrong with the rest of the records is why it is done.
        let old = try NodeDatabase(opening: directory, checking: false)
        if let base = try? old.store.snapshot({ try $0.base() }), base.blocksFrom > 1 {
            throw DatabaseFailure(
                .refused, "the blocks below \(base.blocksFrom) are not in this database",
                hint: "restore a backup, import an archive, or move the database away and let the node fetch "
                    + "the chain")
        }
        let top = (try? old.store.snapshot { try $0.tip() })?.height
        let new = try target(directory, old)
        let tip = try new.state()
        let (height, hash, left) = try await rebuild(old, new, tip, through: top, progress)
        let isWhole = top.map { height == $0 } ?? true
        return Summary(
            height: height, hash: hash, continued: tip.height,
            replaced: try DatabaseSwap.install(
                directory.reindexed, in: directory, replacing: top, discarding: discarding && isWhole),
            left: left)
    }

    /// The new database as far as a call before has come, if that is a beginning of the old one.
    private static func target(_ directory: NodeDirectory, _ old: NodeDatabase) throws -> NodeDatabase {
        var options = StoreOptions()
        options.instance = old.store.instance
        func open() throws -> NodeDatabase {
            try NodeDatabase(opening: directory, at: directory.reindexed, creating: true, options: options)
        }
        do {
            let begun = try open()
            if begun.store.instance == old.store.instance,
                let tip = try? begun.store.snapshot({ try $0.tip() }),
                let kept = try? old.store.snapshot({ try $0.hash(at: tip.height) }), kept == tip.hash
            {
                return begun
            }
        } catch let failure as StoreFailure where [.io, .full].contains(failure.code) {
            // What is damaged is made anew; a disk that fails is not asked again.
            throw failure
        } catch {
            // Nothing of it is of use.
        }
        try DatabaseSwap.clear(directory.reindexed)
        return try open()
    }

    private static func rebuild(
        _ old: NodeDatabase, _ new: NodeDatabase, _ tip: ChainState, through top: Height?,
        _ progress: ProgressSink
    ) async throws -> (height: Height, hash: Hash256, left: String?) {
        var replay = try CertifiedReplay(new.store, tip: tip, recoveries: old.recoveries)
        var meter = progress.meter("reindex", unit: "blocks", from: tip.height, total: top)
        var left: String?
        reading: while top.map({ replay.state.height < $0 }) ?? true {
            let batch: [StoredBlock]
            do {
                batch = try read(old, from: replay.state.height + 1)
            } catch {
                // Without a tip nobody can tell what is missing from what was never there.
                guard top != nil else { break }
                try replay.flush()
                throw unreadable(error, replay.state.height + 1)
            }
            guard !batch.isEmpty else { break }
            for stored in batch {
                do {
                    try await replay.take(stored)
                } catch let rejection as CertifiedReplay.Rejection {
                    guard try uncertifiedFrom(old)?.contains(rejection.height) == true else {
                        try replay.flush()
                        throw unreadable(rejection, rejection.height)
                    }
                    left = "\(rejection) (it has no commit certificate)"
                    break reading
                }
                progress.advance(&meter, to: replay.state.height)
            }
        }
        try replay.flush()
        progress.finish(meter)
        return (replay.state.height, replay.state.headerHash, left)
    }

    /// The next blocks; only the first of them where one behind it cannot be read.
    private static func read(_ old: NodeDatabase, from height: Height) throws -> [StoredBlock] {
        func read(_ countMax: Int) throws -> [StoredBlock] {
            try old.store.snapshot {
                try $0.blocks(from: height, countMax: countMax, bytesMax: batchBytesMax)
            }
        }
        if let batch = try? read(batchBlocksMax) { return batch }
        return try read(1)
    }

    /// The heights at the tip that nobody has certified, where that can be told.
    private static func uncertifiedFrom(_ old: NodeDatabase) throws -> Set<Height>? {
        guard let tip = try? old.state(),
            let found = try? UncertifiedBlocks.find(in: old.store, tip: tip)
        else { return nil }
        return Set(found.map(\.height))
    }

    private static func unreadable(_ error: any Error, _ height: Height) -> DatabaseFailure {
        DatabaseFailure(
            .damaged, "block \(height) of this database cannot be taken over: \(error)",
            hint: "the blocks below are good, and the old database is as it was: restore a backup, import an "
                + "archive, or move the database away and let the node fetch the chain")
    }
}
