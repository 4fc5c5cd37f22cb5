import TestVectors
import Testing

@testable import TimeCoinCore

@Suite("Bech32m")
struct Bech32mTests {
    private struct Row: Decodable {
        let expect: String
        let string: String
        let hrp: String?
        let data5: [UInt8]?
        let reason: String?
    }

    @Test(
        "every published string has its published verdict",
        .enabled(if: ExternalVectors.contains("bech32m_strings")))
    func published() throws {
        let rows = try ExternalVectors.rows("bech32m_strings", as: Row.self)
        for row in rows {
            guard row.expect == "valid_bech32m" else {
                #expect(throws: Bech32mFailure.self, "\(row.string)") { try Bech32m.decode(row.string) }
                continue
            }
            let (prefix, values) = try Bech32m.decode(row.string)
            #expect(prefix == row.hrp && values == row.data5, "\(row.string)")
            #expect(Bech32m.encode(prefix: prefix, values: values) == row.string.lowercased())
        }
        ExternalVectors.report("bech32m_strings", run: rows.count, skipped: 0, because: "")
    }

    @Test(
        "each refusal has its own reason",
        arguments: [
            ("a1lqfN3a", Bech32mFailure.mixedCase), ("A1lqfn3a", .mixedCase),
            ("a1lqfn3b", .badCharacter(position: 7)),
            (" a1lqfn3a", .badCharacter(position: 0)), ("a1lqfn3a\n", .badCharacter(position: 8)),
            ("ä1lqfn3a", .badCharacter(position: 0)), ("1lqfn3a", .noPrefix), ("lqfn3a", .noPrefix),
            ("", .noPrefix),
            ("a1lqfn3", .tooShort), ("a1", .tooShort), ("a1lqfn3q", .badChecksum), ("a12uel5l", .badChecksum),
            (String(repeating: "q", count: 91), .tooLong),
        ])
    func refusals(text: String, failure: Bech32mFailure) throws {
        #expect(throws: failure) { try Bech32m.decode(text) }
    }

    @Test("capitals mean the same")
    func capitals() throws {
        let (prefix, values) = try Bech32m.decode("A1LQFN3A")
        #expect(prefix == "a" && values.isEmpty)
    }

    @Test("what could not be read back is not written")
    func encoding() throws {
        #expect(Bech32m.encode(prefix: "a", values: []) == "a1lqfn3a")
        #expect(Bech32m.encode(prefix: "", values: []) == nil)
        #expect(Bech32m.encode(prefix: "A", values: []) == nil)
        #expect(Bech32m.encode(prefix: "a b", values: []) == nil)
        #expect(Bech32m.encode(prefix: "ä", values: []) == nil)
        #expect(Bech32m.encode(prefix: "a", values: [32]) == nil)
        #expect(Bech32m.encode(prefix: "a", values: [UInt8](repeating: 0, count: 83)) == nil)
        let longest = try #require(Bech32m.encode(prefix: "a", values: [UInt8](repeating: 0, count: 82)))
        #expect(longest.utf8.count == Bech32m.charactersMax)
        #expect(try Bech32m.decode(longest).values.count == 82)
    }

    @Test("bytes and values of five bits go both ways, and leftover bits must be short and zero")
    func regrouping() throws {
        for count in 0...40 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 200) }
            let values = Bech32m.values(ofBytes: bytes)
            #expect(values.count == (count * 8 + 4) / 5)
            #expect(try Bech32m.bytes(ofValues: values[...]) == bytes)
        }
        #expect(throws: Bech32mFailure.badPadding) { try Bech32m.bytes(ofValues: [0]) }
        #expect(throws: Bech32mFailure.badPadding) { try Bech32m.bytes(ofValues: [31, 29]) }
        #expect(throws: Bech32mFailure.badPadding) { try Bech32m.bytes(ofValues: [31, 28, 0]) }
        #expect(try Bech32m.bytes(ofValues: [31, 28]) == [255])
    }

    @Test("any one character changed, or two neighbours swapped, is noticed")
    func errorDetection() throws {
        let text = Array("time1pqqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0sv748v4".utf8)
        let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)
        for position in 5..<text.count {
            for character in alphabet where character != text[position] {
                var changed = text
                changed[position] = character
                let string = String(decoding: changed, as: UTF8.self)
                #expect(throws: Bech32mFailure.badChecksum, "\(string)") { try Bech32m.decode(string) }
            }
            guard position + 1 < text.count, text[position] != text[position + 1] else { continue }
            var swapped = text
            swapped.swapAt(position, position + 1)
            let string = String(decoding: swapped, as: UTF8.self)
            #expect(throws: Bech32mFailure.badChecksum, "\(string)") { try Bech32m.decode(string) }
        }
    }
}
