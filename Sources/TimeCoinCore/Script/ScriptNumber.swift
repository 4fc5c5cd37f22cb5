/// Numbers on the stack: little endian, sign in the highest bit, shortest form when that is asked for.
enum ScriptNumber {
    /// True, kept so that it need not be made at every check.
    static let one: [UInt8] = [1]
    /// Bytes of a number that arithmetic accepts.
    static let bytesMax = 4

    static func decode(
        _ bytes: ArraySlice<UInt8>, requireMinimal: Bool, bytesMax: Int = bytesMax
    ) throws(ScriptRejection) -> Int64 {
        guard bytes.count <= bytesMax else { throw .number }
        guard let last = bytes.last else { return 0 }
        if requireMinimal, last & 0x7f == 0 {
            // The highest byte only carries the sign: needed only when the one below uses its own highest
            // bit.
            guard bytes.count > 1, bytes[bytes.endIndex - 2] & 0x80 != 0 else { throw .number }
        }
        var value: Int64 = 0
        for (index, byte) in bytes.enumerated() {
            let payload = index == bytes.count - 1 ? byte & 0x7f : byte
            value |= Int64(payload) << Int64(8 * index)
        }
        return last & 0x80 != 0 ? -value : value
    }

    static func encode(_ value: Int64) -> [UInt8] {
        guard value != 0 else { return [] }
        var magnitude = value.magnitude
        var bytes: [UInt8] = []
        while magnitude > 0 {
            bytes.append(UInt8(truncatingIfNeeded: magnitude))
            magnitude >>= 8
        }
        if bytes[bytes.count - 1] & 0x80 != 0 { bytes.append(0) }
        if value < 0 { bytes[bytes.count - 1] |= 0x80 }
        return bytes
    }

    static func isTrue(_ bytes: ArraySlice<UInt8>) -> Bool {
        for (index, byte) in bytes.enumerated() where byte != 0 {
            // Negative zero is false.
            return !(index == bytes.count - 1 && byte == 0x80)
        }
        return false
    }
}
