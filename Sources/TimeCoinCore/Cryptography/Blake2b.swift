import CSodium

/// BLAKE2b through libsodium, always with a domain.
public enum Blake2b {
    /// BLAKE2b-256 with the domain as personalisation.
    public static func hash256(_ domain: HashDomain, _ bytes: [UInt8]) -> Hash256 {
        bytes.withUnsafeBytes { hash256(domain, $0) }
    }

    /// BLAKE2b-256 with the domain as personalisation.
    public static func hash256(_ domain: HashDomain, _ bytes: UnsafeRawBufferPointer) -> Hash256 {
        withDigest(count: Hash256.byteCount, domain, bytes) { Hash256($0) } ?? .zero
    }

    /// The hash of two hashes side by side: a node of a tree.
    public static func hash256(_ domain: HashDomain, _ left: Hash256, _ right: Hash256) -> Hash256 {
        withUnsafeTemporaryAllocation(byteCount: 2 * Hash256.byteCount, alignment: 8) { buffer in
            left.withUnsafeBytes { buffer.copyMemory(from: $0) }
            right.withUnsafeBytes { source in
                UnsafeMutableRawBufferPointer(rebasing: buffer[Hash256.byteCount...]).copyMemory(from: source)
            }
            return hash256(domain, UnsafeRawBufferPointer(buffer))
        }
    }

    /// BLAKE2b-160, as scripts and key-hash addresses use it (20 bytes).
    public static func hash160(_ domain: HashDomain, _ bytes: [UInt8]) -> [UInt8] {
        hash160(domain, bytes[...])
    }

    /// The same of a part of an array.
    static func hash160(_ domain: HashDomain, _ bytes: ArraySlice<UInt8>) -> [UInt8] {
        bytes.withUnsafeBytes { withDigest(count: 20, domain, $0) { Array($0) } }
    }

    private static func withDigest<Result>(
        count: Int, _ domain: HashDomain, _ input: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        let personal = Personalisations.all[domain.rawValue]
        return withUnsafeBytes(of: personal) { personalisation in
            withUnsafeTemporaryAllocation(byteCount: count, alignment: 8) { digest in
                // The lengths are constants within BLAKE2b's limits, so the call cannot fail.
                _ = compute(
                    digest, of: input, key: [], salt: nil, personalisation: personalisation.baseAddress)
                return body(UnsafeRawBufferPointer(digest))
            }
        }
    }

    /// The one call of BLAKE2b, with all that the function can take, so that published cases can test it.
    ///
    /// - Parameters:
    ///   - digest: 1 to 64 bytes to be filled.
    ///   - key: at most 64 bytes.
    ///   - salt: 16 bytes, or `nil` for zeros; the same holds of `personalisation`.
    /// - Returns: whether the lengths are within these limits; nothing is hashed otherwise.
    static func compute(
        _ digest: UnsafeMutableRawBufferPointer, of input: UnsafeRawBufferPointer, key: [UInt8],
        salt: UnsafeRawPointer?, personalisation: UnsafeRawPointer?
    ) -> Bool {
        guard let output = digest.baseAddress, (1...64).contains(digest.count), key.count <= 64 else {
            return false
        }
        return crypto_generichash_blake2b_salt_personal(
            output, digest.count, input.baseAddress, UInt64(input.count), key, key.count, salt,
            personalisation) == 0
    }
}

/// The personalisations as pairs of words, so that hashing allocates nothing.
private enum Personalisations {
    static let all: [(UInt64, UInt64)] = HashDomain.allCases.map { domain in
        domain.bytes.withUnsafeBytes {
            ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
    }
}
