/// SipHash-2-4 (Aumasson and Bernstein, 2012) over whole 64-bit words.
///
/// The store uses it as a checksum against rot and misplacement, never as cryptography: what must be
/// authentic is hashed by Core.
struct SipHash {
    /// 128 bits.
    struct Key: Hashable, Sendable {
        let low: UInt64
        let high: UInt64

        static let zero = Key(low: 0, high: 0)
    }

    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64

    init(_ key: Key) {
        v0 = key.low ^ 0x736f_6d65_7073_6575
        v1 = key.high ^ 0x646f_7261_6e64_6f6d
        v2 = key.low ^ 0x6c79_6765_6e65_7261
        v3 = key.high ^ 0x7465_6462_7974_6573
    }

    @inline(__always)
    private mutating func round() {
        v0 &+= v1
        v1 = v1 << 13 | v1 >> 51
        v1 ^= v0
        v0 = v0 << 32 | v0 >> 32
        v2 &+= v3
        v3 = v3 << 16 | v3 >> 48
        v3 ^= v2
        v0 &+= v3
        v3 = v3 << 21 | v3 >> 43
        v3 ^= v0
        v2 &+= v1
        v1 = v1 << 17 | v1 >> 47
        v1 ^= v2
        v2 = v2 << 32 | v2 >> 32
    }

    @inline(__always)
    mutating func absorb(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    /// Bytes as little-endian words, the last one filled up with zeros.
    mutating func absorb(padding bytes: UnsafeRawBufferPointer) {
        var offset = 0
        while offset + 8 <= bytes.count {
            absorb(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
            offset += 8
        }
        guard offset < bytes.count else { return }
        absorb(SipHash.partialWord(bytes[offset...]))
    }

    private static func partialWord(_ bytes: Slice<UnsafeRawBufferPointer>) -> UInt64 {
        var word: UInt64 = 0
        for (place, byte) in bytes.enumerated() {
            word |= UInt64(byte) << UInt64(8 * place)
        }
        return word
    }

    /// The hash, given the last word of the message: its trailing bytes, and its length modulo 256 on top.
    consuming func finish(_ last: UInt64) -> UInt64 {
        absorb(last)
        v2 ^= 0xff
        round()
        round()
        round()
        round()
        return v0 ^ v1 ^ v2 ^ v3
    }

    /// SipHash-2-4 of a message of any length, as published.
    static func hash(_ bytes: [UInt8], key: Key) -> UInt64 {
        var hash = SipHash(key)
        return bytes.withUnsafeBytes { bytes in
            let whole = bytes.count & ~7
            hash.absorb(padding: UnsafeRawBufferPointer(rebasing: bytes[..<whole]))
            return hash.finish(partialWord(bytes[whole...]) | UInt64(bytes.count & 0xff) << 56)
        }
    }
}
