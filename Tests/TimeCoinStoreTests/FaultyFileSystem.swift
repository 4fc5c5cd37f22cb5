import Synchronization
import TimeCoinStore

/// Real files of which the n-th write or sync fails, once; what happened is counted.
final class FaultyFileSystem: FileSystem {
    struct Counts {
        var operations = 0
        var failAt: Int?
        var failed = false
    }

    private let files = PosixFileSystem()
    private let counts = Mutex(Counts())

    var operations: Int { counts.withLock { $0.operations } }
    var hasFailed: Bool { counts.withLock { $0.failed } }

    /// Lets the n-th operation from now fail, from 0.
    func fail(after number: Int) {
        counts.withLock { $0.failAt = $0.operations + number }
    }

    fileprivate func step() throws(StoreFailure) {
        let fails = counts.withLock { counts in
            defer { counts.operations += 1 }
            guard counts.failAt == counts.operations else { return false }
            counts.failed = true
            return true
        }
        if fails { throw StoreFailure(.io, "injected") }
    }

    func createDirectory(_ path: String) throws(StoreFailure) { try files.createDirectory(path) }
    func names(in directory: String) throws(StoreFailure) -> [String]? { try files.names(in: directory) }
    func lock(_ directory: String) throws(StoreFailure) -> any DirectoryLocking { try files.lock(directory) }
    func space(at path: String) throws(StoreFailure) -> DiskSpace { try files.space(at: path) }
    func size(of path: String) throws(StoreFailure) -> UInt64 { try files.size(of: path) }

    func open(_ path: String, creating: Bool) throws(StoreFailure) -> any AppendableFile {
        try step()
        return FaultyFile(try files.open(path, creating: creating), self)
    }

    func read(_ path: String, from offset: UInt64, count: Int) throws(StoreFailure) -> [UInt8] {
        try files.read(path, from: offset, count: count)
    }

    func truncate(_ path: String, to size: UInt64) throws(StoreFailure) {
        try step()
        try files.truncate(path, to: size)
    }

    func rename(_ source: String, to target: String) throws(StoreFailure) {
        try step()
        try files.rename(source, to: target)
    }

    func remove(_ path: String) throws(StoreFailure) {
        try step()
        try files.remove(path)
    }

    func syncDirectory(_ path: String) throws(StoreFailure) {
        try step()
        try files.syncDirectory(path)
    }
}

private final class FaultyFile: AppendableFile {
    private let file: any AppendableFile
    private let faults: FaultyFileSystem

    init(_ file: any AppendableFile, _ faults: FaultyFileSystem) {
        self.file = file
        self.faults = faults
    }

    func append(_ bytes: [UInt8]) throws(StoreFailure) {
        try faults.step()
        try file.append(bytes)
    }

    func sync() throws(StoreFailure) {
        try faults.step()
        try file.sync()
    }
}
