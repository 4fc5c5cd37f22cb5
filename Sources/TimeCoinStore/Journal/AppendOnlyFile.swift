/// An append-only record in segments: frames with length, checksums, sequence and height.
///
/// Opening it verifies the last segment. A bad record ends it only if nothing readable follows: then it is
/// the tail that a crash tore, it is cut off and reported. A bad record with readable ones behind it is
/// damage: opening fails and changes nothing. After the first fault every later write is refused. Not
/// `Sendable`: one owner at a time.
public final class AppendOnlyFile {
    public struct Options: Hashable, Sendable {
        /// A segment that reached this size is followed by a new one. Unit: bytes.
        public var segmentBytes: UInt64 = 64 << 20
        /// ``AppendOnlyFile/prune(below:)`` leaves at least this many segments.
        public var segmentsMin = 4

        public init() {}
    }

    /// What was cut off when the file was opened.
    public struct TornTail: Hashable, Sendable {
        /// Unit: bytes.
        public let bytes: UInt64
        /// Whether it can only be a write that a crash cut short. Otherwise a complete last record was wrong,
        /// which may also be damage to a record that was durable.
        public let isProven: Bool
    }

    /// Bytes of a payload at most.
    public static let payloadBytesMax = Frame.payloadBytesMax

    /// What was cut off at opening, if anything.
    public let torn: TornTail?
    /// The last record's sequence; 0 before the first.
    public private(set) var lastSequence: UInt64
    /// The last record's height; 0 before the first.
    public private(set) var lastHeight: UInt64

    private let directory: SegmentDirectory
    private let options: Options
    private let lock: any DirectoryLocking
    private var file: any AppendableFile
    private var segmentSize: UInt64
    private var unsynced = false
    private var fault: StoreFailure?

    /// Opens the records in a directory of their own, creating it when missing.
    ///
    /// - Throws: ``StoreFailure``: `corrupt` with the path and the offset, `locked`, `formatTooNew`,
    ///   `formatTooOld`, `networkFileSystem`, `io`, `full`.
    public init(
        opening path: String, options: Options = Options(), files: any FileSystem = PosixFileSystem()
    ) throws(StoreFailure) {
        try files.createDirectory(path)
        lock = try files.lock(path)
        directory = SegmentDirectory(path, files)
        self.options = options
        let end = try directory.findEnd()
        if let bad = end.bad {
            torn = TornTail(bytes: end.size - bad.offset, isProven: bad.kind == .torn)
            try files.truncate(end.path, to: bad.offset)
        } else {
            torn = nil
        }
        segmentSize = end.bad?.offset ?? end.size
        lastSequence = end.lastSequence
        lastHeight = end.lastHeight
        file = try files.open(end.path, creating: true)
        // What the process before wrote without syncing is durable before anything is built on it.
        try file.sync()
        try files.syncDirectory(path)
    }

    /// Writes a record, which is durable only after ``sync()``.
    ///
    /// - Parameter height: where the writer stands; never below the height of the record before.
    /// - Returns: the sequence of the record.
    /// - Throws: `outOfOrder`, `tooLarge` (nothing is written); `io`, `full`, `latched`.
    @discardableResult
    public func append(_ payload: [UInt8], height: UInt64) throws(StoreFailure) -> UInt64 {
        try refuseAfterFault()
        guard payload.count <= Frame.payloadBytesMax else {
            throw StoreFailure(
                .tooLarge, "a record of \(payload.count) bytes, at most \(Frame.payloadBytesMax)")
        }
        guard height >= lastHeight else {
            throw StoreFailure(.outOfOrder, "a record of height \(height) after one of \(lastHeight)")
        }
        if segmentSize >= options.segmentBytes { try rotate() }
        let record = JournalRecord(sequence: lastSequence + 1, height: height, payload: payload)
        let bytes = Frame.encode(record)
        try latching { () throws(StoreFailure) in try file.append(bytes) }
        unsynced = true
        segmentSize += UInt64(bytes.count)
        lastSequence = record.sequence
        lastHeight = height
        return record.sequence
    }

    /// Makes everything appended durable.
    public func sync() throws(StoreFailure) {
        try refuseAfterFault()
        guard unsynced else { return }
        try latching { () throws(StoreFailure) in try file.sync() }
        unsynced = false
    }

    /// A full segment is durable before the next one exists, so only the last can be torn.
    private func rotate() throws(StoreFailure) {
        try sync()
        try latching { () throws(StoreFailure) in
            file = try directory.create(first: lastSequence + 1)
        }
        segmentSize = 0
    }

    private func refuseAfterFault() throws(StoreFailure) {
        guard let fault else { return }
        throw StoreFailure(.latched, "nothing is written after a failed write", cause: fault)
    }

    private func latching(_ body: () throws(StoreFailure) -> Void) throws(StoreFailure) {
        do {
            try body()
        } catch {
            fault = error
            throw error
        }
    }

    /// Visits, oldest first, the records from the first one that has this height or more; segments that lie
    /// wholly below are not read.
    ///
    /// - Throws: `corrupt` for a bad record; what `body` throws.
    public func records(fromHeight height: UInt64 = 0, _ body: (JournalRecord) throws -> Void) throws {
        try directory.visit(fromHeight: height, toleratingTornTail: false, body)
    }

    /// Visits all records without opening the directory for writing: nothing is locked, cut or created.
    ///
    /// - Returns: whether a torn tail was left out.
    /// - Throws: `missing` when there is no such directory; `corrupt`; what `body` throws.
    @discardableResult
    public static func read(
        _ path: String, files: any FileSystem = PosixFileSystem(), _ body: (JournalRecord) throws -> Void
    ) throws -> Bool {
        guard try files.names(in: path) != nil else { throw StoreFailure(.missing, "there is no \(path)") }
        return try SegmentDirectory(path, files).visit(fromHeight: 0, toleratingTornTail: true, body)
    }

    /// Removes the oldest segments that lie wholly below a height, but never the last
    /// ``Options/segmentsMin``.
    public func prune(below height: UInt64) throws(StoreFailure) {
        try refuseAfterFault()
        try latching { () throws(StoreFailure) in
            try directory.prune(below: height, keeping: options.segmentsMin)
        }
    }
}
