import TimeCoinCore

/// The signer's own record, apart from everything else and outside every backup: what was signed last is
/// durable here before a signature is released.
///
/// Whether a position may be signed is the signer's decision; this keeps the opaque records. It is small:
/// past ``compactionBytes`` it is replaced at once by its last ``recordsKept`` records. Not `Sendable`: one
/// owner at a time.
public final class SignRecordFile {
    /// Records that survive a compaction.
    public static let recordsKept = 256
    /// A file that reached this size is compacted. Unit: bytes.
    public static let compactionBytes: UInt64 = 1 << 20
    /// Bytes of a record at most.
    public static let payloadBytesMax = 2048

    /// The format that this version reads and writes.
    static let format = 1

    /// Drawn when the record was created; the database beside it has the same.
    public let instance: UInt64
    /// The last records, oldest first, at least ``recordsKept`` if there are that many.
    public private(set) var records: [JournalRecord]
    /// Whether opening cut off a write that a crash had cut short. Its signature was never released.
    public let wasTorn: Bool

    private let directory: String
    private let files: any FileSystem
    private let lock: any DirectoryLocking
    private var file: any AppendableFile
    private var size: UInt64
    private var fault: StoreFailure?

    private static func path(_ directory: String) -> String { "\(directory)/signed.v\(format)" }

    /// Creates an empty record.
    ///
    /// - Throws: `exists` when there is one; `locked`, `networkFileSystem`, `io`, `full`.
    public static func create(
        in directory: String, instance: UInt64, files: any FileSystem = PosixFileSystem()
    ) throws(StoreFailure) {
        try files.createDirectory(directory)
        let lock = try files.lock(directory)
        guard try version(in: directory, files) == nil else {
            throw StoreFailure(.exists, "\(directory) has a record of signatures already")
        }
        try replace(directory, with: [first(instance)], files)
        withExtendedLifetime(lock) {}
    }

    /// The instance number of a record, which may be open elsewhere; nothing is locked, cut or created.
    ///
    /// - Returns: `nil` when there is no record.
    /// - Throws: `corrupt`, `formatTooNew`, `formatTooOld`, `io`.
    public static func instance(
        in directory: String, files: any FileSystem = PosixFileSystem()
    ) throws(StoreFailure) -> UInt64? {
        guard let version = try version(in: directory, files) else { return nil }
        try FileFormat.check(version, known: format, directory)
        return try instance(of: try read(path(directory), files).records.first, path(directory))
    }

