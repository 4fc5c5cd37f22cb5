/// Text with a checksum that finds up to four wrong characters (BIP 350), with any prefix.
public enum Bech32m {
    /// Characters of a whole string.
    public static let charactersMax = 90
    private static let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)
    private static let constant: UInt32 = 0x2bc8_30a3
    private static let checksumCount = 6

    /// The string in small letters. `nil` when ``decode(_:)`` would not give the same back: a prefix that is
    /// empty, has capitals or characters outside 33 to 126; a value above 31; more than ``charactersMax``
    /// characters.
    ///
    /// - Parameter values: five bits each.
    public static func encode(prefix: String, values: [UInt8]) -> String? {
        guard !prefix.isEmpty, prefix.utf8.count + 1 + values.count + checksumCount <= charactersMax,
            prefix.utf8.allSatisfy({ (33...126).contains($0) && !isCapital($0) }),
            values.allSatisfy({ $0 < 32 })
        else { return nil }
        return join(prefix: prefix, values: values)
    }

    /// The prefix in small letters and the values of five bits each, without the checksum.
    ///
    /// - Throws: the first thing wrong, the checksum last of all.
    public static func decode(_ text: String) throws(Bech32mFailure) -> (prefix: String, values: [UInt8]) {
        guard text.utf8.count <= charactersMax else { throw .tooLong }
        let given = Array(text.utf8)
        if let position = given.firstIndex(where: { !(33...126).contains($0) }) {
            throw .badCharacter(position: position)
        }
        guard !given.contains(where: isCapital) || !given.contains(where: isSmall) else { throw .mixedCase }
        let characters = given.map { isCapital($0) ? $0 + 32 : $0 }
        guard let separator = characters.lastIndex(of: UInt8(ascii: "1")), separator > 0 else {
            throw .noPrefix
        }
        var values: [UInt8] = []
        for position in (separator + 1)..<characters.count {
            guard let value = alphabet.firstIndex(of: characters[position]) else {
                throw .badCharacter(position: position)
            }
            values.append(UInt8(value))
        }
        guard values.count >= checksumCount else { throw .tooShort }
        let prefix = String(decoding: characters[..<separator], as: UTF8.self)
        guard remainder(expand(prefix) + values) == constant else { throw .badChecksum }
        return (prefix, Array(values.dropLast(checksumCount)))
    }

    /// What stands before the last `1`, in small letters, whatever the rest is.
    static func prefix(of text: String) -> String? {
        guard text.utf8.count <= charactersMax else { return nil }
        return text.lastIndex(of: "1").map { text[..<$0].lowercased() }
    }

    /// As ``encode(prefix:values:)``, for a prefix and values that are known to fit.
    static func join(prefix: String, values: [UInt8]) -> String {
        let checksum =
            remainder(expand(prefix) + values + [UInt8](repeating: 0, count: checksumCount)) ^ constant
        let tail = (0..<checksumCount).map { index in
            UInt8(truncatingIfNeeded: checksum >> UInt32(5 * (checksumCount - 1 - index)))
        }
        return prefix + "1" + String(decoding: (values + tail).map { alphabet[Int($0 & 31)] }, as: UTF8.self)
    }

    private static func isCapital(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    private static func isSmall(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }

    private static func expand(_ prefix: String) -> [UInt8] {
        let bytes = Array(prefix.utf8)
        return bytes.map { $0 >> 5 } + [0] + bytes.map { $0 & 31 }
    }

    /// The remainder of the polynomial of BIP 173, whose coefficients are values of five bits.
    private static func remainder(_ values: [UInt8]) -> UInt32 {
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

extension Bech32m {
    /// Bytes as values of five bits, the last one filled with zeros.
    static func values(ofBytes bytes: [UInt8]) -> [UInt8] {
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

    /// Values of five bits as bytes; what is left over must be short and zero.
    static func bytes(ofValues values: ArraySlice<UInt8>) throws(Bech32mFailure) -> [UInt8] {
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
}
