import TimeCoinCore

/// The members' keys: real ones, or such as cost nothing, whose signatures only the simulation can check.
///
/// An injected signature is a keyed checksum of the bytes. Nobody forges it because the members that go bad
/// are given no key but their own; that is all a simulation needs of a signature.
struct SimulatedKeys: Sendable {
    let keys: [PublicKey]
    /// Whether signatures are Ed25519.
    let isReal: Bool
    let check: SignatureCheck
    private let secrets: [SigningKey]

    init?(count: Int, isReal: Bool) {
        let secrets = (0..<count).compactMap { TestChain.key(UInt8(truncatingIfNeeded: $0 + 1)) }
        guard secrets.count == count else { return nil }
        // In the order of the set, so that a member's number is its place.
        self.secrets = secrets.sorted { $0.publicKey < $1.publicKey }
        self.isReal = isReal
        keys = self.secrets.map(\.publicKey)
        check =
            isReal
            ? .ed25519
            : SignatureCheck(injected: { key, signature, message in
                SimulatedKeys.tag(key, message) == signature
            })
    }

    func sign(_ message: [UInt8], by member: Int) -> Signature {
        guard !isReal, let tag = SimulatedKeys.tag(keys[member], message) else {
            return secrets[member].sign(message)
        }
        return tag
    }

    func secret(of member: Int) -> SigningKey { secrets[member] }

    /// A signature of nobody.
    static func junk(_ word: UInt64) -> Signature? {
        Signature((0..<64).map { UInt8(truncatingIfNeeded: word >> UInt64($0 % 8 * 8)) ^ UInt8($0) })
    }

    private static func tag(_ key: PublicKey, _ message: [UInt8]) -> Signature? {
        var state: UInt64 = 0x5851_f42d_4c95_7f2d
        absorb(key.bytes, into: &state)
        absorb(message, into: &state)
        var bytes = [UInt8](repeating: 0, count: Signature.byteCount)
        bytes.withUnsafeMutableBytes { buffer in
            for word in 0..<8 {
                state = (state ^ (state >> 31)) &* 0x94d0_49bb_1331_11eb &+ 0x9e37_79b9_7f4a_7c15
                buffer.storeBytes(of: state.littleEndian, toByteOffset: 8 * word, as: UInt64.self)
            }
        }
        return Signature(bytes)
    }

    private static func absorb(_ bytes: [UInt8], into state: inout UInt64) {
        bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset + 8 <= buffer.count {
                let word = buffer.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                state = (state ^ UInt64(littleEndian: word)) &* 0xbf58_476d_1ce4_e5b9
                state ^= state >> 29
                offset += 8
            }
            for byte in buffer[offset...] {
                state = (state ^ UInt64(byte)) &* 0xbf58_476d_1ce4_e5b9
                state ^= state >> 29
            }
        }
        state = (state ^ UInt64(bytes.count)) &* 0xbf58_476d_1ce4_e5b9
    }
}
