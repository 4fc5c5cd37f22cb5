import Testing

@testable import TimeCoinCore

@Suite("Addresses")
struct AddressTests {
    // Pinned: made by another implementation of BIP 350 from the bytes 0, 1, 2, …
    private static let keyHashTexts: [(Network, String)] = [
        (.main, "time1qqqqsyqcyq5rqwzqfpg9scrgwpugpzysne2rfx3"),
        (.test, "ttime1qqqqsyqcyq5rqwzqfpg9scrgwpugpzysnp33kvt"),
        (.local, "rtime1qqqqsyqcyq5rqwzqfpg9scrgwpugpzysnlva4qr"),
    ]
    private static let scriptHashTexts: [(Network, String)] = [
        (.main, "time1pqqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0sv748v4"),
        (.test, "ttime1pqqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0snlpyt7"),
        (.local, "rtime1pqqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0sjn5kma"),
    ]

    private func keyHash() throws -> Address { .keyHash(try #require(KeyHash(UInt8(0)..<20))) }
    private func scriptHash() throws -> Address { .scriptHash(try #require(Hash256(UInt8(0)..<32))) }

    @Test("texts are pinned and read back, in small letters and in capitals")
    func pinned() throws {
        for (address, texts) in [
            (try keyHash(), Self.keyHashTexts), (try scriptHash(), Self.scriptHashTexts),
        ] {
            for (network, text) in texts {
                #expect(address.text(on: network) == text)
                #expect(address.text(prefix: network.addressPrefix) == text)
                #expect(try Address(parsing: text, network: network) == address)
                #expect(try Address(parsing: text.uppercased(), prefix: network.addressPrefix) == address)
            }
        }
    }

    @Test(
        "each refusal has its own reason",
        arguments: [
            ("time1qqqqsyqcyq5rqwzqfpg9scrgwpugpzysne2rfx4", AddressFailure.text(.badChecksum)),
            (
                "ttime1qqqqsyqcyq5rqwzqfpg9scrgwpugpzysnp33kvt",
                .otherNetwork(found: "ttime", expected: "time")
            ),
            ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", .otherNetwork(found: "bc", expected: "time")),
            ("time1zqqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0syrvgz7", .unknownVersion(2)),
            ("time1qqqqsyqcyq5rqwzqfpg9scrgwpugpzys8dst4a", .wrongLength(19, expected: 20)),
            ("time1pqqqsyqcyq5rqwzqfpg9scrgwpugpzysnj55zt6", .wrongLength(20, expected: 32)),
            ("time1pnkwpr", .noVersion),
            ("time1Qqqqsyqcyq5rqwzqfpg9scrgwpugpzysne2rfx3", .text(.mixedCase)),
            ("time1bqqqsyqcyq5rqwzqfpg9scrgwpugpzysne2rfx3", .text(.badCharacter(position: 5))),
            ("time1pqqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc033gpj38", .text(.badPadding)),
            ("time1qqqqsyqcyq5rqwzqfpg9scrgwpugpzysnqj3n9xy", .text(.badPadding)),
            ("time", .text(.noPrefix)), ("", .text(.noPrefix)), ("time1", .text(.tooShort)),
            (String(repeating: "time1", count: 100), .text(.tooLong)),
        ])
    func refusals(text: String, failure: AddressFailure) throws {
        #expect(throws: failure) { try Address(parsing: text, network: .main) }
        #expect(!failure.description.isEmpty)
    }

    @Test("a refusal names the prefix that is expected")
    func otherNetwork() throws {
        let text = try keyHash().text(on: .main)
        for network in [Network.test, .local] {
            let failure = AddressFailure.otherNetwork(found: "time", expected: network.addressPrefix)
            #expect(throws: failure) { try Address(parsing: text, network: network) }
            #expect(failure.description.contains("\(network.addressPrefix)1"))
        }
    }

    @Test("an address and its locking script name each other")
    func lockingScripts() throws {
        for address in [try keyHash(), try scriptHash()] {
            #expect(Address(lockingScript: address.lockingScript) == address)
        }
        let key = try signingKey(1).publicKey
        #expect(Address(of: key).lockingScript == Script.keyHash(of: key))
        let redeem = try #require(Script.multisignature(required: 1, keys: [key]))
        let locking = try #require(Script.scriptHash(of: redeem))
        #expect(Address(lockingScript: locking)?.lockingScript == locking)
        #expect(Address(lockingScript: redeem) == nil)
        #expect(Address(lockingScript: try #require(Script.dataCarrier([1]))) == nil)
        #expect(Address(lockingScript: .empty) == nil)
    }
}
