/// Where to pay, as people write it: bech32m with the network's prefix.
public enum Address: Hashable, Sendable {
    /// Version 0: the BLAKE2b-160 of a key, 20 bytes.
    case keyHash([UInt8])
    /// Version 1: the BLAKE2b-256 of a script, 32 bytes.
    case scriptHash([UInt8])

    /// Why text is no address of this network; the description says what to do.
    public enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        case text(Bech32m.Failure)
        case otherNetwork(found: String, expected: String)
        case unknownVersion(UInt8)
        case wrongLength(Int)

        public var description: String {
            switch self {
            case .text(.badChecksum): "the checksum is wrong: a character was mistyped or left out"
            case .text(.mixedCase): "capitals and small letters are mixed"
            case .text: "this is not a bech32m address"
            case .otherNetwork(let found, let expected):
                "it begins with \(found)1, addresses of this network begin with \(expected)1"
            case .unknownVersion(let version): "address version \(version) is not known to this program"
            case .wrongLength(let count): "\(count) bytes are the wrong length for its version"
            }
        }
    }

    public init(parsing text: String, network: Network) throws(Failure) {
        let prefix: String
        let values: [UInt8]
        let hash: [UInt8]
        do {
            (prefix, values) = try Bech32m.decode(text)
            hash = try Bech32m.regroup(values: Array(values.dropFirst()))
        } catch {
            throw .text(error)
        }
        guard prefix == network.addressPrefix else {
            throw .otherNetwork(found: prefix, expected: network.addressPrefix)
        }
        switch (values.first, hash.count) {
        case (0, 20): self = .keyHash(hash)
        case (1, 32): self = .scriptHash(hash)
        case (0, _), (1, _): throw .wrongLength(hash.count)
        default: throw .unknownVersion(values.first ?? 0)
        }
    }

    /// `nil` for a script that is no address.
    public init?(locking script: Script) {
        switch StandardScript(script) {
        case .keyHash(let hash): self = .keyHash(hash)
        case .scriptHash(let hash): self = .scriptHash(hash)
        default: return nil
        }
    }

    public func text(on network: Network) -> String {
        switch self {
        case .keyHash(let hash):
            Bech32m.encode(prefix: network.addressPrefix, values: [0] + Bech32m.regroup(bytes: hash))
        case .scriptHash(let hash):
            Bech32m.encode(prefix: network.addressPrefix, values: [1] + Bech32m.regroup(bytes: hash))
        }
    }

    public var lockingScript: Script {
        switch self {
        case .keyHash(let hash): Script.keyHash(hash)
        case .scriptHash(let hash): Script.scriptHash(hash)
        }
    }
}
