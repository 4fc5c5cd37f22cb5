import TestVectors
import Testing

@testable import TimeCoinCore

@Suite("Published random transactions")
struct TransactionCodecVectorTests {
    private struct Row: Decodable {
        let index: Int
        let rawTx: String
    }

    @Test(
        "every transaction decodes, is written back byte for byte, and has no byte to spare",
        .enabled(if: ExternalVectors.contains("sighash_preimage")))
    func roundTrip() throws {
        let rows = try ExternalVectors.rows("sighash_preimage", as: Row.self)
        for row in rows {
            var bytes = try bytes(hex: row.rawTx)
            // The upper half of Bitcoin's version word is the kind here.
            bytes.replaceSubrange(2..<4, with: [0, 0])
            let transaction = try Transaction(decoding: bytes)
            #expect(transaction.encoded == bytes, "row \(row.index)")
            #expect(transaction.encodedSize == bytes.count, "row \(row.index)")
            #expect(throws: DecodingFailure.self, "row \(row.index)") {
                try Transaction(decoding: bytes + [0])
            }
            for count in bytes.indices {
                let part = Array(bytes.prefix(count))
                #expect(throws: DecodingFailure.self, "row \(row.index), \(count) bytes") {
                    try Transaction(decoding: part)
                }
            }
        }
        ExternalVectors.report("sighash_preimage", run: rows.count, skipped: 0, because: "")
    }
}
