import Crypto
import FoundationEssentials
import NIOSSL
import SwiftASN1
public import TimeCoinCore
import X509

/// Who a node is to other nodes: an Ed25519 key in a self-signed certificate. The key that proved itself in
/// the TLS
/// handshake *is* the identity.
public struct NodeIdentity: Sendable {
    public let key: PublicKey
    let certificate: NIOSSLCertificate
    let privateKey: NIOSSLPrivateKey

    /// Why there is no identity from a key.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        public let description: String
    }

    /// - Parameter seed: 32 secret bytes.
    public init(seed: [UInt8]) throws(Failure) {
        do {
            let secret = try Curve25519.Signing.PrivateKey(rawRepresentation: seed)
            guard let key = PublicKey(Array(secret.publicKey.rawRepresentation)) else {
                throw Failure(description: "the public key is not 32 bytes")
            }
            let issuer = try DistinguishedName { CommonName("timecoin-node") }
            let wrapped = Certificate.PrivateKey(secret)
            // Validity plays no part: the key is the identity, and it is checked by the own callback alone.
            let certificate = try X509.Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(bytes: Array(key.bytes.prefix(16))),
                publicKey: wrapped.publicKey, notValidBefore: .init(timeIntervalSince1970: 0),
                notValidAfter: .init(timeIntervalSince1970: 4_102_444_800), issuer: issuer, subject: issuer,
                signatureAlgorithm: .ed25519, extensions: Certificate.Extensions {}, issuerPrivateKey: wrapped
            )
            self.certificate = try NIOSSLCertificate(
                bytes: Array(certificate.serializeAsPEM().pemString.utf8), format: .pem)
            privateKey = try NIOSSLPrivateKey(
                bytes: Array(wrapped.serializeAsPEM().pemString.utf8), format: .pem)
            self.key = key
        } catch {
            throw Failure(description: "no identity can be made of this key: \(error)")
        }
    }

    /// TLS 1.3, certificates on both sides, Ed25519 only.
    func serverContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(certificate)], privateKey: .privateKey(privateKey))
        restrict(&configuration)
        return try NIOSSLContext(configuration: configuration)
    }

    func clientContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateChain = [.certificate(certificate)]
        configuration.privateKey = .privateKey(privateKey)
        restrict(&configuration)
        return try NIOSSLContext(configuration: configuration)
    }

    private func restrict(_ configuration: inout TLSConfiguration) {
        configuration.minimumTLSVersion = .tlsv13
        configuration.maximumTLSVersion = .tlsv13
        // Certificates are demanded; whose they are is judged by the callback, not by a certificate
        // authority.
        configuration.certificateVerification = .noHostnameVerification
        configuration.signingSignatureAlgorithms = [.ed25519]
        configuration.verifySignatureAlgorithms = [.ed25519]
    }

    /// The Ed25519 key of a peer's leaf certificate; `nil` for any other certificate.
    static func key(of certificates: [NIOSSLCertificate]) -> PublicKey? {
        guard let leaf = certificates.first, let bytes = try? leaf.toDERBytes(),
            let certificate = try? X509.Certificate(derEncoded: bytes),
            let key = Curve25519.Signing.PublicKey(certificate.publicKey)
        else { return nil }
        return PublicKey(Array(key.rawRepresentation))
    }
}
