import TimeCoinCore

/// The members' keys: real ones, or such as cost nothing, whose signatures only the simulation can check.
///
/// An injected signature is a keyed checksum of the bytes. Nobody forges it because the members that go bad
/// are given no key but their own; that is all a simulation needs of a signature.
struct SimulatedKeys: Sendable {
    /// By number.
    let keys: [PublicKey]
    private let numbers: [PublicKey: Int]
    /// Whether signatures are Ed25519.
    let isReal: Bool
    let check: SignatureCheck
    private let secrets: [SigningKey]

    /// - Parameter sleepers: keys beyond the count, with which nobody signs.
    init?(count: Int, sleepers: Int = 0, isReal: Bool) {
        let secrets = (0..<count + sleepers).compactMap { TestChain.key(UInt8(truncatingIfNeeded: $0 + 1)) }
        guard secrets.count == count + sleepers else { return nil }
        // In the order of the set: where all of them are its members, a number is a place.
        self.secrets = secrets.prefix(count).sorted { $0.publicKey < $1.publicKey } + secrets.dropFirst(count)
        self.isReal = isReal
        keys = self.secrets.map(\.publicKey)
        numbers = Dictionary(keys.enumerated().map { ($1, $0) }) { first, _ in first }
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

    /// Whose key it is.
    func number(of key: PublicKey) -> Int? { numbers[key] }

    func secret(of member: Int) -> SigningKey { secrets[member] }

    /// A signature of nobody.
    static func junk(_ word: UInt64) -> Signature? {
        Signature((0..<64).map { UInt8(truncatingIfNeeded: word >> UInt64($0 % 8 * 8)) ^ UInt8($0) })
    }

    private static func tag(_ key: PublicKey, _ message: [UInt8]) -> Signature? {
        var state: UInt64 = 0x5851_f42d_4c95_7f2d
        key.withUnsafeBytes { absorb($0, into: &state) }
        message.withUnsafeBytes { absorb($0, into: &state) }
        guard let first = squeeze(&state), let second = squeeze(&state) else { return nil }
        return Signature(first: first, second: second)
    }

    private static func absorb(_ buffer: UnsafeRawBufferPointer, into state: inout UInt64) {
        var offset = 0
        while offset + 8 <= buffer.count {
            let word = buffer.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            state = (state ^ UInt64(littleEndian: word)) &* 0xbf58_476d_1ce4_e5b9
            state ^= state >> 29
            offset += 8
        }
        while offset < buffer.count {
            state = (state ^ UInt64(buffer[offset])) &* 0xbf58_476d_1ce4_e5b9
            state ^= state >> 29
            offset += 1
        }
        state = (state ^ UInt64(buffer.count)) &* 0xbf58_476d_1ce4_e5b9
    }

    private static func squeeze(_ state: inout UInt64) -> Hash256? {
        withUnsafeTemporaryAllocation(byteCount: Hash256.byteCount, alignment: 8) { buffer in
            for word in 0..<4 {
                state = (state ^ (state >> 31)) &* 0x94d0_49bb_1331_11eb &+ 0x9e37_79b9_7f4a_7c15
                buffer.storeBytes(of: state.littleEndian, toByteOffset: 8 * word, as: UInt64.self)
            }
            return Hash256(UnsafeRawBufferPointer(buffer))
        }
    }
}
