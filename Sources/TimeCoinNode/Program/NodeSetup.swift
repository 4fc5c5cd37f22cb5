import Foundation
import TimeCoinConsensus
public import TimeCoinCore
import TimeCoinNet

/// Makes a node's directory and its keys.
public enum NodeSetup {
    /// What a new node is known by.
    public struct Identity: Sendable {
        /// Key of its TLS certificate.
        public let nodeKey: PublicKey
        /// Votes are signed with it.
        public let operatorKey: PublicKey
        /// First address of its wallet.
        public let address: Address
    }

    /// Creates keys, wallet and the signer's record; nothing that exists is overwritten.
    ///
    /// - Throws: ``KeyFailure`` and faults of the disk.
    public static func create(_ directory: NodeDirectory, passphrase: [UInt8]) throws -> Identity {
        try FileManager.default.createDirectory(
            atPath: directory.root, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let nodeSeed = Randomness.bytes(SigningKey.seedByteCount)
        let operatorSeed = Randomness.bytes(SigningKey.seedByteCount)
        guard let node = SigningKey(seed: nodeSeed), let member = SigningKey(seed: operatorSeed) else {
            throw KeyFailure.malformed
        }
        try KeyFile.create(directory.nodeKey, secret: nodeSeed, purpose: "node", passphrase: passphrase)
        try KeyFile.create(
            directory.operatorKey, secret: operatorSeed, purpose: "operator", passphrase: passphrase)
        let wallet = try WalletFile.create(directory.wallet, passphrase: passphrase)
        try StoredSignRecord.create(at: directory.signRecord)
        return Identity(
            nodeKey: node.publicKey, operatorKey: member.publicKey, address: Address(of: wallet.keys[0]))
    }

    /// What an existing node is known by.
    public static func identity(_ directory: NodeDirectory, passphrase: [UInt8]) throws -> Identity {
        let node = try key(directory.nodeKey, "node", passphrase)
        let member = try key(directory.operatorKey, "operator", passphrase)
        let wallet = try WalletFile(reading: directory.wallet)
        guard let first = wallet.keys.first else { throw KeyFailure.malformed }
        return Identity(nodeKey: node.publicKey, operatorKey: member.publicKey, address: Address(of: first))
    }

    /// The identity of a directory in which nothing of ``create(_:passphrase:)`` is missing; otherwise `nil`.
    static func complete(_ directory: NodeDirectory, passphrase: [UInt8]) -> Identity? {
        guard let identity = try? identity(directory, passphrase: passphrase),
            (try? StoredSignRecord(opening: directory.signRecord)) != nil
        else { return nil }
        return identity
    }

    static func key(_ path: String, _ purpose: String, _ passphrase: [UInt8]) throws(KeyFailure) -> SigningKey
    {
        let seed = try KeyFile.secret(path, purpose: purpose, passphrase: passphrase)
        guard let key = SigningKey(seed: seed) else { throw .malformed }
        return key
    }
}
