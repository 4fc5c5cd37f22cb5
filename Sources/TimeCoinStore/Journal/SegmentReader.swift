/// Reads the records of one file from its beginning, a window at a time.
struct SegmentReader {
    enum Step: Hashable {
        case record(Found)
        /// The file ends with a whole record.
        case end
        /// No readable record stands here, at this offset from the beginning.
        case bad(offset: UInt64, kind: BadKind)
    }

    /// A record where it lies. The payload is copied by those who keep it: an array that is made and not used
    /// is freed before it is filled by Swift 6.3 with optimisation, which overwrites what lies there next.
    struct Found: Hashable {
        let sequence: UInt64
        let height: UInt64
        let payload: ArraySlice<UInt8>

        var record: JournalRecord {
            JournalRecord(sequence: sequence, height: height, payload: Array(payload))
        }
    }

    enum BadKind: Hashable {
        /// The file ends inside the record, or nothing but zeros follow: what a crash leaves.
        case torn
        /// All bytes are there and they are wrong.
        case damaged
    }

    private let path: String
    private let files: any FileSystem
    let size: UInt64
    private var window: [UInt8] = []
    /// Offset of the window in the file.
    private var windowStart: UInt64 = 0
    private(set) var offset: UInt64 = 0
    private var expected: UInt64

    /// Bytes read at once.
    static let windowBytes = 1 << 20
    /// What a disk writes whole or not at all, at least. Unit: bytes.
    static let sectorBytes: UInt64 = 512

    /// - Parameter first: the sequence of the first record.
    init(_ path: String, _ files: any FileSystem, first: UInt64) throws(StoreFailure) {
        self.path = path
        self.files = files
        size = try files.size(of: path)
        expected = first
    }

    mutating func next() throws(StoreFailure) -> Step {
        guard offset < size else { return .end }
        guard let bytes = try bytes(at: offset, Frame.headerBytes) else {
            return .bad(offset: offset, kind: .torn)
        }
        guard let header = Frame.header(bytes), header.sequence == expected else { return try bad() }
        let start = offset + UInt64(Frame.headerBytes)
        guard let payload = try self.bytes(at: start, header.length) else {
            return .bad(offset: offset, kind: .torn)
        }
        guard CRC32C.checksum(payload) == header.payloadChecksum else { return try bad() }
        offset = start + UInt64(header.length)
        expected += 1
        return .record(Found(sequence: header.sequence, height: header.height, payload: payload))
    }

    private mutating func bad() throws(StoreFailure) -> Step {
        .bad(offset: offset, kind: try hasOnlyZeros(from: offset) ? .torn : .damaged)
    }

    /// `nil` when the file ends before.
    private mutating func bytes(at place: UInt64, _ count: Int) throws(StoreFailure) -> ArraySlice<UInt8>? {
        guard place <= size, UInt64(count) <= size - place else { return nil }
        if place < windowStart || place + UInt64(count) > windowStart + UInt64(window.count) {
            window = try files.read(path, from: place, count: max(count, SegmentReader.windowBytes))
            windowStart = place
        }
        let start = Int(place - windowStart)
        guard start + count <= window.count else { return nil }
        return window[start..<start + count]
    }

    /// Of a sector, so that its being zero means something. Unit: bytes.
    private static let pieceBytesMin: UInt64 = 8

    /// Whether a sector of the disk has nothing but zeros of what lies between an offset and the end: a power
    /// cut met the write when it had come to other sectors only. Rot does not look like that.
    mutating func lacksSector(from start: UInt64) throws(StoreFailure) -> Bool {
        var place = start
        while place < size {
            let next = min(size, place - place % SegmentReader.sectorBytes + SegmentReader.sectorBytes)
            // A few zeros say nothing: a signature may end with them.
            if next - place >= SegmentReader.pieceBytesMin, try hasOnlyZeros(from: place, to: next) {
                return true
            }
            place = next
        }
        return false
    }

    private mutating func hasOnlyZeros(
        from start: UInt64, to end: UInt64? = nil
    ) throws(StoreFailure) -> Bool {
        var place = start
        let end = end ?? size
        while place < end {
            let count = Int(min(UInt64(SegmentReader.windowBytes), end - place))
            guard let bytes = try bytes(at: place, count), bytes.allSatisfy({ $0 == 0 }) else { return false }
            place += UInt64(count)
        }
        return true
    }

    /// Whether a whole record of this file stands anywhere behind an offset: then what is bad there was not
    /// the last.
    mutating func hasRecord(after start: UInt64) throws(StoreFailure) -> Bool {
        var place = start + 1
        while let bytes = try bytes(at: place, Frame.headerBytes) {
            // Cheap and enough to go on: a header's checksum is not right by chance often.
            if let header = Frame.header(bytes), header.sequence >= expected,
                let payload = try self.bytes(at: place + UInt64(Frame.headerBytes), header.length),
                CRC32C.checksum(payload) == header.payloadChecksum
            {
                return true
            }
            place += 1
        }
        return false
    }
}
