import Testing

@testable import TimeCoinCore

/// Random transactions of standard forms, each signed by whoever it takes.
private struct RandomPayments {
    private var generator: SeededGenerator
    private let keys: [SigningKey]
    let chain = Blake2b.hash256(.block, [9])

    struct Payment {
        let transaction: Transaction
        let entries: [OutputEntry]
    }

    init(seed: UInt64) throws {
        generator = SeededGenerator(seed: seed)
        keys = try (1...6 as ClosedRange<UInt8>).map {
            try #require(SigningKey(seed: [UInt8](repeating: $0, count: 32)))
        }
    }

    private mutating func number(_ range: ClosedRange<Int>) -> Int {
        Int.random(in: range, using: &generator)
    }

    private mutating func multisignature() throws -> Script {
        let count = number(1...4)
        let shuffled = keys.map(\.publicKey).shuffled(using: &generator)
        return try #require(
            Script.multisignature(required: number(1...count), keys: Array(shuffled.prefix(count))))
    }

    private mutating func locking() throws -> (script: Script, redeem: Script?) {
        switch number(0...3) {
        case 0: return (try multisignature(), nil)
        case 1:
            let redeem = try multisignature()
            return (try #require(Script.scriptHash(of: redeem)), redeem)
        case 2:
            let redeem = Script.keyHash(of: keys[number(0...5)].publicKey)
            return (try #require(Script.scriptHash(of: redeem)), redeem)
        default: return (.keyHash(of: keys[number(0...5)].publicKey), nil)
        }
    }

    mutating func next() throws -> Payment {
        let spent = try (0..<number(1...3)).map { _ in try locking() }
        let value = try #require(Amount(units: 10_000_000))
        let outputs = try (0..<number(1...3)).map { _ in
            TransactionOutput(
                value: try #require(Amount(units: UInt64(number(1000...2_000_000)))),
                locking: try locking().script)
        }
        let unsigned = Transaction(
            inputs: spent.indices.map { index in
                let name = (0..<8).map { _ in UInt8.random(in: 0...255, using: &generator) }
                return TransactionInput(
                    previous: OutPoint(transaction: Blake2b.hash256(.block, name), index: UInt32(index)),
                    unlocking: .empty, sequence: number(0...1) == 0 ? .max : .max - 2)
            }, outputs: outputs)
        var signing = try TransactionSigning(
            unsigned,
            spending: spent.map {
                .init(TransactionOutput(value: value, locking: $0.script), redeem: $0.redeem)
            }, chain: chain)
        // Both types cover all outputs, so every byte is signed by somebody.
        let types: [SignatureHashType] = [.all, SignatureHashType(outputs: .all, anyoneCanPay: true)]
        signing.sign(with: keys.shuffled(using: &generator), type: types[number(0...1)])
        return Payment(
            transaction: signing.transaction,
            entries: spent.map {
                OutputEntry(
                    output: TransactionOutput(value: value, locking: $0.script), height: 1, slot: 0,
                    time: Timestamp(milliseconds: 0), kind: .transfer, position: 0)
            })
    }

    /// Every rule but the blocks'.
    func accepts(_ checked: CheckedTransaction, _ entries: [OutputEntry]) -> Bool {
        let context = SpendingContext(slot: 10, parentTime: Timestamp(milliseconds: 10), growthPrice: .zero)
        guard let spendable = try? SpendableTransaction(checked, spending: entries, in: context) else {
            return false
        }
        return (try? ScriptProof(verifying: spendable, chain: chain)) != nil
    }
}

@Suite("Properties of transactions")
struct TransactionProperties {
    @Test(
        "random valid transactions are accepted, encode both ways, and pay what they say",
        arguments: [1, 2, 3])
    func valid(seed: UInt64) throws {
        var payments = try RandomPayments(seed: seed)
        for number in 0..<60 {
            let payment = try payments.next()
            let encoded = payment.transaction.encoded
            let again = try Transaction(decoding: encoded)
            #expect(again == payment.transaction && again.encoded == encoded, "seed \(seed), \(number)")
            let checked = try CheckedTransaction(decoding: encoded)
            #expect(payments.accepts(checked, payment.entries), "seed \(seed), \(number)")
            let context = SpendingContext(
                slot: 10, parentTime: Timestamp(milliseconds: 10), growthPrice: try #require(Amount(units: 7))
            )
            let spendable = try SpendableTransaction(checked, spending: payment.entries, in: context)
            let paid = try #require(Amount.sum(payment.transaction.outputs.lazy.map(\.value)))
            let sums = paid.units + spendable.fee.units + spendable.burned.units
            #expect(sums == 10_000_000 * UInt64(payment.entries.count), "seed \(seed), \(number)")
        }
    }

    @Test(
        "every changed byte is refused, or makes another transaction that nobody has signed",
        arguments: [4, 5])
    func everyByte(seed: UInt64) throws {
        var payments = try RandomPayments(seed: seed)
        var same = 0
        for number in 0..<6 {
            let payment = try payments.next()
            let original = try CheckedTransaction(checking: payment.transaction)
            let encoded = payment.transaction.encoded
            for index in encoded.indices {
                for flip in [0x01, 0x80] as [UInt8] {
                    var changed = encoded
                    changed[index] ^= flip
                    guard let checked = try? CheckedTransaction(decoding: changed) else { continue }
                    #expect(checked.wtxid != original.wtxid)
                    if checked.txid == original.txid { same += 1 }
                    // Also with the same identifier: no stranger can change how it is signed.
                    #expect(
                        !payments.accepts(checked, payment.entries), "seed \(seed), \(number), byte \(index)")
                }
            }
        }
        #expect(same > 100, "the unlocking scripts were changed too")
    }

    @Test("bytes that are read are written back the same", arguments: [6, 7])
    func canonical(seed: UInt64) throws {
        var payments = try RandomPayments(seed: seed)
        var generator = SeededGenerator(seed: seed)
        var read = 0
        for _ in 0..<3000 {
            var bytes = try payments.next().transaction.encoded
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            guard let transaction = try? Transaction(decoding: bytes) else { continue }
            read += 1
            #expect(transaction.encoded == bytes, "seed \(seed)")
        }
        #expect(read > 1000)
    }
}
