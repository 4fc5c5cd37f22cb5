/// Where to pay, as people write it: bech32m with the network's prefix.
public enum Address: Hashable, Sendable {
    /// Version 0: the BLAKE2b-160 of a key.
    case keyHash(KeyHash)
    /// Version 1: the BLAKE2b-256 of a script. 20 bytes would leave collisions at 80 bits.
    case scriptHash(Hash256)

    /// Reads text in small or capital letters.
    ///
    /// - Parameter prefix: what addresses of the network begin with, in small letters, such as `time`.
    /// - Throws: the first of: not bech32m at all, another network's prefix, wrong checksum, unknown version,
    ///   wrong length.
    public init(parsing text: String, prefix: String) throws(AddressFailure) {
        let found: String
        let values: [UInt8]
        let payload: [UInt8]
        do {
            (found, values) = try Bech32m.decode(text)
        } catch {
            // Somebody else's coin has other checksums: naming the prefix says more than "mistyped".
            if error == .badChecksum, let found = Bech32m.prefix(of: text), found != prefix {
                throw .otherNetwork(found: found, expected: prefix)
            }
            throw .text(error)
        }
        guard found == prefix else { throw .otherNetwork(found: found, expected: prefix) }
        guard let version = values.first else { throw .noVersion }
        guard version <= 1 else { throw .unknownVersion(version) }
        do {
            payload = try Bech32m.bytes(ofValues: values.dropFirst())
        } catch {
            throw .text(error)
        }
        if version == 0 {
            guard let hash = KeyHash(payload) else {
                throw .wrongLength(payload.count, expected: KeyHash.byteCount)
            }
            self = .keyHash(hash)
        } else {
            guard let hash = Hash256(payload) else {
                throw .wrongLength(payload.count, expected: Hash256.byteCount)
            }
            self = .scriptHash(hash)
        }
    }

    /// `nil` for a script that no address stands for.
    public init?(lockingScript script: Script) {
        if let hash = script.keyHash {
            self = .keyHash(hash)
        } else if let hash = script.scriptHash {
            self = .scriptHash(hash)
        } else {
            return nil
        }
    }

    /// The address of a key.
    public init(of key: PublicKey) {
        self = .keyHash(KeyHash(of: key))
    }

    /// The script that pays to it.
    public var lockingScript: Script {
        switch self {
        case .keyHash(let hash): Script.keyHash(hash)
        case .scriptHash(let hash): Script.scriptHash(hash)
        }
    }

    /// The address in small letters.
    ///
    /// - Parameter prefix: what addresses of the network begin with, in small letters, such as `time`.
    public func text(prefix: String) -> String {
        switch self {
        case .keyHash(let hash):
            Bech32m.join(prefix: prefix, values: [0] + Bech32m.values(ofBytes: hash.bytes))
        case .scriptHash(let hash):
            Bech32m.join(prefix: prefix, values: [1] + Bech32m.values(ofBytes: hash.bytes))
        }
    }
}
