/// The BLAKE2b-160 of a public key: what a key-hash output pays to.
public struct KeyHash: Hashable, Sendable, CustomStringConvertible {
    /// 20 bytes.
    public let bytes: [UInt8]

    /// Bytes of a key hash.
    public static let byteCount = 20

    /// `nil` unless there are exactly 20 bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == KeyHash.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// What HASH160 makes of the key.
    public init(of key: PublicKey) {
        bytes = Blake2b.hash160(.scriptHash160, key.bytes)
    }

    /// 40 lowercase hexadecimal digits.
    public var description: String { Hexadecimal.encode(bytes) }
}
