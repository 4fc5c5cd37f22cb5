import CSodium
import TimeCoinControl
import TimeCoinCore

/// The wallet at rest: one sealed seed, and in the clear the public keys derived from it so far, so that a
/// locked
/// wallet still knows what is its own.
struct WalletFile: Sendable {
    static let purpose = "wallet"
    /// Keys of one wallet at most.
    static let keysMax = 100_000

    let path: String
    private(set) var seal: SecretSeal
    private(set) var keys: [PublicKey]

    /// A new wallet with its first key.
    static func create(_ path: String, passphrase: [UInt8]) throws(KeyFailure) -> WalletFile {
        let seed = Randomness.bytes(Int(crypto_kdf_KEYBYTES))
        let seal = try SecretSeal(sealing: seed, purpose: purpose, passphrase: passphrase)
        guard (try? KeyFile.read(path)) == nil else { throw .exists(path) }
        let file = WalletFile(path: path, seal: seal, keys: [try key(0, of: seed).publicKey])
        try file.save()
        return file
    }

    init(reading path: String) throws(KeyFailure) {
        let json = try KeyFile.read(path)
        guard let sealed = json["seed"], let list = json["keys"]?.array else { throw .malformed }
        seal = try SecretSeal(json: sealed)
        let keys = list.compactMap { $0.string.flatMap { PublicKey(hex: $0) } }
        guard keys.count == list.count, keys.count <= WalletFile.keysMax else { throw .malformed }
        self.path = path
        self.keys = keys
    }

    private init(path: String, seal: SecretSeal, keys: [PublicKey]) {
        self.path = path
        self.seal = seal
        self.keys = keys
    }

    /// Derives the next key; durable before it is given out.
    mutating func add(from seed: [UInt8]) throws(KeyFailure) -> SigningKey {
        let key = try WalletFile.key(UInt64(keys.count), of: seed)
        var next = self
        next.keys.append(key.publicKey)
        try next.save()
        self = next
        return key
    }

    /// Key `index` of a seed, by BLAKE2b key derivation.
    static func key(_ index: UInt64, of seed: [UInt8]) throws(KeyFailure) -> SigningKey {
        guard seed.count == Int(crypto_kdf_KEYBYTES) else { throw .malformed }
        var derived = [UInt8](repeating: 0, count: SigningKey.seedByteCount)
        crypto_kdf_derive_from_key(&derived, derived.count, index, "TIMEwall", seed)
        guard let key = SigningKey(seed: derived) else { throw .malformed }
        return key
    }

    private func save() throws(KeyFailure) {
        try KeyFile.write(
            .object(["seed": seal.json, "keys": .array(keys.map { .string($0.description) })]), to: path)
    }
}
