import Foundation
import NIOPosix
public import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

/// Copies a database, of a running node or of a stopped one, verifies the copy, and gives it its name only
/// then.
public struct DatabaseBackup: Sendable {
    /// The copy inside of a backup.
    static let chainName = "chain"
    static let genesisName = "genesis.json"
    static let recoveriesName = "recoveries"
    /// Behind the name of what is not whole yet.
    private static let draftSuffix = ".partial"
    /// Seconds that a call of a running node may take.
    private static let callTimeout: Int64 = 86_400

    private let store: any ChainCopying
    private let directory: NodeDirectory
    private let clock: NodeClock
    private let current = BackupRun()

    init(of store: any ChainCopying, in directory: NodeDirectory, clock: NodeClock) {
        self.store = store
        self.directory = directory
        self.clock = clock
    }

    /// Backs up the database of a directory: where a node runs, the node does it.
    ///
    /// - Parameter target: does not exist yet.
    /// - Returns: the manifest of the backup.
    /// - Throws: ``DatabaseFailure``, `ControlFailure`, `StoreFailure`.
    public static func run(
        _ directory: NodeDirectory, to target: String, progress: ProgressSink
    ) async throws -> JSONValue {
        let path = target.hasPrefix("/") ? target : FileManager.default.currentDirectoryPath + "/" + target
        do {
            let database = try NodeDatabase(opening: directory)
            let backup = DatabaseBackup(of: database.store, in: directory, clock: progress.clock)
            return try backup.make(path, progress).json
        } catch let failure as DatabaseFailure where failure.kind == .inUse {
            let socket = try SocketPath.forConnecting(networkDirectory: directory.root)
            return try await call(ControlClient(socket: socket), path, progress)
        }
    }

    /// Has a running node make a backup, and asks it meanwhile how far it is.
    private static func call(
        _ client: ControlClient, _ path: String, _ progress: ProgressSink
    ) async throws -> JSONValue {
        try await withThrowingTaskGroup(of: JSONValue?.self) { group in
            group.addTask {
                try await client.call("backup", .array([.string(path)]), timeout: callTimeout)
            }
            group.addTask {
                while !Task.isCancelled {
                    try? await Task.sleep(for: .milliseconds(ProgressMeter.interval))
                    guard !Task.isCancelled, let info = try? await client.call("getstorageinfo"),
                        let report = info["backup"].flatMap({ ProgressReport($0) })
                    else { continue }
                    progress.tell(report)
                }
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw DatabaseFailure(.interrupted, "the backup was ended", hint: "call it again")
        }
    }

    /// How far the backup is that the node makes; `nil` where it makes none.
    func progress(at now: Instant) -> ProgressReport? { current.progress(at: now) }

    /// The same beside everything that the node does: on a thread of its own, one at a time.
    ///
    /// - Parameter target: an absolute path that does not exist yet.
    package func makeBeside(_ target: String) async throws -> BackupManifest {
        let copied = (target as NSString).standardizingPath + DatabaseBackup.draftSuffix
        let bytes = try PosixFileSystem().size(of: "\(directory.chain)/\(ChainStore.fileName)")
        guard
            current.begin(
                copyingTo: "\(copied)/\(DatabaseBackup.chainName)/\(ChainStore.fileName)", bytes: bytes,
                by: clock)
        else {
            throw DatabaseFailure(.inUse, "a backup is being made already", hint: "wait until it is done")
        }
        defer { current.end() }
        let sink = current.verification(by: clock)
        return try await NIOThreadPool.singleton.runIfActive { try make(target, sink) }
    }

    /// A copy beside the database must not be what fills the disk of the node.
    static func requireRoom(
        for bytes: UInt64, at space: DiskSpace, _ target: String
    ) throws(DatabaseFailure) {
        let low = DiskWatermark.low(of: space)
        guard space.free < low || space.free - low < bytes else { return }
        throw DatabaseFailure(
            .refused,
            "\(target) has \(space.free) bytes free, the copy may need \(bytes) and \(low) stay free",
            hint: "name a directory on a disk with more room")
    }

    /// Copies, verifies, names. What a fault leaves behind has another name and is removed by the next call.
    func make(_ named: String, _ progress: ProgressSink = .silent) throws -> BackupManifest {
        let files = PosixFileSystem()
        // A slash at the end would put the draft inside of what it is to become.
        let target = (named as NSString).standardizingPath
        guard !FileManager.default.fileExists(atPath: target) else {
            throw DatabaseFailure(.exists, "\(target) is there already", hint: "name a new directory")
        }
        let draft = target + DatabaseBackup.draftSuffix
        try DatabaseSwap.clear(draft)
        try files.createDirectory(draft)
        try DatabaseBackup.requireRoom(
            for: try files.size(of: "\(directory.chain)/\(ChainStore.fileName)"),
            at: try files.space(at: draft), target)
        let genesis = try directory.readGenesis()
        try DurableCopy.file(directory.genesis, to: "\(draft)/\(DatabaseBackup.genesisName)")
        try DurableCopy.directory(directory.recoveries, to: "\(draft)/\(DatabaseBackup.recoveriesName)")
        let copy = "\(draft)/\(DatabaseBackup.chainName)"
        try store.copy(to: copy)
        let verified = try DatabaseVerification.run(
            copy, in: directory, progress: progress)
        for name in try files.names(in: copy) ?? [] where name != ChainStore.fileName {
            try files.remove("\(copy)/\(name)")
        }
        try files.syncDirectory(copy)
        let manifest = BackupManifest(
            verified, network: directory.network, chain: genesis.hash, at: clock.moment.clock)
        try DurableCopy.write(
            Array((manifest.json.pretty + "\n").utf8), to: "\(draft)/\(BackupManifest.fileName)")
        try files.syncDirectory(draft)
        try files.rename(draft, to: target)
        try files.syncDirectory(URL(fileURLWithPath: target).deletingLastPathComponent().path)
        return manifest
    }
}
