/// A JSON value whose numbers keep the characters that they were written with, and whose objects keep their
/// order.
public indirect enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    /// The token as written, never rounded.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([Member])

    public struct Member: Hashable, Sendable {
        public let name: String
        public let value: JSONValue

        public init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    public static func integer(_ value: some BinaryInteger) -> JSONValue { .number(String(value)) }

    public static func object(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
        .object(members.map { Member($0.key, $0.value) })
    }

    /// A string, or null.
    public static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

    public subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    public var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    public var array: [JSONValue]? {
        if case .array(let items) = self { items } else { nil }
    }

    /// A number without fraction and exponent.
    public var integer: Int64? {
        if case .number(let token) = self { Int64(token) } else { nil }
    }

    /// The characters of a string or of a number: amounts come as either and are parsed exactly.
    public var token: String? {
        switch self {
        case .string(let text), .number(let text): text
        default: nil
        }
    }

    public var isNull: Bool { self == .null }
}
