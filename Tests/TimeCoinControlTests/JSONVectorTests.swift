import Foundation
import TestVectors
import Testing
import TimeCoinControl

@Suite("Published JSON texts")
struct JSONVectorTests {
    private struct Row: Decodable {
        let name: String
        let expect: String
        let base64: String
        let bytes: Int

        func text() throws -> [UInt8] {
            let text = Array(try #require(Data(base64Encoded: base64)))
            try #require(text.count == bytes)
            return text
        }

        /// A grammar has no rule against doubled names, a strict reader has: which of the two counts would
        /// otherwise differ between readers.
        var doublesName: Bool { name.contains("duplicated_key") }
    }

    private func parsed(_ text: [UInt8]) -> Result<JSONValue, JSONFailure> {
        Result { () throws(JSONFailure) in try JSONValue(parsing: text) }
    }

    private func expectRoundTrip(_ value: JSONValue, _ name: String) throws {
        #expect(try JSONValue(parsing: Array(value.compact.utf8)) == value, "\(name)")
        #expect(try JSONValue(parsing: Array(value.pretty.utf8)) == value, "\(name)")
    }

    @Test(
        "what must be read is read and written back, what must be refused is refused",
        .enabled(if: ExternalVectors.contains("json_parsing")))
    func published() throws {
        let rows = try ExternalVectors.rows("json_parsing", as: Row.self)
        var free = 0
        for row in rows {
            switch (row.expect, parsed(try row.text())) {
            case ("accept", .success(let value)):
                #expect(!row.doublesName, "\(row.name)")
                try expectRoundTrip(value, row.name)
            case ("accept", .failure(let failure)):
                #expect(row.doublesName && failure.reason == "a name stands twice", "\(row.name): \(failure)")
            case ("reject", let result):
                #expect(throws: JSONFailure.self, "\(row.name)") { try result.get() }
            case ("either", let result):
                free += 1
                if case .success(let value) = result { try expectRoundTrip(value, row.name) }
            default:
                Issue.record("\(row.name): nobody knows what \(row.expect) expects")
            }
        }
        ExternalVectors.report(
            "json_parsing", run: rows.count - free, skipped: free,
            because: "either verdict is allowed: only that it is read without harm and written back")
    }
}
