/// The segments of an append-only record: files named by the sequence of their first record and the version
/// of the format, `0000000000000001.v1`.
struct SegmentDirectory {
    struct Segment: Hashable {
        let path: String
        let first: UInt64
    }

    struct End {
        let path: String
        /// Unit: bytes, before anything is cut.
        let size: UInt64
        let bad: (offset: UInt64, kind: SegmentReader.BadKind)?
        let lastSequence: UInt64
        let lastHeight: UInt64
    }

    /// The format that this version reads and writes.
    static let format = 1

    private let path: String
    private let files: any FileSystem

    init(_ path: String, _ files: any FileSystem) {
        self.path = path
        self.files = files
    }

    /// Oldest first.
    ///
    /// - Throws: `formatTooNew`, `formatTooOld`.
    func segments() throws(StoreFailure) -> [Segment] {
        var segments: [Segment] = []
        for name in try files.names(in: path) ?? [] {
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0].utf8.count == 16, let first = UInt64(parts[0], radix: 16),
                parts[1].hasPrefix("v"), let version = Int(parts[1].dropFirst())
            else { continue }
            try FileFormat.check(version, known: SegmentDirectory.format, "\(path)/\(name)")
            segments.append(Segment(path: "\(path)/\(name)", first: first))
        }
        return segments.sorted { $0.first < $1.first }
    }

    /// An empty segment, durable in its directory.
    func create(first: UInt64) throws(StoreFailure) -> any AppendableFile {
        let file = try files.open(name(first), creating: true)
        try files.syncDirectory(path)
        return file
    }

    private func name(_ first: UInt64) -> String {
        let digits = String(first, radix: 16)
        return
            "\(path)/\(String(repeating: "0", count: 16 - digits.count))\(digits).v\(SegmentDirectory.format)"
    }

    /// Reads the last segment through; where there is none, the first will begin.
    func findEnd() throws(StoreFailure) -> End {
        let segments = try segments()
        guard let last = segments.last else {
            return End(path: name(1), size: 0, bad: nil, lastSequence: 0, lastHeight: 0)
        }
        let size = try files.size(of: last.path)
        var reader = try SegmentReader(last.path, files, first: last.first)
        var sequence = last.first &- 1
        var height: UInt64?
        var bad: (offset: UInt64, kind: SegmentReader.BadKind)?
        reading: while true {
            switch try reader.next() {
            case .record(let found):
                (sequence, height) = (found.sequence, found.height)
            case .bad(let offset, let kind):
                guard try !reader.hasRecord(after: offset) else { throw damage(last, offset) }
                bad = (offset, kind)
                break reading
            case .end:
                break reading
            }
        }
        let lastHeight = if let height { height } else { try self.lastHeight(before: segments) }
        return End(path: last.path, size: size, bad: bad, lastSequence: sequence, lastHeight: lastHeight)
    }

    /// The last segment holds no record yet: the height is that of the end of the one before.
    private func lastHeight(before segments: [Segment]) throws(StoreFailure) -> UInt64 {
        guard let full = segments.dropLast().last else { return 0 }
        var reader = try SegmentReader(full.path, files, first: full.first)
        var height: UInt64 = 0
        while true {
            switch try reader.next() {
            case .record(let found): height = found.height
            case .end: return height
            case .bad(let offset, _): throw damage(full, offset)
            }
        }
    }

    /// - Returns: whether a torn tail was left out.
    @discardableResult
    func visit(
        fromHeight height: UInt64, toleratingTornTail: Bool, _ body: (JournalRecord) throws -> Void
    ) throws -> Bool {
        var segments = try segments()
        // Newest first: the segment before one that begins at or above the height can still hold records of
        // it.
        if let start = try segments.lastIndex(where: { try firstHeight($0).map { $0 < height } ?? false }) {
            segments.removeFirst(start)
        }
        var next: UInt64 = 0
        for (place, segment) in segments.enumerated() {
            if place > 0, segment.first != next {
                throw StoreFailure(.corrupt, "no segment begins at record \(next)")
            }
            var reader = try SegmentReader(segment.path, files, first: segment.first)
            next = segment.first
            reading: while true {
                switch try reader.next() {
                case .record(let found):
                    next = found.sequence + 1
                    if found.height >= height { try body(found.record) }
                case .bad(let offset, _):
                    guard toleratingTornTail, segment == segments.last, try !reader.hasRecord(after: offset)
                    else {
                        throw damage(segment, offset)
                    }
                    return true
                case .end:
                    break reading
                }
            }
        }
        return false
    }

    /// `nil` for a segment without a record.
    private func firstHeight(_ segment: Segment) throws(StoreFailure) -> UInt64? {
        let bytes = try files.read(segment.path, from: 0, count: Frame.headerBytes)
        guard bytes.count == Frame.headerBytes else { return nil }
        guard let header = Frame.header(bytes[...]), header.sequence == segment.first else {
            throw damage(segment, 0)
        }
        return header.height
    }

    func prune(below height: UInt64, keeping segmentsMin: Int) throws(StoreFailure) {
        let segments = try segments()
        var removed = false
        for (segment, follower) in zip(segments, segments.dropFirst()).prefix(
            max(0, segments.count - segmentsMin))
        {
            // Heights never fall, so a segment lies below what its follower begins with.
            guard let first = try firstHeight(follower), first < height else { break }
            try files.remove(segment.path)
            removed = true
        }
        if removed { try files.syncDirectory(path) }
    }

    private func damage(_ segment: Segment, _ offset: UInt64) -> StoreFailure {
        .corrupt(
            segment.path, withUnsafeBytes(of: offset.bigEndian) { Array($0) },
            "an unreadable record at byte \(offset) is followed by readable ones, or is not the last")
    }
}

/// Versions in the names of files.
enum FileFormat {
    static func check(_ version: Int, known: Int, _ path: String) throws(StoreFailure) {
        guard version != known else { return }
        throw version > known
            ? StoreFailure(
                .formatTooNew,
                "\(path) has format \(version), this program reads \(known); start the newer program")
            : StoreFailure(
                .formatTooOld,
                "\(path) has format \(version), this program reads \(known); start the older program")
    }
}
