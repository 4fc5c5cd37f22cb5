/// Why text is not JSON.
public struct JSONFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public let reason: String
    /// Byte at which it was noticed.
    public let offset: Int

    public var description: String { "\(reason) at byte \(offset)" }
}

extension JSONValue {
    /// Nesting at most.
    public static let depthMax = 64
    /// Bytes of a text at most.
    public static let bytesMax = 64 << 20

    /// Reads one value strictly by RFC 8259: no trailing commas, no doubled names, no lone surrogates, no
    /// bad UTF-8.
    public init(parsing bytes: [UInt8]) throws(JSONFailure) {
        guard bytes.count <= JSONValue.bytesMax else { throw JSONFailure(reason: "too long", offset: 0) }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw JSONFailure(reason: "not UTF-8", offset: 0)
        }
        var reader = JSONReader(bytes: bytes)
        self = try reader.document()
    }
}

private struct JSONReader {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func document() throws(JSONFailure) -> JSONValue {
        let value = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw failure("characters after the value") }
        return value
    }

    private func failure(_ reason: String) -> JSONFailure { JSONFailure(reason: reason, offset: position) }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d {
            position += 1
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard current == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(JSONFailure) -> JSONValue {
        guard depth <= JSONValue.depthMax else { throw failure("nested too deeply") }
        skipSpace()
        switch current {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case nil: throw failure("a value is missing")
        default: return .number(try number())
        }
    }

    private mutating func literal(_ text: String, _ value: JSONValue) throws(JSONFailure) -> JSONValue {
        guard bytes[position...].starts(with: text.utf8) else { throw failure("not a value") }
        position += text.utf8.count
        return value
    }

    private mutating func array(depth: Int) throws(JSONFailure) -> JSONValue {
        position += 1
        var items: [JSONValue] = []
        skipSpace()
        if take("]") { return .array(items) }
        while true {
            items.append(try value(depth: depth + 1))
            skipSpace()
            if take("]") { return .array(items) }
            guard take(",") else { throw failure("a comma or ] is missing") }
        }
    }

    private mutating func object(depth: Int) throws(JSONFailure) -> JSONValue {
        position += 1
        var members: [JSONValue.Member] = []
        var names = Set<String>()
        skipSpace()
        if take("}") { return .object(members) }
        while true {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw failure("a name is missing") }
            let name = try string()
            guard names.insert(name).inserted else { throw failure("a name stands twice") }
            skipSpace()
            guard take(":") else { throw failure("a colon is missing") }
            members.append(JSONValue.Member(name, try value(depth: depth + 1)))
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { throw failure("a comma or } is missing") }
        }
    }

    private mutating func number() throws(JSONFailure) -> String {
        let start = position
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") { try digits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try digits()
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func digits() throws(JSONFailure) {
        let start = position
        while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        guard position > start else { throw failure("not a value") }
    }

    private mutating func string() throws(JSONFailure) -> String {
        position += 1
        var units: [UInt8] = []
        while true {
            guard let byte = current else { throw failure("a string does not end") }
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: units, as: UTF8.self)
            case UInt8(ascii: "\\"): units += try escape()
            case 0..<0x20: throw failure("a control character in a string")
            default: units.append(byte)
            }
        }
    }

    private mutating func escape() throws(JSONFailure) -> [UInt8] {
        guard let byte = current else { throw failure("a string does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0c]
        case UInt8(ascii: "n"): return [0x0a]
        case UInt8(ascii: "r"): return [0x0d]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw failure("an unknown escape")
        }
    }

    private mutating func unicodeEscape() throws(JSONFailure) -> [UInt8] {
        var code = UInt32(try hexUnit())
        if (0xd800...0xdbff).contains(code) {
            guard take("\\"), take("u") else { throw failure("half of a surrogate pair") }
            let low = UInt32(try hexUnit())
            guard (0xdc00...0xdfff).contains(low) else { throw failure("half of a surrogate pair") }
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw failure("half of a surrogate pair") }
        return Array(String(Character(scalar)).utf8)
    }

    private mutating func hexUnit() throws(JSONFailure) -> UInt16 {
        guard bytes.count - position >= 4,
            bytes[position..<position + 4].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let unit = UInt16(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
        else { throw failure("an unknown escape") }
        position += 4
        return unit
    }
}