    private static func instance(
        of first: JournalRecord?, _ path: String
    ) throws(StoreFailure) -> UInt64 {
        guard let first, first.payload.count == 8 else {
            throw StoreFailure.corrupt(path, [], "it does not begin with an instance number")
        }
        return first.payload.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Opens an existing record.
    ///
    /// - Throws: `missing` when none was created: nothing may be signed then. `corrupt` also for a wrong last
    ///   record of which no sector is missing: it may have been durable. `locked`, `formatTooNew`,
    ///   `formatTooOld`, `io`.
    public init(opening directory: String, files: any FileSystem = PosixFileSystem()) throws(StoreFailure) {
        guard try files.names(in: directory) != nil else { throw SignRecordFile.missing(directory) }
        lock = try files.lock(directory)
        guard let version = try SignRecordFile.version(in: directory, files) else {
            throw SignRecordFile.missing(directory)
        }
        try FileFormat.check(version, known: SignRecordFile.format, directory)
        let path = SignRecordFile.path(directory)
        let contents = try SignRecordFile.read(path, files)
        instance = try SignRecordFile.instance(of: contents.records.first, path)
        records = Array(contents.records.dropFirst())
        wasTorn = contents.torn
        if contents.torn { try files.truncate(path, to: contents.size) }
        size = contents.size
        self.directory = directory
        self.files = files
        file = try files.open(path, creating: false)
        try file.sync()
        try files.syncDirectory(directory)
    }

    /// Adds a record: durable on return.
    ///
    /// - Throws: `tooLarge` (nothing is written); `io`, `full`, `latched`: release nothing, sign nothing any
    ///   more.
    public func append(_ payload: [UInt8], height: UInt64) throws(StoreFailure) {
        if let fault { throw StoreFailure(.latched, "nothing is signed after a failed write", cause: fault) }
        guard payload.count <= SignRecordFile.payloadBytesMax else {
            throw StoreFailure(.tooLarge, "a record of \(payload.count) bytes")
        }
        let record = JournalRecord(
            sequence: (records.last?.sequence ?? 1) + 1, height: height, payload: payload)
        do {
            if size >= SignRecordFile.compactionBytes { try compact() }
            let bytes = Frame.encode(record)
            try file.append(bytes)
            try file.sync()
            size += UInt64(bytes.count)
        } catch {
            fault = error
            throw error
        }
        records.append(record)
    }

    /// The sequence of the first kept record tells how many were dropped, so it is written as that of the
    /// instance.
    private func compact() throws(StoreFailure) {
        records.removeFirst(max(0, records.count - SignRecordFile.recordsKept))
        let before = (records.first?.sequence ?? 2) - 1
        let kept = [SignRecordFile.first(instance, sequence: before)] + records
        try SignRecordFile.replace(directory, with: kept, files)
        let path = SignRecordFile.path(directory)
        file = try files.open(path, creating: false)
        size = try files.size(of: path)
    }

    private static func first(_ instance: UInt64, sequence: UInt64 = 1) -> JournalRecord {
        JournalRecord(sequence: sequence, height: 0, payload: ByteWriter.number(instance))
    }

    /// A file beside it, synced, renamed over it: there is the old one or the new one, whole.
    private static func replace(
        _ directory: String, with records: [JournalRecord], _ files: any FileSystem
    ) throws(StoreFailure) {
        let fresh = "\(directory)/signed.new"
        if try files.names(in: directory)?.contains("signed.new") == true { try files.remove(fresh) }
        let file = try files.open(fresh, creating: true)
        try file.append(records.flatMap(Frame.encode))
        try file.sync()
        try files.rename(fresh, to: path(directory))
        try files.syncDirectory(directory)
    }

    /// `nil` when there is no record.
    private static func version(in directory: String, _ files: any FileSystem) throws(StoreFailure) -> Int? {
        for name in try files.names(in: directory) ?? [] where name.hasPrefix("signed.v") {
            if let version = Int(name.dropFirst("signed.v".count)) { return version }
        }
        return nil
    }

    private static func missing(_ directory: String) -> StoreFailure {
        StoreFailure(.missing, "there is no record of signatures in \(directory)")
    }

    private static func read(
        _ path: String, _ files: any FileSystem
    ) throws(StoreFailure) -> (records: [JournalRecord], size: UInt64, torn: Bool) {
        let head = try files.read(path, from: 0, count: Frame.headerBytes)
        guard let first = Frame.header(head[...]) else {
            throw StoreFailure.corrupt(path, [], "its first record is unreadable")
        }
        var reader = try SegmentReader(path, files, first: first.sequence)
        var records: [JournalRecord] = []
        while true {
            switch try reader.next() {
            case .record(let found):
                records.append(found.record)
            case .end:
                return (records, reader.offset, false)
            case .bad(let offset, let kind):
                let left = reader.size - offset
                let header = try files.read(path, from: offset, count: Frame.headerBytes)
                var isTorn = kind == .torn
                if isOneRecord(header, left: left, after: records), try reader.lacksSector(from: offset) {
                    isTorn = true
                }
                guard isTorn, !records.isEmpty, try !reader.hasRecord(after: offset) else {
                    throw StoreFailure.corrupt(
                        path, withUnsafeBytes(of: offset.bigEndian) { Array($0) },
                        "an unreadable record at byte \(offset): nothing may be signed with this record")
                }
                return (records, offset, true)
            }
        }
    }

    /// Whether what is left of a file is one record, as all that a power cut can have met: every record is
    /// one write, and synced before the next one. Where its length is lost, it is shorter than any two.
    private static func isOneRecord(
        _ header: [UInt8], left: UInt64, after records: [JournalRecord]
    ) -> Bool {
        if let header = Frame.header(header[...]) { return left == UInt64(Frame.headerBytes + header.length) }
        // The first one is not a signature, and shorter.
        guard let shortest = records.dropFirst().map(\.payload.count).min() else { return false }
        return left < 2 * UInt64(Frame.headerBytes + shortest)
    }
}
