import Foundation
import NIOPosix
import Synchronization
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
    /// Seconds that a call of a running node may take.
    private static let callTimeout: Int64 = 86_400

    private let store: any ChainCopying
    private let directory: NodeDirectory
    private let clock: NodeClock
    private let isRunning = Flag()

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
            return try await ControlClient(socket: socket)
                .call("backup", .array([.string(path)]), timeout: callTimeout)
        }
    }

    /// The same beside everything that the node does: on a thread of its own, one at a time.
    ///
    /// - Parameter target: an absolute path that does not exist yet.
    package func makeBeside(_ target: String) async throws -> BackupManifest {
        guard isRunning.take() else {
            throw DatabaseFailure(.inUse, "a backup is being made already", hint: "wait until it is done")
        }
        defer { isRunning.release() }
        return try await NIOThreadPool.singleton.runIfActive { try make(target) }
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
        let draft = target + ".partial"
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

    /// One holder at a time.
    private final class Flag: Sendable {
        private let isTaken = Atomic<Bool>(false)

        func take() -> Bool {
            isTaken.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing)
                .exchanged
        }

        func release() { isTaken.store(false, ordering: .releasing) }
    }
}
