import Testing

@testable import TimeCoinCore

/// The rules T1 to T24 of the specification, each at its boundary.
@Suite("Rules of a transaction")
struct TransactionRuleTests {
    private let outPoint = OutPoint(transaction: Blake2b.hash256(.transactionID, [1]), index: 0)

    private func amount(_ units: UInt64) throws -> Amount { try #require(Amount(units: units)) }

    private func output(_ units: UInt64, _ locking: [UInt8] = [0x51]) throws -> TransactionOutput {
        TransactionOutput(value: try amount(units), locking: Script(locking))
    }

    private func input(
        _ unlocking: [UInt8] = [], sequence: UInt32 = TransactionInput.finalSequence, index: UInt32 = 0
    ) -> TransactionInput {
        TransactionInput(
            previous: OutPoint(transaction: outPoint.transaction, index: index),
            unlocking: Script(unlocking), sequence: sequence)
    }

    private func rule(_ transaction: Transaction) -> TransactionRejection.Rule? {
        do throws(TransactionRejection) {
            _ = try CheckedTransaction(checking: transaction)
            return nil
        } catch {
            return error.rule
        }
    }

    private func rule(_ bytes: [UInt8]) -> TransactionRejection.Rule? {
        do throws(TransactionRejection) {
            _ = try CheckedTransaction(decoding: bytes)
            return nil
        } catch {
            return error.rule
        }
    }

    /// What spending outputs of these values with the script `1` is refused for.
    private func spending(
        _ transaction: Transaction, of values: [UInt64], slot: Slot = 10, created: Slot = 3,
        seconds: UInt64 = 10_000, createdSeconds: UInt64 = 1000, price: UInt64 = 1000,
        locking: [UInt8] = [0x51]
    ) throws -> TransactionRejection.Rule? {
        let entries = try values.map {
            OutputEntry(
                output: try output($0, locking), height: 1, slot: created,
                time: Timestamp(milliseconds: createdSeconds * 1000 + 999), kind: .transfer, position: 0)
        }
        let context = SpendingContext(
            slot: slot, parentTime: Timestamp(milliseconds: seconds * 1000), growthPrice: try amount(price))
        do throws(TransactionRejection) {
            let checked = try CheckedTransaction(checking: transaction)
            let spendable = try SpendableTransaction(checked, spending: entries, in: context)
            _ = try ScriptProof(verifying: spendable, chain: .zero)
            return nil
        } catch {
            return error.rule
        }
    }

    @Test("T1: bytes are one canonical encoding within the limit")
    func bytes() throws {
        let bytes = Transaction(inputs: [input()], outputs: [try output(1000)]).encoded
        #expect(rule(bytes) == nil)
        for length in 0..<bytes.count { #expect(rule(Array(bytes.prefix(length))) == .malformed) }
        #expect(rule(bytes + [0]) == .malformed)
        for kind in [2, 255] as [UInt8] {
            var changed = bytes
            changed[2] = kind
            #expect(rule(changed) == .malformed)
        }
        var longer = bytes
        longer.replaceSubrange(4..<5, with: [0xfd, 1, 0])
        #expect(rule(longer) == .malformed)
        // An amount above all the money there is.
        var rich = bytes
        rich.replaceSubrange(bytes.count - 14..<bytes.count - 6, with: [UInt8](repeating: 0xff, count: 8))
        #expect(rule(rich) == .malformed)
        #expect(rule(bytes + [UInt8](repeating: 0, count: Transaction.bytesMax)) == .oversized)
        // A count above its limit, and one within it that the bytes cannot hold.
        #expect(rule([2, 0, 0, 0, 0xfe, 0x41, 0x42, 0x0f, 0]) == .oversized)
        #expect(rule([2, 0, 0, 0, 0xfe, 0x40, 0x42, 0x0f, 0]) == .malformed)
    }

    @Test("T2: a million bytes and not one more")
    func size() throws {
        // 99 carriers of 10,000 bytes, and one that fills up.
        let wide = try output(0, [0x6a] + [UInt8](repeating: 0, count: Script.bytesMax - 1))
        func transaction(_ last: Int) throws -> Transaction {
            Transaction(
                inputs: [input()],
                outputs: Array(repeating: wide, count: 99)
                    + [try output(0, [0x6a] + [UInt8](repeating: 0, count: last - 1))])
        }
        let left = Transaction.bytesMax - (try transaction(5000).encodedSize - 5000)
        let exact = try transaction(left)
        try #require(exact.encodedSize == Transaction.bytesMax)
        #expect(rule(exact) == nil)
        #expect(rule(exact.encoded) == nil)
        #expect(rule(try transaction(left + 1)) == .oversized)
        #expect(rule(try transaction(left + 1).encoded) == .oversized)
    }

    @Test("T3 to T8: version, inputs, outputs, payload and unlocking scripts of a transfer")
    func transfers() throws {
        let good = try output(1000)
        for version in [0, 3, 255, UInt16.max] as [UInt16] {
            let transaction = Transaction(version: version, inputs: [input()], outputs: [good])
            #expect(rule(transaction) == .unknownVersion)
        }
        for version in [1, 2] as [UInt16] {
            #expect(rule(Transaction(version: version, inputs: [input()], outputs: [good])) == nil)
        }
        #expect(rule(Transaction(inputs: [], outputs: [good])) == .noInputs)
        #expect(rule(Transaction(inputs: [input()], outputs: [])) == .noOutputs)
        #expect(rule(Transaction(inputs: [input()], outputs: [good], payload: [1])) == .malformed)
        let twice = [input(), input(index: 1), input([0x51], sequence: 5)]
        #expect(rule(Transaction(inputs: twice, outputs: [good])) == .duplicateInput)
        #expect(rule(Transaction(inputs: Array(twice.prefix(2)), outputs: [good])) == nil)
        let long = [UInt8](repeating: 0, count: Script.bytesMax)
        #expect(rule(Transaction(inputs: [input(long)], outputs: [good])) == nil)
        #expect(rule(Transaction(inputs: [input(long + [0])], outputs: [good])) == .oversizedScript)
    }

    @Test("T9: a coinbase has version 1, no input, no lock time, and sixteen bytes of payload")
    func coinbaseForm() throws {
        let payload = CoinbasePayload(height: 1, slot: 1).encoded
        func coinbase(
            version: UInt16 = 1, inputs: [TransactionInput] = [], lockTime: UInt32 = 0, payload: [UInt8]
        ) -> Transaction {
            Transaction(
                version: version, kind: .coinbase, inputs: inputs, outputs: [], lockTime: lockTime,
                payload: payload)
        }
        #expect(rule(coinbase(payload: payload)) == nil)
        let wrong = [
            coinbase(version: 2, payload: payload), coinbase(inputs: [input()], payload: payload),
            coinbase(lockTime: 1, payload: payload), coinbase(payload: []), coinbase(payload: payload + [0]),
            coinbase(payload: Array(payload.dropLast())),
        ]
        for transaction in wrong {
            #expect(rule(transaction) == .coinbaseForm)
            #expect(rule(transaction.encoded) == .coinbaseForm)
        }
    }

    @Test("T10 to T13: each output's script and value, and their sum")
    func outputs() throws {
        let long = [UInt8](repeating: 0x51, count: Script.bytesMax)
        let cases: [([TransactionOutput], TransactionRejection.Rule?)] = [
            ([try output(1000, long)], nil), ([try output(1000, long + [0x51])], .oversizedScript),
            ([try output(546)], nil), ([try output(545)], .dust), ([try output(0)], .dust),
            ([try output(0, [])], .dust), ([try output(546, [])], nil),
            ([try output(0, [0x6a])], nil), ([try output(0, [0x6a, 0xff])], nil),
            ([try output(1, [0x6a])], .dataCarrierValue), ([try output(546, [0x6a, 0])], .dataCarrierValue),
            ([try output(0, [0x51, 0x6a])], .dust),
            ([try output(Amount.maximum.units)], nil),
            ([try output(Amount.maximum.units - 546), try output(546)], nil),
            ([try output(Amount.maximum.units - 546), try output(547)], .moneyRange),
            // The first broken rule of the first broken output.
            ([try output(545), try output(1, [0x6a])], .dust),
            ([try output(1, [0x6a]), try output(545)], .dataCarrierValue),
        ]
        for (number, (outputs, expected)) in cases.enumerated() {
            #expect(rule(Transaction(inputs: [input()], outputs: outputs)) == expected, "case \(number)")
        }
    }

    @Test("T15, T16: what is spent is there, and a coinbase spends nothing")
    func inputsExist() throws {
        let transaction = Transaction(inputs: [input()], outputs: [try output(10_000)])
        #expect(try spending(transaction, of: []) == .missingInput)
        #expect(try spending(transaction, of: [20_000, 20_000]) == .missingInput)
        let coinbase = Transaction(
            version: 1, kind: .coinbase, inputs: [], outputs: [],
            payload: CoinbasePayload(height: 1, slot: 1).encoded)
        #expect(try spending(coinbase, of: []) == .coinbaseAlone)
    }

    @Test(
        "T17: a lock time in slots is below the block's slot, one in seconds below the parent's time",
        arguments: [
            (9, 0, nil), (10, 0, .lockTime), (11, 0, .lockTime), (499_999_999, 0, .lockTime),
            (500_000_000, 500_000_000, .lockTime), (500_000_000, 500_000_001, nil),
            (UInt32.max, 500_000_001, .lockTime), (UInt32.max, 4_294_967_296, nil),
        ] as [(UInt32, UInt64, TransactionRejection.Rule?)])
    func lockTime(lock: UInt32, seconds: UInt64, expected: TransactionRejection.Rule?) throws {
        let value = try output(10_000)
        let open = Transaction(inputs: [input(sequence: .max - 1)], outputs: [value], lockTime: lock)
        #expect(try spending(open, of: [20_000], seconds: max(seconds, 1)) == expected)
        // With every input final the lock says nothing; one that is not is enough.
        let final = Transaction(inputs: [input()], outputs: [value], lockTime: lock)
        #expect(try spending(final, of: [20_000], seconds: max(seconds, 1)) == nil)
        let mixed = Transaction(
            inputs: [input(), input(sequence: .max - 1, index: 1)], outputs: [value], lockTime: lock)
        #expect(try spending(mixed, of: [20_000, 20_000], seconds: max(seconds, 1)) == expected)
    }

    @Test(
        "T18: relative locks count slots, or 512 seconds, from the output; version 1 and bit 31 opt out",
        arguments: [
            (2, 7, nil), (2, 8, .sequenceLock), (1, 8, nil), (2, 0x8000_0008, nil), (2, 0, nil),
            (2, 0xffff, .sequenceLock), (2, 0x0001_0008, .sequenceLock), (2, 0x0001_0007, nil),
            // 1,000 s + 512 × 17 = 9,704 s and 512 × 18 = 10,216 s, the parent being at 10,000 s.
            (2, 0x40_0011, nil), (2, 0x40_0012, .sequenceLock), (1, 0x40_0012, nil),
            (2, 0x8040_0012, nil), (2, 0x7fbf_0007, nil), (2, 0x7fbf_0008, .sequenceLock),
        ] as [(UInt16, UInt32, TransactionRejection.Rule?)])
    func sequence(version: UInt16, sequence: UInt32, expected: TransactionRejection.Rule?) throws {
        let transaction = Transaction(
            version: version, inputs: [input(sequence: sequence)], outputs: [try output(10_000)])
        #expect(try spending(transaction, of: [20_000]) == expected)
        let second = Transaction(
            version: version, inputs: [input(sequence: 0), input(sequence: sequence, index: 1)],
            outputs: [try output(10_000)])
        #expect(try spending(second, of: [20_000, 20_000]) == expected)
    }

    @Test("T18: a lock of 512 seconds ends with the second, and far numbers do not overflow")
    func sequenceSeconds() throws {
        let transaction = Transaction(inputs: [input(sequence: 0x40_0001)], outputs: [try output(10_000)])
        #expect(try spending(transaction, of: [20_000], seconds: 1511) == .sequenceLock)
        #expect(try spending(transaction, of: [20_000], seconds: 1512) == nil)
        let slots = Transaction(inputs: [input(sequence: 5)], outputs: [try output(10_000)])
        #expect(try spending(slots, of: [20_000], slot: .max, created: .max - 4) == .sequenceLock)
        #expect(try spending(slots, of: [20_000], slot: .max, created: .max - 5) == nil)
    }

    @Test("T19 to T22: inputs pay for outputs, growth and fee, exact to the unit")
    func money() throws {
        let one = Transaction(inputs: [input()], outputs: [try output(10_000)])
        let least = Fees.minimum(forSize: one.encodedSize).units
        try #require(least == Fees.least)
        #expect(try spending(one, of: [9999]) == .overspent)
        #expect(try spending(one, of: [10_000]) == .insufficientFee)
        #expect(try spending(one, of: [10_000 + least - 1]) == .insufficientFee)
        #expect(try spending(one, of: [10_000 + least]) == nil)
        // Above 100 bytes each byte costs ten units.
        let long = Transaction(
            inputs: [input()], outputs: [try output(10_000, [UInt8](repeating: 0x51, count: 101))])
        let size = UInt64(long.encodedSize)
        #expect(try spending(long, of: [10_000 + 10 * size - 1]) == .insufficientFee)
        #expect(try spending(long, of: [10_000 + 10 * size]) == nil)
        // Two outputs of one add one; a data carrier adds none; two inputs pay for two outputs.
        let two = Transaction(inputs: [input()], outputs: [try output(10_000), try output(10_000)])
        #expect(try spending(two, of: [20_000 + least + 999]) == .insufficientFee)
        #expect(try spending(two, of: [20_000 + least + 1000]) == nil)
        #expect(try spending(two, of: [20_000 + least + 1000], price: 1001) == .insufficientFee)
        let carrier = Transaction(
            inputs: [input()], outputs: [try output(10_000), try output(0, [0x6a])])
        #expect(try spending(carrier, of: [10_000 + least]) == nil)
        let even = Transaction(
            inputs: [input(), input(index: 1)], outputs: [try output(10_000), try output(10_000)])
        let evenLeast = Fees.minimum(forSize: even.encodedSize).units
        #expect(try spending(even, of: [20_000, evenLeast]) == nil)
        let all = Amount.maximum.units
        #expect(try spending(even, of: [all, 1]) == .moneyRange)
        let three = Transaction(
            inputs: [input()], outputs: [try output(1000), try output(1000), try output(1000)])
        #expect(try spending(three, of: [all], price: all / 2 + 1) == .growthPrice)
        #expect(try spending(three, of: [all], price: all / 2) == .insufficientFee)
    }

    @Test("T23, T24: scripts agree, within the work that the size allows")
    func scripts() throws {
        let transaction = Transaction(inputs: [input()], outputs: [try output(10_000)])
        #expect(try spending(transaction, of: [20_000], locking: [0x00]) == .script)
        // 520 bytes hashed 66 times, which is 34,320; n inputs allow 100,000 + 64 × (20 + 41 n).
        let hashing: [UInt8] =
            [0x4d, 0x08, 0x02] + [UInt8](repeating: 7, count: 520)
            + (0..<66).flatMap { _ in
                [Opcode.duplicate.rawValue, Opcode.sha256.rawValue, Opcode.drop.rawValue]
            }
        for (count, expected) in [(3, nil), (4, .scriptWork)] as [(UInt32, TransactionRejection.Rule?)] {
            let hashed = Transaction(
                inputs: (0..<count).map { input(index: $0) }, outputs: [try output(10_000)])
            let values = [UInt64](repeating: 20_000, count: Int(count))
            #expect(try spending(hashed, of: values, locking: hashing) == expected, "\(count) inputs")
        }
        // Signature checks: nine times twenty a script, 180 × 22 within 4,000 and 180 × 23 beyond.
        let checks: [UInt8] =
            (0..<9).flatMap { _ in [0x00] + [UInt8](repeating: 0, count: 20) + [0x01, 0x14, 0xaf] } + [0x51]
        for (count, expected) in [(22, nil), (23, .scriptWork)] as [(UInt32, TransactionRejection.Rule?)] {
            let counted = Transaction(
                inputs: (0..<count).map { input(index: $0) }, outputs: [try output(10_000)])
            let values = [UInt64](repeating: 20_000, count: Int(count))
            #expect(try spending(counted, of: values, locking: checks) == expected, "\(count) inputs")
        }
    }
}
