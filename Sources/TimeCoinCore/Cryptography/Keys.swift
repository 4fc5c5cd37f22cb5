import CSodium

/// An Ed25519 public key: 32 bytes, not yet known to be a point.
public struct PublicKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    fileprivate let storage: Hash256

    public static let byteCount = 32

    /// `nil` unless there are exactly 32 bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard let storage = Hash256(bytes) else { return nil }
        self.storage = storage
    }

    public init?(hex text: String) {
        guard let storage = Hash256(hex: text) else { return nil }
        self.storage = storage
    }

    fileprivate init(storage: Hash256) {
        self.storage = storage
    }

    public var bytes: [UInt8] { storage.bytes }
    public var description: String { storage.description }

    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        storage.withUnsafeBytes(body)
    }

    public static func < (left: PublicKey, right: PublicKey) -> Bool { left.storage < right.storage }

    /// Whether `signature` over `message` verifies by the consensus rule: libsodium 1.0.18's
    /// `crypto_sign_verify_detached`.
    public func verifies(_ signature: Signature, over message: [UInt8]) -> Bool {
        message.withUnsafeBytes { verifies(signature, over: $0) }
    }

    /// The same over a hash, without a copy of it.
    func verifies(_ signature: Signature, over message: Hash256) -> Bool {
        message.withUnsafeBytes { verifies(signature, over: $0) }
    }

    private func verifies(_ signature: Signature, over message: UnsafeRawBufferPointer) -> Bool {
        storage.withUnsafeBytes { key in
            signature.withUnsafeBytes { signatureBytes in
                guard
                    let keyBase = key.bindMemory(to: UInt8.self).baseAddress,
                    let signatureBase = signatureBytes.bindMemory(to: UInt8.self).baseAddress
                else { return false }
                let messageBase = message.bindMemory(to: UInt8.self).baseAddress
                return crypto_sign_verify_detached(
                    signatureBase, messageBase, UInt64(message.count), keyBase) == 0
            }
        }
    }
}

extension ByteWriter {
    public mutating func write(_ key: PublicKey) { write(key.storage) }
    public mutating func write(_ signature: Signature) {
        write(signature.first)
        write(signature.second)
    }
}

extension ByteReader {
    public mutating func readPublicKey() throws(DecodingFailure) -> PublicKey {
        PublicKey(storage: try readHash())
    }

    public mutating func readSignature() throws(DecodingFailure) -> Signature {
        guard remaining >= Signature.byteCount else { throw failure(.truncated) }
        return Signature(first: try readHash(), second: try readHash())
    }
}

/// 64 bytes that claim to be an Ed25519 signature.
public struct Signature: Hashable, Sendable, CustomStringConvertible {
    fileprivate let first: Hash256
    fileprivate let second: Hash256

    public static let byteCount = 64

    /// `nil` unless there are exactly 64 bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard
            bytes.count == Signature.byteCount,
            let first = Hash256(bytes.prefix(32)), let second = Hash256(bytes.dropFirst(32))
        else { return nil }
        self.first = first
        self.second = second
    }

    /// From its halves.
    package init(first: Hash256, second: Hash256) {
        self.first = first
        self.second = second
    }

    public var bytes: [UInt8] { first.bytes + second.bytes }
    public var description: String { Hexadecimal.encode(bytes) }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeTemporaryAllocation(byteCount: Signature.byteCount, alignment: 8) { buffer in
            first.withUnsafeBytes { buffer.copyMemory(from: $0) }
            second.withUnsafeBytes { source in
                UnsafeMutableRawBufferPointer(rebasing: buffer[32...]).copyMemory(from: source)
            }
            return body(UnsafeRawBufferPointer(buffer))
        }
    }
}

/// An Ed25519 secret key and its public key. It is never printed.
public struct SigningKey: Sendable {
    /// 32 secret bytes.
    public let seed: [UInt8]
    public let publicKey: PublicKey
    private let expanded: [UInt8]

    public static let seedByteCount = 32

    /// `nil` unless the seed has exactly 32 bytes. Where the seed comes from is the caller's affair: this
    /// library
    /// has no randomness.
    public init?(seed: [UInt8]) {
        guard seed.count == SigningKey.seedByteCount else { return nil }
        var publicBytes = [UInt8](repeating: 0, count: PublicKey.byteCount)
        var secretBytes = [UInt8](repeating: 0, count: 64)
        guard
            crypto_sign_seed_keypair(&publicBytes, &secretBytes, seed) == 0,
            let publicKey = PublicKey(publicBytes)
        else { return nil }
        self.seed = seed
        self.publicKey = publicKey
        self.expanded = secretBytes
    }

    /// The deterministic signature over a message (RFC 8032).
    public func sign(_ message: [UInt8]) -> Signature {
        var bytes = [UInt8](repeating: 0, count: Signature.byteCount)
        crypto_sign_detached(&bytes, nil, message, UInt64(message.count), expanded)
        // 64 bytes were allocated above, so the initialiser cannot refuse; an all-zero signature never
        // verifies.
        return Signature(bytes) ?? Signature.invalid
    }
}

extension SigningKey: CustomStringConvertible {
    public var description: String { "SigningKey(\(publicKey))" }
}

extension Signature {
    fileprivate static let invalid = Signature(zeros: ())

    private init(zeros: Void) {
        first = .zero
        second = .zero
    }
}
