import Foundation
import TimeCoinStore

extension NodeDirectory {
    /// Where a database is built anew.
    var reindexed: String { root + "/chain.reindex" }
    /// Where a backup is copied to.
    var restored: String { root + "/chain.restore" }
    /// Where a snapshot is loaded to.
    var loading: String { root + "/chain.loading" }
    /// A whole and verified database that is about to take its place.
    var renewed: String { root + "/chain.new" }
}

/// Puts a whole, verified database in the place of another by renaming, so that every crash leaves either the
/// old one or the new one whole.
enum DatabaseSwap {
    /// Databases of the same height that are kept, at most.
    static let keptMax = 1000

    /// Makes `source` the database of the node. What was there is kept beside it, unless `discarding`.
    ///
    /// - Parameter height: of what is there, for its new name; `nil` when it cannot be read.
    /// - Returns: where the old database is now; `nil` when there was none or it was discarded.
    static func install(
        _ source: String, in directory: NodeDirectory, replacing height: UInt64?, discarding: Bool = false
    ) throws -> String? {
        let files = PosixFileSystem()
        try clear(directory.renewed)
        try files.rename(source, to: directory.renewed)
        try files.syncDirectory(directory.root)
        var kept: String?
        if !NodeDatabase.exists(directory.chain) {
            try clear(directory.chain)
        } else {
            let name = try freeName(directory, height)
            try files.rename(directory.chain, to: name)
            kept = name
        }
        try files.rename(directory.renewed, to: directory.chain)
        try files.syncDirectory(directory.root)
        guard discarding, let old = kept else { return kept }
        try clear(old)
        try files.syncDirectory(directory.root)
        return nil
    }

    /// Ends a swap that a crash interrupted. Between its two renames there is no other database, and the new
    /// one takes its place; before them the old one is whole, and the new one gets a name under which it is
    /// never installed: months later it would be an old one.
    static func settle(_ directory: NodeDirectory) throws {
        guard FileManager.default.fileExists(atPath: directory.renewed) else { return }
        let files = PosixFileSystem()
        if NodeDatabase.exists(directory.chain) {
            // Who holds the old one may be about to install the new one.
            guard let lock = try unlessLocked(directory.chain, files) else { return }
            try files.rename(directory.renewed, to: try freeName(directory, nil))
            withExtendedLifetime(lock) {}
        } else {
            try clear(directory.chain)
            try files.rename(directory.renewed, to: directory.chain)
        }
        try files.syncDirectory(directory.root)
    }

    private static func unlessLocked(
        _ path: String, _ files: PosixFileSystem
    ) throws(StoreFailure) -> (any DirectoryLocking)? {
        do throws(StoreFailure) {
            return try files.lock(path)
        } catch {
            guard error.code == .locked else { throw error }
            return nil
        }
    }

    /// Removes what an earlier call has left.
    static func clear(_ path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else { return }
        try FileManager.default.removeItem(atPath: path)
    }

    private static func freeName(_ directory: NodeDirectory, _ height: UInt64?) throws -> String {
        let name = directory.chain + ".old-" + (height.map { "\($0)" } ?? "unread")
        for number in 1...keptMax {
            let candidate = number == 1 ? name : "\(name)-\(number)"
            if !FileManager.default.fileExists(atPath: candidate) { return candidate }
        }
        throw DatabaseFailure(.exists, "\(keptMax) databases named \(name) are kept", hint: "remove some")
    }
}
