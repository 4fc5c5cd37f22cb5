/// Builds the canonical encoding: fixed-width little-endian integers and minimal CompactSize lengths.
public struct ByteWriter: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init(reserving capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
    }

    /// Begins anew in the same memory.
    package mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    public mutating func write(_ value: UInt8) {
        bytes.append(value)
    }

    /// Little endian, in the width of the type.
    public mutating func write<Integer: FixedWidthInteger & UnsignedInteger>(_ value: Integer) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    public mutating func write(_ hash: Hash256) {
        hash.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    public mutating func write(_ amount: Amount) {
        write(amount.units)
    }

    /// The bytes as they are, without a length.
    public mutating func write(raw: some Collection<UInt8>) {
        bytes.append(contentsOf: raw)
    }

    /// A CompactSize length, then the bytes.
    public mutating func write(prefixed value: some Collection<UInt8>) {
        writeCompactSize(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// Bitcoin's variable-length count, in its shortest form.
    public mutating func writeCompactSize(_ value: UInt64) {
        switch value {
        case 0..<0xfd:
            bytes.append(UInt8(truncatingIfNeeded: value))
        case 0xfd...0xffff:
            bytes.append(0xfd)
            write(UInt16(truncatingIfNeeded: value))
        case 0x1_0000...0xffff_ffff:
            bytes.append(0xfe)
            write(UInt32(truncatingIfNeeded: value))
        default:
            bytes.append(0xff)
            write(value)
        }
    }

    /// Bytes that ``writeCompactSize(_:)`` takes for a value.
    public static func compactSizeWidth(_ value: UInt64) -> Int {
        switch value {
        case 0..<0xfd: 1
        case 0xfd...0xffff: 3
        case 0x1_0000...0xffff_ffff: 5
        default: 9
        }
    }
}
