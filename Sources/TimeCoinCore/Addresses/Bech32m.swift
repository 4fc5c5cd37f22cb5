/// Text with a checksum that finds up to four wrong characters (BIP 350).
public enum Bech32m {
    public enum Failure: Error, Hashable, Sendable {
        case mixedCase
        case badCharacter
        case noSeparator
        case badLength
        case badChecksum
        case badPadding
    }

    /// Characters of a whole string.
    public static let charactersMax = 90
    private static let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)
    private static let constant: UInt32 = 0x2bc8_30a3
    private static let checksumCount = 6

    /// - Parameter values: five bits each.
    public static func encode(prefix: String, values: [UInt8]) -> String {
        let checksum = polymod(expand(prefix) + values + [UInt8](repeating: 0, count: checksumCount)) ^ constant
        let tail = (0..<checksumCount).map { UInt8(checksum >> UInt32(5 * (checksumCount - 1 - $0)) & 31) }
        return prefix + "1" + String(decoding: (values + tail).map { alphabet[Int($0 & 31)] }, as: UTF8.self)
    }

    /// The prefix in lower case and the values of five bits each, without the checksum.
    public static func decode(_ text: String) throws(Failure) -> (prefix: String, values: [UInt8]) {
        let bytes = Array(text.utf8)
        guard bytes.count <= charactersMax else { throw .badLength }
        guard bytes.allSatisfy({ (33...126).contains($0) }) else { throw .badCharacter }
        let lower = text.lowercased()
        guard text == lower || text == text.uppercased() else { throw .mixedCase }
        let characters = Array(lower.utf8)
        guard let separator = characters.lastIndex(of: UInt8(ascii: "1")), separator > 0 else { throw .noSeparator }
        guard characters.count - separator - 1 >= checksumCount else { throw .badLength }
        var values: [UInt8] = []
        for character in characters[(separator + 1)...] {
            guard let value = alphabet.firstIndex(of: character) else { throw .badCharacter }
            values.append(UInt8(value))
        }
        let prefix = String(decoding: characters[..<separator], as: UTF8.self)
        guard polymod(expand(prefix) + values) == constant else { throw .badChecksum }
        return (prefix, Array(values.dropLast(checksumCount)))
    }

    /// Eight-bit bytes as five-bit values, padded with zeros.
    static func regroup(bytes: [UInt8]) -> [UInt8] {
        var values: [UInt8] = []
        var buffer: UInt32 = 0
        var bits: UInt32 = 0
        for byte in bytes {
            buffer = (buffer << 8 | UInt32(byte)) & 0xffff
            bits += 8
            while bits >= 5 {
                bits -= 5
                values.append(UInt8(buffer >> bits & 31))
            }
        }
        if bits > 0 { values.append(UInt8(buffer << (5 - bits) & 31)) }
        return values
    }

    /// Five-bit values as bytes; padding must be short and zero.
    static func regroup(values: [UInt8]) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer: UInt32 = 0
        var bits: UInt32 = 0
        for value in values {
            buffer = (buffer << 5 | UInt32(value)) & 0xffff
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(buffer >> bits & 255))
            }
        }
        guard bits < 5, buffer & ((1 << bits) - 1) == 0 else { throw .badPadding }
        return bytes
    }

    private static func expand(_ prefix: String) -> [UInt8] {
        let bytes = Array(prefix.utf8)
        return bytes.map { $0 >> 5 } + [0] + bytes.map { $0 & 31 }
    }

    private static func polymod(_ values: [UInt8]) -> UInt32 {
        let generator: [UInt32] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3]
        var checksum: UInt32 = 1
        for value in values {
            let top = checksum >> 25
            checksum = (checksum & 0x1ff_ffff) << 5 ^ UInt32(value)
            for (bit, term) in generator.enumerated() where top >> UInt32(bit) & 1 == 1 {
                checksum ^= term
            }
        }
        return checksum
    }
}
