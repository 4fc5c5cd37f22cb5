import TestVectors
import Testing

@testable import TimeCoinCore

/// The expected verdict is always libsodium's, which is the rule of consensus, whatever rule the set is of.
@Suite("Published Ed25519 cases")
struct Ed25519VectorTests {
    /// What a node does with bytes: a key or signature of another length is none.
    private func accepts(key: [UInt8], signature: [UInt8], message: [UInt8]) -> Bool {
        guard let key = PublicKey(key), let signature = Signature(signature) else { return false }
        return key.verifies(signature, over: message)
    }

    private func accepts(key: String, signature: String, message: [UInt8]) throws -> Bool {
        accepts(key: try bytes(hex: key), signature: try bytes(hex: signature), message: message)
    }

    private func report(_ set: String, _ count: Int) {
        ExternalVectors.report(set, run: count, skipped: 0, because: "")
    }

    private struct Wycheproof: Decodable {
        let tcId: Int
        let comment: String
        let pk: String
        let msg: String
        let sig: String
        let result: String
    }

    @Test(
        "every case of Wycheproof has its published verdict",
        .enabled(if: ExternalVectors.contains("ed25519_wycheproof")))
    func wycheproof() throws {
        let rows = try ExternalVectors.rows("ed25519_wycheproof", as: Wycheproof.self)
        for row in rows {
            let message = try bytes(hex: row.msg)
            let accepted = try accepts(key: row.pk, signature: row.sig, message: message)
            #expect(accepted == (row.result == "valid"), "\(row.tcId): \(row.comment)")
        }
        report("ed25519_wycheproof", rows.count)
    }

    private struct CCTV: Decodable {
        let number: Int
        let key: String
        let sig: String
        let msg: String
        let flags: [String]?
    }

    /// What makes libsodium refuse; points of mixed order alone do not.
    private static let refusedFlags: Set<String> = [
        "low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R", "low_order_residue",
        "reencoded_k",
    ]

    @Test(
        "points of low order and other encodings are refused, mixed order is not",
        .enabled(if: ExternalVectors.contains("ed25519_cctv")))
    func edgeCases() throws {
        let rows = try ExternalVectors.rows("ed25519_cctv", as: CCTV.self)
        for row in rows {
            let flags = row.flags ?? []
            let accepted = try accepts(key: row.key, signature: row.sig, message: Array(row.msg.utf8))
            #expect(accepted == Self.refusedFlags.isDisjoint(with: flags), "\(row.number): \(flags)")
        }
        report("ed25519_cctv", rows.count)
    }

    private struct ZIP215: Decodable {
        let id: Int
        let vk: String
        let sig: String
        let msgUtf8: String
    }

    @Test(
        "nothing of the ZIP 215 grid is accepted",
        .enabled(if: ExternalVectors.contains("ed25519_zip215")))
    func smallOrderGrid() throws {
        let rows = try ExternalVectors.rows("ed25519_zip215", as: ZIP215.self)
        for row in rows {
            #expect(
                try !accepts(key: row.vk, signature: row.sig, message: Array(row.msgUtf8.utf8)), "\(row.id)")
        }
        report("ed25519_zip215", rows.count)
    }

    private struct Speccheck: Decodable {
        let message: String
        let pubKey: String
        let signature: String
    }

    @Test(
        "of the twelve cases on which libraries differ, only number 3 is accepted",
        .enabled(if: ExternalVectors.contains("ed25519_speccheck")))
    func speccheck() throws {
        let rows = try ExternalVectors.rows("ed25519_speccheck", as: Speccheck.self)
        for (number, row) in rows.enumerated() {
            let message = try bytes(hex: row.message)
            let accepted = try accepts(key: row.pubKey, signature: row.signature, message: message)
            #expect(accepted == (number == 3), "number \(number)")
        }
        report("ed25519_speccheck", rows.count)
    }

    private struct SignInput: Decodable {
        let line: Int
        let seed: String
        let pk: String
        let msg: String
        let sig: String
    }

    @Test(
        "a seed gives the published key and signature, and the signature is good for its message only",
        .enabled(if: ExternalVectors.contains("ed25519_sign_input")))
    func signing() throws {
        let rows = try ExternalVectors.rows("ed25519_sign_input", as: SignInput.self)
        for row in rows {
            let message = try bytes(hex: row.msg)
            let key = try #require(SigningKey(seed: try bytes(hex: row.seed)))
            #expect(key.publicKey.description == row.pk, "line \(row.line)")
            #expect(key.sign(message).description == row.sig, "line \(row.line)")
            #expect(try accepts(key: row.pk, signature: row.sig, message: message), "line \(row.line)")
            #expect(try !accepts(key: row.pk, signature: row.sig, message: message + [0]), "line \(row.line)")
        }
        report("ed25519_sign_input", rows.count)
    }
}
