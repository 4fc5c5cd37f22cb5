import Testing
import TimeCoinControl
import TimeCoinCore

@testable import TimeCoinNode

@Suite("Refusals by name, with what to do")
struct RefusalTests {
    private let txid = String(repeating: "ab", count: 32)
    private let address = "rtime1qzs54v7efavaz450p0f9vkcxnqfazdgpuj9cnw7"

    private func reason(_ inputs: String, _ outputs: String, lockTime: Int64 = 0) throws -> String? {
        let inputs = try JSONValue(parsing: Array(inputs.utf8))
        let outputs = try JSONValue(parsing: Array(outputs.utf8))
        do throws(RPCError) {
            _ = try TransactionForm.unsigned(
                inputs: inputs, outputs: outputs, lockTime: lockTime, network: .local)
            return nil
        } catch {
            #expect(error.hint != nil, "\(error)")
            return error.reason
        }
    }

    @Test("every rule that refuses a transaction or a proof says what to do")
    func advice() {
        let hash = Hash256.zero
        let pool: [MempoolRejection] = [
            .alreadyWaiting(hash), .alreadyFinal(hash),
            .conflict(OutPoint(transaction: hash, index: 0), with: hash), .chainTooLong, .full,
        ]
        let proofs: [ProofRejection] = [
            .malformed(DecodingFailure(reason: .truncated, offset: 0)), .unknownVersion(9), .otherValidators,
            .certificateOfAnother, .notInBlock, .certificate(.wrongBitmap), .certificate(.tooLittleWeight),
            .certificate(.badSignature), .beforeAnchor, .noSetChange, .notAmongOutputs, .otherSpentOutputs,
            .otherState,
        ]
        let signing: [TransactionSigning.Failure] = [
            .wrongCount, .redeemScript, .unknownForm, .otherTransaction,
        ]
        let reasons =
            TransactionRejection.Rule.allCases.map(\.rawValue) + pool.map(\.reason) + proofs.map(\.reason)
            + signing.map(\.rawValue)
        for reason in reasons { #expect(RPCError.advice(on: reason) != nil, "\(reason)") }
        for rejection in pool { #expect(rejection.asError.hint != nil, "\(rejection)") }
        for failure in signing { #expect(failure.asError.hint != nil, "\(failure)") }
    }

    @Test("amounts are exact decimals: no exponent, no sign, at most 8 decimals, no more than exists")
    func amounts() throws {
        let inputs = #"[{"txid":"\#(txid)","vout":0}]"#
        for good in ["1", "0.00000546", "\"1.5\"", "21000000000", "\"21000000000.00000000\"", "1.10"] {
            #expect(try reason(inputs, #"[{"\#(address)":\#(good)}]"#) == nil, "\(good)")
        }
        let bad = [
            "1e3", "1E-7", "-1", "\"-1\"", "\"+1\"", "1.123456789", "\"1.123456789\"", "\".5\"", "\"5.\"",
            "\" 1\"", "\"\"", "null", "true", "[1]", "21000000000.00000001", "99999999999999999999",
            "\"１\"", "\"0x1\"",
        ]
        for text in bad {
            #expect(try reason(inputs, #"[{"\#(address)":\#(text)}]"#) == "bad-amount", "\(text)")
        }
    }

    @Test("what would be ignored is refused: unknown members, and two scripts for one output")
    func members() throws {
        let inputs = #"[{"txid":"\#(txid)","vout":0}]"#
        let outputs = [
            #"[{"address":"\#(address)","amount":1,"script":"51"}]"#,
            #"[{"address":"\#(address)","amount":1,"sript":"51"}]"#,
            #"[{"data":"00","amount":1}]"#, #"[{"script":"51","amount":1,"data2":"00"}]"#,
        ]
        for text in outputs { #expect(try reason(inputs, text) == "unknown-member", "\(text)") }
        let one = #"[{"\#(address)":1}]"#
        #expect(try reason(#"[{"txid":"\#(txid)","vout":0,"sequnce":1}]"#, one) == "unknown-member")
        let places = ["-1", "4294967296", "1.5", "\"0\"", "null", "1e0"]
        for place in places {
            let input = #"[{"txid":"\#(txid)","vout":\#(place)}]"#
            #expect(try reason(input, one) == "bad-parameter", "\(place)")
        }
        for item in ["1", "[]", "null", "{}", #"{"txid":"00","vout":0}"#] {
            #expect(try reason("[\(item)]", one) == "bad-parameter", "\(item)")
        }
        #expect(try reason(inputs, one, lockTime: 4_294_967_296) == "bad-parameter")
        let main = #"[{"time1qzs54v7efavaz450p0f9vkcxnqfazdgpu5rx0gv":1}]"#
        #expect(try reason(inputs, main) == "bad-address")
    }

    @Test("previous outputs are told once, and not otherwise than the chain knows them")
    func previous() throws {
        func told(_ text: String) throws -> [OutPoint: TransactionForm.PreviousOutput] {
            try TransactionForm.previous(try JSONValue(parsing: Array(text.utf8)))
        }
        let one = #"{"txid":"\#(txid)","vout":0,"script":"51","amount":1}"#
        #expect(throws: RPCError.self) { try told("[\(one),\(one)]") }
        #expect(throws: RPCError.self) { try told(#"[{"txid":"\#(txid)","vout":0,"amout":1}]"#) }
        let (name, previous) = try #require(try told("[\(one)]").first)
        let output = try #require(previous.output)
        let other = TransactionOutput(value: .maximum, locking: output.locking)
        #expect(try TransactionForm.spent(name, told: previous, known: output).output == output)
        #expect(try TransactionForm.spent(name, told: nil, known: other).output == other)
        func reason(_ told: TransactionForm.PreviousOutput?, _ known: TransactionOutput?) -> String? {
            do throws(RPCError) {
                _ = try TransactionForm.spent(name, told: told, known: known)
                return nil
            } catch {
                return error.reason
            }
        }
        #expect(reason(previous, other) == "previous-output-mismatch")
        #expect(reason(nil, nil) == "missing-input")
        let redeem = TransactionForm.PreviousOutput(output: output, redeem: Script([0x51]))
        #expect(reason(redeem, nil) == "redeem-script-unused")
    }

    @Test("types of signatures go by Bitcoin's names")
    func types() throws {
        let names =
            [
                (nil, 0x01), ("ALL", 0x01), ("NONE", 0x02), ("SINGLE", 0x03), ("ALL|ANYONECANPAY", 0x81),
                ("NONE|ANYONECANPAY", 0x82), ("SINGLE|ANYONECANPAY", 0x83),
            ] as [(String?, UInt8)]
        for (name, byte) in names { #expect(try TransactionForm.type(name).byte == byte) }
        for name in ["", "all", "ALL|", "|ANYONECANPAY", "ALL|ALL", "ALL|ANYONECANPAY|", "1"] {
            #expect(throws: RPCError.self, "\(name)") { try TransactionForm.type(name) }
        }
    }
}
