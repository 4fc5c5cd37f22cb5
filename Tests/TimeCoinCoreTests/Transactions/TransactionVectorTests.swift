import TestVectors
import Testing

@testable import TimeCoinCore

@Suite("Published transactions")
struct TransactionVectorTests {
    private struct Input: Decodable {
        let prevTxid: String
        let prevIndex: UInt32
        let scriptSig: String
        let sequence: UInt32

        /// By which Bitcoin knows its coinbase; here that is a kind of its own, which has no input.
        var isNull: Bool { prevIndex == .max && prevTxid.allSatisfy { $0 == "0" } }
    }

    private struct Output: Decodable {
        let value: Int64
        let scriptPubKey: String
    }

    private struct Parts: Decodable {
        let version: Int64
        let inputs: [Input]
        let outputs: [Output]
        let lockTime: UInt32
    }

    private struct Previous: Decodable {
        let scriptPubKeyHex: String
    }

    /// One reason as a string, or several of which any may be given.
    private struct Reasons: Decodable {
        let names: [String]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            names = try (try? container.decode([String].self)) ?? [container.decode(String.self)]
        }
    }

    private struct Row: Decodable {
        let file: String
        let index: Int
        let comment: String
        let expected: String
        let reason: Reasons
        let flags: [String]
        let flagsThatDecide: [String]?
        let raw: String
        let tx: Parts
        let prevouts: [Previous]

        var name: Comment { "\(file) \(index): \(comment.prefix(120))" }
        var isValid: Bool { expected == "VALID" }
        var doesApply: Bool { tx.version >= 0 && !tx.inputs.contains(where: \.isNull) }

        /// The rule without scripts that the row breaks, as published.
        var contextFree: String? {
            let prefix = "context-free: "
            return reason.names.first { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
        }
    }

    /// The published names of rules that need no previous output, and who refuses here.
    private static let contextFreeRules: [String: TransactionRejection.Rule] = [
        "vin-empty": .noInputs, "vout-empty": .noOutputs, "oversize": .oversized,
        "inputs-duplicate": .duplicateInput, "vout-negative": .malformed, "vout-toolarge": .malformed,
        "txouttotal-toolarge": .moneyRange,
    ]

    /// A row with scripts in this chain's dialect.
    private struct Case {
        var unlocking: [Script] = []
        var locking: [Script] = []
        /// With amounts rescaled and raised to the dust limit.
        var encoded: [UInt8] = []
    }

    private func script(_ hex: String) throws -> Script { Script(try bytes(hex: hex)) }

    /// Bitcoin's largest amount becomes the largest one here, 1,000 units each. Nothing was dust there.
    private func units(_ output: Output, _ locking: Script) -> UInt64 {
        let scaled = UInt64(bitPattern: output.value.multipliedReportingOverflow(by: 1000).partialValue)
        return locking.isDataCarrier ? scaled : max(scaled, CheckedTransaction.dustLimit)
    }

    private func translate(_ row: Row) throws -> Case {
        var result = Case()
        var writer = ByteWriter()
        writer.write(UInt16(truncatingIfNeeded: row.tx.version))
        writer.write(UInt16(truncatingIfNeeded: row.tx.version >> 16))
        writer.writeCompactSize(UInt64(row.tx.inputs.count))
        try #require(row.prevouts.count == row.tx.inputs.count)
        for (input, previous) in zip(row.tx.inputs, row.prevouts) {
            let given = try script(input.scriptSig)
            let unlocking = BitcoinDialect.withoutDummies(given)
            var locking = BitcoinDialect.withoutDummies(try script(previous.scriptPubKeyHex))
            if row.flags.contains("P2SH"), BitcoinDialect.isScriptHash(locking) {
                locking = try #require(BitcoinDialect.relocked(given))
            }
            result.unlocking.append(unlocking)
            result.locking.append(locking)
            writer.write(raw: try bytes(hex: input.prevTxid).reversed())
            writer.write(input.prevIndex)
            writer.write(prefixed: unlocking.bytes)
            writer.write(input.sequence)
        }
        writer.writeCompactSize(UInt64(row.tx.outputs.count))
        for output in row.tx.outputs {
            let locking = try script(output.scriptPubKey)
            writer.write(units(output, locking))
            writer.write(prefixed: locking.bytes)
        }
        writer.write(row.tx.lockTime)
        result.encoded = writer.bytes
        return result
    }

    /// The first reason by which an input's scripts refuse.
    private func scriptRejection(_ row: Row, _ given: Case, flags names: [String]) throws -> ScriptRejection?
    {
        let flags = try BitcoinDialect.flags(names)
        for (place, input) in row.tx.inputs.enumerated() {
            let context = ConstantContext(
                lockTime: row.tx.lockTime, version: UInt16(truncatingIfNeeded: row.tx.version),
                sequence: input.sequence, answer: false)
            let refused = rejection(
                given.unlocking[place], given.locking[place], flags: flags, context: context)
            if let refused { return refused }
        }
        return nil
    }

    private func agrees(_ rejection: ScriptRejection?, with row: Row) -> Bool {
        guard let rejection else { return row.isValid }
        guard !row.isValid else { return false }
        // A reason that this chain has not, as with CODESEPARATOR, leaves only the verdict.
        let known = row.reason.names.compactMap { ScriptRejection(rawValue: $0) }
        return known.isEmpty || known.contains(rejection)
    }

    /// The whole check of a transaction that spends these outputs, long after every lock; money is no object.
    private func check(_ given: Case) throws(TransactionRejection) {
        let checked = try CheckedTransaction(decoding: given.encoded)
        let each = Amount(units: Amount.maximum.units / UInt64(max(1, given.locking.count))) ?? .zero
        let spent = given.locking.enumerated().map { place, locking in
            OutputEntry(
                output: TransactionOutput(value: each, locking: locking), height: 0, slot: 0,
                time: Timestamp(milliseconds: 0), kind: .transfer, position: UInt64(place))
        }
        let context = SpendingContext(
            slot: .max, parentTime: Timestamp(milliseconds: .max), growthPrice: .zero)
        let spendable = try SpendableTransaction(checked, spending: spent, in: context)
        _ = try ScriptProof(verifying: spendable, chain: .zero)
    }

    private func rule(_ given: Case) -> TransactionRejection.Rule? {
        do throws(TransactionRejection) {
            try check(given)
            return nil
        } catch {
            return error.rule
        }
    }

    /// What the chain, which has its own fixed flags, says to a row.
    private func expectedRule(_ row: Row) throws -> TransactionRejection.Rule? {
        if let name = row.contextFree {
            let rule: TransactionRejection.Rule = try #require(
                Self.contextFreeRules[name], "a rule that nobody knows: \(name)")
            return rule
        }
        // Flags only ever refuse more: what is refused with few of them is refused by the chain, and what is
        // accepted with the published ones is refused if one of those that decide is among the chain's.
        let deciding = try BitcoinDialect.flags(row.flagsThatDecide ?? [])
        return row.isValid && deciding.isDisjoint(with: .chain) ? nil : .script
    }

    @Test(
        "every published transaction has its published verdict",
        .enabled(if: ExternalVectors.contains("tx_nosig")))
    func verdicts() throws {
        let rows = try ExternalVectors.rows("tx_nosig", as: Row.self)
        var run = 0
        for row in rows where row.doesApply {
            run += 1
            let given = try translate(row)
            #expect(rule(given) == (try expectedRule(row)), row.name)
            guard row.contextFree == nil else { continue }
            let refused = try scriptRejection(row, given, flags: row.flags)
            #expect(agrees(refused, with: row), "\(row.name): \(refused?.rawValue ?? "OK")")
            for name in row.flagsThatDecide ?? []
            where !BitcoinDialect.flagsWithoutCounterpart.contains(name) {
                let names = Array(Set(row.flags).symmetricDifference([name]))
                let other = try scriptRejection(row, given, flags: names)
                #expect((other == nil) != row.isValid, "\(row.name): without or with \(name)")
            }
        }
        ExternalVectors.report(
            "tx_nosig", run: run, skipped: rows.count - run,
            because: "a negative version, or Bitcoin's coinbase input")
    }

    @Test(
        "a published transaction is written back byte for byte, or its amounts are out of range",
        .enabled(if: ExternalVectors.contains("tx_nosig")))
    func roundTrip() throws {
        for row in try ExternalVectors.rows("tx_nosig", as: Row.self) where row.tx.version >= 0 {
            let bytes = try bytes(hex: row.raw)
            guard row.tx.outputs.allSatisfy({ $0.value >= 0 }) else {
                #expect(throws: DecodingFailure.self, row.name) { try Transaction(decoding: bytes) }
                continue
            }
            let transaction = try Transaction(decoding: bytes)
            #expect(transaction.encoded == bytes, row.name)
            #expect(Int64(transaction.version) == row.tx.version, row.name)
            #expect(transaction.lockTime == row.tx.lockTime, row.name)
            #expect(transaction.inputs.map(\.sequence) == row.tx.inputs.map(\.sequence), row.name)
            #expect(
                transaction.outputs.map { Int64($0.value.units) } == row.tx.outputs.map(\.value), row.name)
        }
    }
}
