import TimeCoinCore

/// The bytes of one state as what differs from another: of two states around a block little does, however
/// many members there are.
///
/// Both agree in their last bytes, and before these wherever nothing else is said, at the same offsets.
struct StateDifference: Hashable {
    struct Change: Hashable {
        let offset: Int
        let bytes: [UInt8]
    }

    /// Bytes of the state.
    private let count: Int
    /// Bytes at its end that are those at the end of the other.
    private let suffix: Int
    /// In the order of their offsets; they do not overlap.
    private let changes: [Change]
    /// CRC-32C of the state: another one than that which was compared does not lead to it.
    private let checksum: UInt32

    /// Equal bytes between two changes that are cheaper to say again. Unit: bytes.
    private static let gapMax = 3

    /// - Parameter other: from which the state is to be made again.
    init(_ state: [UInt8], from other: [UInt8]) {
        count = state.count
        checksum = CRC32C.checksum(state)
        let common = min(state.count, other.count)
        var suffix = 0
        while suffix < common, state[state.count - 1 - suffix] == other[other.count - 1 - suffix] {
            suffix += 1
        }
        self.suffix = suffix
        var changes: [Change] = []
        var start: Int?
        var last = 0
        for offset in 0..<(state.count - suffix)
        where offset >= other.count || state[offset] != other[offset] {
            if let begun = start, offset - last > StateDifference.gapMax + 1 {
                changes.append(Change(offset: begun, bytes: Array(state[begun...last])))
                start = nil
            }
            start = start ?? offset
            last = offset
        }
        if let start { changes.append(Change(offset: start, bytes: Array(state[start...last]))) }
        self.changes = changes
    }

    /// - Returns: `nil` when the other is not the one that the state was compared with.
    func state(from other: [UInt8]) -> [UInt8]? {
        guard suffix <= other.count else { return nil }
        var state: [UInt8] = []
        state.reserveCapacity(count)
        for change in changes {
            guard change.offset <= other.count else { return nil }
            state += other[state.count..<change.offset]
            state += change.bytes
        }
        let end = count - suffix
        if state.count < end {
            guard end <= other.count else { return nil }
            state += other[state.count..<end]
        }
        state += other[(other.count - suffix)...]
        return CRC32C.checksum(state) == checksum ? state : nil
    }

    // MARK: - Form

    /// Bytes of the form, about.
    var byteCount: Int { changes.reduce(16) { $0 + $1.bytes.count + 4 } }

    func encode(into writer: inout ByteWriter) {
        writer.writeCompactSize(UInt64(count))
        writer.writeCompactSize(UInt64(suffix))
        writer.write(checksum)
        writer.writeCompactSize(UInt64(changes.count))
        var place = 0
        for change in changes {
            writer.writeCompactSize(UInt64(change.offset - place))
            writer.write(prefixed: change.bytes)
            place = change.offset + change.bytes.count
        }
    }

    init(from reader: inout ByteReader) throws(DecodingFailure) {
        count = try StateDifference.size(UndoRecord.stateBytesMax, from: &reader)
        suffix = try StateDifference.size(count, from: &reader)
        checksum = try reader.readInteger()
        let end = count - suffix
        var place = 0
        var changes: [Change] = []
        for _ in 0..<(try reader.readCount(limit: end, bytesEach: 3)) {
            let offset = place + (try StateDifference.size(end - place, from: &reader))
            let bytes = try reader.readPrefixed(limit: end - offset)
            guard !bytes.isEmpty else { throw reader.failure(.valueOutOfRange) }
            changes.append(Change(offset: offset, bytes: bytes))
            place = offset + bytes.count
        }
        self.changes = changes
    }

    private static func size(_ limit: Int, from reader: inout ByteReader) throws(DecodingFailure) -> Int {
        let size = try reader.readCompactSize()
        guard size <= UInt64(limit) else { throw reader.failure(.lengthLimit) }
        return Int(size)
    }
}
