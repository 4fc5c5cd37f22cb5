/// The durable memory of consensus: what a member received, sent and timed out on, as opaque frames.
///
/// ``append(_:height:)``, then ``sync()``, and only then may anything that depends on the records be sent. If
/// either fails the node stops signing; this object refuses every later write.
public final class ConsensusJournal {
    private let file: AppendOnlyFile

    /// As ``AppendOnlyFile/init(opening:options:files:)``.
    public init(
        opening path: String, options: AppendOnlyFile.Options = AppendOnlyFile.Options(),
        files: any FileSystem = PosixFileSystem()
    ) throws(StoreFailure) {
        file = try AppendOnlyFile(opening: path, options: options, files: files)
    }

    /// What was cut off at opening. Unless it is proven to be torn, a durable record may be among it: then a
    /// member signs only at heights above ``lastHeight``.
    public var torn: AppendOnlyFile.TornTail? { file.torn }
    public var lastHeight: UInt64 { file.lastHeight }
    public var isEmpty: Bool { file.lastSequence == 0 }

    /// Adds a frame.
    ///
    /// - Parameter height: the height at which the machine stands, which never falls (not that of the
    ///   message).
    public func append(_ frame: [UInt8], height: UInt64) throws(StoreFailure) {
        try file.append(frame, height: height)
    }

    public func sync() throws(StoreFailure) {
        try file.sync()
    }

    /// Visits the frames to replay, oldest first.
    public func replay(fromHeight height: UInt64, _ body: (JournalRecord) throws -> Void) throws {
        try file.records(fromHeight: height, body)
    }

    /// Lets old segments go.
    public func prune(below height: UInt64) throws(StoreFailure) {
        try file.prune(below: height)
    }

    /// Visits all frames of a journal that no node has open.
    ///
    /// - Returns: whether a torn tail was left out.
    @discardableResult
    public static func dump(
        _ path: String, files: any FileSystem = PosixFileSystem(), _ body: (JournalRecord) throws -> Void
    ) throws -> Bool {
        try AppendOnlyFile.read(path, files: files, body)
    }
}
