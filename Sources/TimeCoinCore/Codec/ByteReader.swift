/// Why bytes are not the canonical encoding of anything.
public struct DecodingFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: String, Hashable, Sendable {
        case truncated = "truncated"
        case trailingBytes = "trailing-bytes"
        case nonMinimalLength = "non-minimal-length"
        case lengthLimit = "length-limit"
        case valueOutOfRange = "value-out-of-range"
        case unknownKind = "unknown-kind"
    }

    public let reason: Reason
    /// Offset of the first byte that could not be read.
    public let offset: Int

    public init(reason: Reason, offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    public var description: String { "\(reason.rawValue) at byte \(offset)" }
}

/// Reads the canonical encoding from bytes that nobody vouches for.
///
/// It never allocates more than the bytes present: a count is compared with what remains before anything is
/// reserved.
public struct ByteReader: Sendable {
    private let bytes: [UInt8]
    public private(set) var position: Int

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
        self.position = 0
    }

    public var remaining: Int { bytes.count - position }

    public func failure(_ reason: DecodingFailure.Reason) -> DecodingFailure {
        DecodingFailure(reason: reason, offset: position)
    }

    /// Reads a whole value: everything must be consumed.
    public static func decode<Value>(
        _ bytes: [UInt8], _ body: (inout ByteReader) throws(DecodingFailure) -> Value
    ) throws(DecodingFailure) -> Value {
        var reader = ByteReader(bytes)
        let value = try body(&reader)
        try reader.finish()
        return value
    }

    public func finish() throws(DecodingFailure) {
        guard remaining == 0 else { throw failure(.trailingBytes) }
    }

    public mutating func readByte() throws(DecodingFailure) -> UInt8 {
        guard remaining >= 1 else { throw failure(.truncated) }
        defer { position += 1 }
        return bytes[position]
    }

    /// Little endian, in the width of the type, which has at most 64 bits.
    public mutating func readInteger<Integer: FixedWidthInteger & UnsignedInteger>(
        _: Integer.Type = Integer.self
    ) throws(DecodingFailure) -> Integer {
        let width = MemoryLayout<Integer>.size
        guard remaining >= width else { throw failure(.truncated) }
        // Byte by byte in a word: other modules call this without knowing the type at compile time.
        var word: UInt64 = 0
        for place in 0..<width { word |= UInt64(bytes[position + place]) << UInt64(8 * place) }
        position += width
        return Integer(truncatingIfNeeded: word)
    }

    public mutating func readHash() throws(DecodingFailure) -> Hash256 {
        let offset = position
        guard remaining >= Hash256.byteCount else { throw failure(.truncated) }
        position += Hash256.byteCount
        let hash = bytes.withUnsafeBytes {
            Hash256(UnsafeRawBufferPointer(rebasing: $0[offset..<offset + Hash256.byteCount]))
        }
        guard let hash else { throw failure(.truncated) }
        return hash
    }

    public mutating func readAmount() throws(DecodingFailure) -> Amount {
        guard let amount = Amount(units: try readInteger()) else { throw failure(.valueOutOfRange) }
        return amount
    }

    public mutating func readRaw(_ count: Int) throws(DecodingFailure) -> [UInt8] {
        guard count >= 0, remaining >= count else { throw failure(.truncated) }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    /// Bytes behind a CompactSize length of at most `limit`.
    public mutating func readPrefixed(limit: Int) throws(DecodingFailure) -> [UInt8] {
        let count = try readCount(limit: limit, bytesEach: 1)
        return try readRaw(count)
    }

    /// A CompactSize count of things that take at least `bytesEach` bytes each: refused above `limit` and
    /// above
    /// what the remaining bytes can hold, so that it can safely be reserved.
    public mutating func readCount(limit: Int, bytesEach: Int) throws(DecodingFailure) -> Int {
        let start = position
        let value = try readCompactSize()
        guard value <= UInt64(limit) else { throw DecodingFailure(reason: .lengthLimit, offset: start) }
        let count = Int(value)
        guard count <= remaining / max(1, bytesEach) else {
            throw DecodingFailure(reason: .truncated, offset: start)
        }
        return count
    }

    public mutating func readCompactSize() throws(DecodingFailure) -> UInt64 {
        let start = position
        let first = try readByte()
        let value: UInt64
        let least: UInt64
        switch first {
        case 0xfd: (value, least) = (UInt64(try readInteger(UInt16.self)), 0xfd)
        case 0xfe: (value, least) = (UInt64(try readInteger(UInt32.self)), 0x1_0000)
        case 0xff: (value, least) = (try readInteger(UInt64.self), 0x1_0000_0000)
        default: return UInt64(first)
        }
        guard value >= least else { throw DecodingFailure(reason: .nonMinimalLength, offset: start) }
        return value
    }
}
