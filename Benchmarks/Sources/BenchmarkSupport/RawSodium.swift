import CReference

/// libsodium alone, called as a C program would call it.
public enum RawSodium {
    /// The same on several threads, added.
    public static func verificationsPerSecond(lasting duration: Double, threads: Int) async -> Double {
        await withTaskGroup(of: Double.self) { group in
            for _ in 0..<threads {
                group.addTask { verificationsPerSecond(lasting: duration) }
            }
            return await group.reduce(0, +)
        }
    }

    /// Ed25519 verifications of 32-byte messages a second on one core, over many keys and messages.
    public static func verificationsPerSecond(lasting duration: Double) -> Double {
        let count = 512
        var keys: [[UInt8]] = []
        var messages: [[UInt8]] = []
        var signatures: [[UInt8]] = []
        for index in 0..<count {
            var seed = [UInt8](repeating: 7, count: 32)
            seed[0] = UInt8(index & 255)
            seed[1] = UInt8(index >> 8)
            var key = [UInt8](repeating: 0, count: 32)
            var secret = [UInt8](repeating: 0, count: 64)
            _ = crypto_sign_seed_keypair(&key, &secret, seed)
            var signature = [UInt8](repeating: 0, count: 64)
            _ = crypto_sign_detached(&signature, nil, seed, 32, secret)
            keys.append(key)
            messages.append(seed)
            signatures.append(signature)
        }
        let start = seconds()
        var done = 0
        while seconds() - start < duration {
            for index in 0..<count
            where crypto_sign_verify_detached(signatures[index], messages[index], 32, keys[index]) == 0 {
                done += 1
            }
        }
        return Double(done) / (seconds() - start)
    }

    /// Given messages with their signatures, of any length.
    public struct SignedMessages {
        private let keys: [[UInt8]]
        private let messages: [[UInt8]]
        private let signatures: [[UInt8]]

        public init(keys: [[UInt8]], messages: [[UInt8]], signatures: [[UInt8]]) {
            self.keys = keys
            self.messages = messages
            self.signatures = signatures
        }

        /// How many of them verify.
        public func verified() -> Int {
            keys.indices.count { index in
                crypto_sign_verify_detached(
                    signatures[index], messages[index], UInt64(messages[index].count), keys[index]) == 0
            }
        }
    }
}
