import TestVectors
import Testing

@testable import TimeCoinCore

@Suite("Published hashes")
struct HashVectorTests {
    private struct Row: Decodable {
        let msg: String
        let digest: String
        let blake2Key: String?
        let hmacKey: String?
    }

    private struct ParameterRow: Decodable {
        let msgUtf8: String
        let digest: String
        let dkLen: Int
        let key: String?
        let salt: String?
        let person: String?
    }

    private struct RefusedLengths: Error {}

    /// BLAKE2b as every hash of the chain calls it.
    private func blake2b(
        _ input: [UInt8], count: Int = 32, key: [UInt8] = [], salt: [UInt8]? = nil,
        personalisation: [UInt8]? = nil
    ) throws -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: count)
        let isDone = digest.withUnsafeMutableBytes { digest in
            input.withUnsafeBytes { input in
                (salt ?? [UInt8](repeating: 0, count: 16)).withUnsafeBytes { saltBytes in
                    (personalisation ?? [UInt8](repeating: 0, count: 16)).withUnsafeBytes { personalBytes in
                        Blake2b.compute(
                            digest, of: input, key: key, salt: salt == nil ? nil : saltBytes.baseAddress,
                            personalisation: personalisation == nil ? nil : personalBytes.baseAddress)
                    }
                }
            }
        }
        guard isDone else { throw RefusedLengths() }
        return digest
    }

    /// RFC 2104 over the hash being tested.
    private func hmac(
        key: [UInt8], _ message: [UInt8], blockBytes: Int, hash: ([UInt8]) throws -> [UInt8]
    ) throws -> [UInt8] {
        let short = key.count > blockBytes ? try hash(key) : key
        let block = short + [UInt8](repeating: 0, count: blockBytes - short.count)
        let inner = try hash(block.map { $0 ^ 0x36 } + message)
        return try hash(block.map { $0 ^ 0x5c } + inner)
    }

    @Test(
        "BLAKE2b-256, plain, keyed and under HMAC, is as published",
        .enabled(if: ExternalVectors.contains("hash_blake2b256")))
    func blake2b256() throws {
        let rows = try ExternalVectors.rows("hash_blake2b256", as: Row.self)
        for (number, row) in rows.enumerated() {
            let message = try bytes(hex: row.msg)
            let digest =
                if let key = row.hmacKey {
                    try hmac(key: try bytes(hex: key), message, blockBytes: 128) { try blake2b($0) }
                } else {
                    try blake2b(message, key: try row.blake2Key.map(bytes(hex:)) ?? [])
                }
            #expect(Hexadecimal.encode(digest) == row.digest, "row \(number)")
        }
        ExternalVectors.report("hash_blake2b256", run: rows.count, skipped: 0, because: "")
    }

    @Test(
        "BLAKE2b salted and personalised is as published",
        .enabled(if: ExternalVectors.contains("hash_blake2b256_salt_personal")))
    func saltAndPersonalisation() throws {
        let rows = try ExternalVectors.rows("hash_blake2b256_salt_personal", as: ParameterRow.self)
        for (number, row) in rows.enumerated() {
            let digest = try blake2b(
                Array(row.msgUtf8.utf8), count: row.dkLen, key: try row.key.map(bytes(hex:)) ?? [],
                salt: try row.salt.map(bytes(hex:)), personalisation: try row.person.map(bytes(hex:)))
            #expect(Hexadecimal.encode(digest) == row.digest, "row \(number)")
        }
        ExternalVectors.report("hash_blake2b256_salt_personal", run: rows.count, skipped: 0, because: "")
    }

    @Test("a hash with a domain is BLAKE2b with the domain's bytes as personalisation")
    func domains() throws {
        for domain in HashDomain.allCases {
            let whole = try blake2b([1, 2, 3], personalisation: domain.bytes)
            #expect(Blake2b.hash256(domain, [1, 2, 3]).bytes == whole, "\(domain.name)")
            let short = try blake2b([1, 2, 3], count: 20, personalisation: domain.bytes)
            #expect(Blake2b.hash160(domain, [1, 2, 3]) == short, "\(domain.name)")
        }
    }

    @Test("lengths that BLAKE2b has not are refused")
    func lengths() {
        #expect(throws: RefusedLengths.self) { try blake2b([1], count: 0) }
        #expect(throws: RefusedLengths.self) { try blake2b([1], count: 65) }
        #expect(throws: RefusedLengths.self) { try blake2b([1], key: [UInt8](repeating: 1, count: 65)) }
    }

    @Test(
        "SHA256 of scripts, plain and under HMAC, is as published",
        .enabled(if: ExternalVectors.contains("hash_sha256")))
    func scriptSHA256() throws {
        let rows = try ExternalVectors.rows("hash_sha256", as: Row.self)
        for (number, row) in rows.enumerated() {
            let message = try bytes(hex: row.msg)
            let digest =
                if let key = row.hmacKey {
                    try hmac(key: try bytes(hex: key), message, blockBytes: 64) { try sha256($0) }
                } else {
                    try sha256(message)
                }
            #expect(Hexadecimal.encode(digest) == row.digest, "row \(number)")
        }
        ExternalVectors.report("hash_sha256", run: rows.count, skipped: 0, because: "")
    }
}
