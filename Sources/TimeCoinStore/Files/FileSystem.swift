/// The file operations that append-only files need, so that a test can make any of them fail and a simulation
/// can lose what was not synced.
public protocol FileSystem: Sendable {
    /// Creates a directory and its missing parents; no fault if it is there. The entry is durable on return.
    func createDirectory(_ path: String) throws(StoreFailure)
    /// Names in a directory, sorted; `nil` when it does not exist.
    func names(in directory: String) throws(StoreFailure) -> [String]?
    /// Keeps other instances out while the result lives.
    ///
    /// - Throws: `locked` when another instance has it; `networkFileSystem`; `io`.
    func lock(_ directory: String) throws(StoreFailure) -> any DirectoryLocking
    /// Unit: bytes.
    func size(of path: String) throws(StoreFailure) -> UInt64
    /// Opens a file for appending, creating it if `creating`.
    func open(_ path: String, creating: Bool) throws(StoreFailure) -> any AppendableFile
    /// Bytes from an offset; fewer than `count` only at the end.
    func read(_ path: String, from offset: UInt64, count: Int) throws(StoreFailure) -> [UInt8]
    /// Cuts a file; durable on return.
    func truncate(_ path: String, to size: UInt64) throws(StoreFailure)
    /// Replaces `target` at once.
    func rename(_ source: String, to target: String) throws(StoreFailure)
    func remove(_ path: String) throws(StoreFailure)
    /// Makes creations, renames and removals durable.
    func syncDirectory(_ path: String) throws(StoreFailure)
    /// Room of the file system that a path lies on.
    func space(at path: String) throws(StoreFailure) -> DiskSpace
}

/// Room of a file system. Unit: bytes.
public struct DiskSpace: Hashable, Sendable {
    /// What this process may still write.
    public let free: UInt64
    public let total: UInt64

    public init(free: UInt64, total: UInt64) {
        self.free = free
        self.total = total
    }
}

/// A file that only grows; closed when released.
public protocol AppendableFile: AnyObject {
    /// Writes all bytes at the end, or throws; not durable yet.
    func append(_ bytes: [UInt8]) throws(StoreFailure)
    /// Everything appended is durable on return.
    func sync() throws(StoreFailure)
}

/// A held lock; released with the object.
public protocol DirectoryLocking: AnyObject, Sendable {}
