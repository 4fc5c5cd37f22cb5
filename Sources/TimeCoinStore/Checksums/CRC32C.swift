/// CRC-32C (Castagnoli; RFC 3720, appendix B.4): reflected polynomial 0x82f63b78, eight bytes a step.
package struct CRC32C {
    private var register: UInt32 = 0xffff_ffff

    private static let tables: [[UInt32]] = makeTables()

    private static func makeTables() -> [[UInt32]] {
        var tables = [
            (0..<256).map { index in
                (0..<8).reduce(UInt32(index)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0x82f6_3b78 : 0) }
            }
        ]
        for step in 1..<8 {
            tables.append(tables[step - 1].map { $0 >> 8 ^ tables[0][Int($0 & 0xff)] })
        }
        return tables
    }

    package static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var crc = CRC32C()
        crc.update(bytes)
        return crc.value
    }

    var value: UInt32 { ~register }

    mutating func update(_ bytes: some Sequence<UInt8>) {
        let done: Void? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
        guard done == nil else { return }
        let table = CRC32C.tables[0]
        for byte in bytes {
            register = register >> 8 ^ table[Int(UInt8(truncatingIfNeeded: register) ^ byte)]
        }
    }

    private mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let tables = CRC32C.tables
        var crc = register
        var offset = 0
        while offset + 8 <= bytes.count {
            let word =
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                ^ UInt64(crc)
            crc = 0
            for step in 0..<8 {
                crc ^= tables[7 - step][Int(UInt8(truncatingIfNeeded: word >> UInt64(8 * step)))]
            }
            offset += 8
        }
        while offset < bytes.count {
            crc = crc >> 8 ^ tables[0][Int(UInt8(truncatingIfNeeded: crc) ^ bytes[offset])]
            offset += 1
        }
        register = crc
    }
}
