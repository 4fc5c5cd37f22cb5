/// Why text is no address of this network; the description says it to people.
public enum AddressFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// It is not bech32m: a wrong checksum, mixed case, a bad character, …
    case text(Bech32mFailure)
    /// It begins with another prefix than addresses of this network.
    case otherNetwork(found: String, expected: String)
    /// Nothing stands between prefix and checksum.
    case noVersion
    /// A version that this program does not know (2 to 31).
    case unknownVersion(UInt8)
    /// Not as many bytes as the version demands.
    case wrongLength(Int, expected: Int)

    /// What is wrong and, where that is known, what is expected.
    public var description: String {
        switch self {
        case .text(let failure): failure.description
        case .otherNetwork(let found, let expected):
            "the address begins with \(found)1, addresses of this network begin with \(expected)1"
        case .noVersion: "the address is empty"
        case .unknownVersion(let version): "address version \(version) is not known to this program"
        case .wrongLength(let count, let expected): "the address holds \(count) bytes instead of \(expected)"
        }
    }
}
