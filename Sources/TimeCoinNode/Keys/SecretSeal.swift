import CSodium
import TimeCoinControl
import TimeCoinCore

/// A secret at rest: Argon2id turns the passphrase into a key, XChaCha20-Poly1305 seals with it. What the
/// secret is
/// for, and on which network, is authenticated with it.
struct SecretSeal: Sendable, Equatable {
    let purpose: String
    let operations: UInt64
    /// Bytes of memory that the derivation takes.
    let memory: Int
    let salt: [UInt8]
    let nonce: [UInt8]
    let sealed: [UInt8]

    /// Argon2id's interactive cost; an empty passphrase protects nothing, so its derivation is short.
    private static let operationsNormal: UInt64 = 2
    private static let memoryNormal = 64 << 20
    private static let memoryEmpty = 1 << 20
    private static let memoryMax = 1 << 30

    init(sealing secret: [UInt8], purpose: String, passphrase: [UInt8]) throws(KeyFailure) {
        self.purpose = purpose
        operations = passphrase.isEmpty ? 1 : SecretSeal.operationsNormal
        memory = passphrase.isEmpty ? SecretSeal.memoryEmpty : SecretSeal.memoryNormal
        salt = Randomness.bytes(Int(crypto_pwhash_argon2id_SALTBYTES))
        nonce = Randomness.bytes(Int(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES))
        let key = try SecretSeal.derive(passphrase, salt: salt, operations: operations, memory: memory)
        let bound = Array(purpose.utf8)
        var output = [UInt8](
            repeating: 0, count: secret.count + Int(crypto_aead_xchacha20poly1305_ietf_ABYTES))
        var length: UInt64 = 0
        crypto_aead_xchacha20poly1305_ietf_encrypt(
            &output, &length, secret, UInt64(secret.count), bound, UInt64(bound.count), nil, nonce, key)
        sealed = output
    }

    /// - Throws: `wrongPassphrase`, also when the file was altered.
    func open(passphrase: [UInt8]) throws(KeyFailure) -> [UInt8] {
        let key = try SecretSeal.derive(passphrase, salt: salt, operations: operations, memory: memory)
        let overhead = Int(crypto_aead_xchacha20poly1305_ietf_ABYTES)
        guard sealed.count >= overhead else { throw .wrongPassphrase }
        let bound = Array(purpose.utf8)
        var secret = [UInt8](repeating: 0, count: sealed.count - overhead)
        var length: UInt64 = 0
        guard
            crypto_aead_xchacha20poly1305_ietf_decrypt(
                &secret, &length, nil, sealed, UInt64(sealed.count), bound, UInt64(bound.count), nonce, key)
                == 0
        else { throw .wrongPassphrase }
        return secret
    }

    private static func derive(
        _ passphrase: [UInt8], salt: [UInt8], operations: UInt64, memory: Int
    ) throws(KeyFailure) -> [UInt8] {
        var key = [UInt8](repeating: 0, count: Int(crypto_aead_xchacha20poly1305_ietf_KEYBYTES))
        let characters = passphrase.map { CChar(bitPattern: $0) }
        guard
            crypto_pwhash(
                &key, UInt64(key.count), characters, UInt64(characters.count), salt, operations, memory,
                crypto_pwhash_ALG_ARGON2ID13) == 0
        else { throw .outOfMemory }
        return key
    }

    var json: JSONValue {
        .object([
            "format": .integer(1), "purpose": .string(purpose), "kdf": .string("argon2id13"),
            "operations": .integer(operations), "memory": .integer(memory),
            "cipher": .string("xchacha20-poly1305"), "salt": .string(Hexadecimal.encode(salt)),
            "nonce": .string(Hexadecimal.encode(nonce)), "sealed": .string(Hexadecimal.encode(sealed)),
        ])
    }

    init(json: JSONValue) throws(KeyFailure) {
        guard json["format"]?.integer == 1, json["kdf"]?.string == "argon2id13",
            json["cipher"]?.string == "xchacha20-poly1305", let purpose = json["purpose"]?.string,
            let operations = json["operations"]?.integer, (1...64).contains(operations),
            let memory = json["memory"]?.integer, (8192...Int64(SecretSeal.memoryMax)).contains(memory),
            let salt = json["salt"]?.string.flatMap(Hexadecimal.decode),
            salt.count == Int(crypto_pwhash_argon2id_SALTBYTES),
            let nonce = json["nonce"]?.string.flatMap(Hexadecimal.decode),
            nonce.count == Int(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES),
            let sealed = json["sealed"]?.string.flatMap(Hexadecimal.decode)
        else { throw .malformed }
        self.purpose = purpose
        self.operations = UInt64(operations)
        self.memory = Int(memory)
        self.salt = salt
        self.nonce = nonce
        self.sealed = sealed
    }
}

/// Secure random bytes of the operating system.
enum Randomness {
    static func bytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}

/// Why a key cannot be used.
public enum KeyFailure: Error, Sendable, Equatable, CustomStringConvertible {
    case missing(String)
    case exists(String)
    case openToOthers(String)
    case malformed
    case wrongPassphrase
    case outOfMemory
    case io(String)

    public var description: String {
        switch self {
        case .missing(let path): "there is no key file \(path): run `timecoin-node init` first"
        case .exists(let path): "\(path) exists already; a key is never overwritten"
        case .openToOthers(let path): "others may read \(path): run `chmod 600 \(path)`"
        case .malformed: "the key file is damaged or of another program"
        case .wrongPassphrase: "the passphrase is wrong, or the key file was altered"
        case .outOfMemory: "there is too little memory to derive the key"
        case .io(let what): what
        }
    }
}
