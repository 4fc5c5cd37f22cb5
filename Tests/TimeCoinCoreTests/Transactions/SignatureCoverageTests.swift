import Testing

@testable import TimeCoinCore

/// What each of the six types of signature covers: one thing changed, and the message changes or does not.
@Suite("What signatures cover")
struct SignatureCoverageTests {
    /// A transaction with what it spends, on a chain; everything may be changed.
    private struct Parts {
        var chain = Blake2b.hash256(.block, [1])
        var version: UInt16 = 2
        var kind = TransactionKind.transfer
        var lockTime: UInt32 = 5
        var payload: [UInt8] = []
        var inputs: [TransactionInput]
        var outputs: [TransactionOutput]
        var spent: [TransactionOutput]

        init() throws {
            inputs = (0..<3).map {
                TransactionInput(
                    previous: OutPoint(transaction: Blake2b.hash256(.block, [2]), index: $0),
                    unlocking: .empty, sequence: 100 + $0)
            }
            outputs = try (0..<3).map {
                TransactionOutput(value: try Parts.amount(1000 + $0), locking: Script([0x51, UInt8($0)]))
            }
            spent = try (0..<3).map {
                TransactionOutput(value: try Parts.amount(2000 + $0), locking: Script([0x52, UInt8($0)]))
            }
        }

        static func amount(_ units: UInt64) throws -> Amount { try #require(Amount(units: units)) }

        func message(_ type: SignatureHashType, input: Int = 1) throws -> Hash256? {
            let transaction = Transaction(
                version: version, kind: kind, inputs: inputs, outputs: outputs, lockTime: lockTime,
                payload: payload)
            return try #require(SignatureHash(transaction: transaction, spending: spent, chain: chain))
                .message(input: input, type: type)
        }

        /// Bytes hashed for one message.
        func work(_ outputs: SignatureHashType.Outputs, _ anyoneCanPay: Bool, input: Int) throws -> Int {
            let transaction = Transaction(
                version: version, kind: kind, inputs: inputs,
                outputs: outputs == .all ? self.outputs : [self.outputs[0]],
                lockTime: lockTime, payload: payload)
            return try #require(SignatureHash(transaction: transaction, spending: spent, chain: chain))
                .messageBytes(
                    input: input, type: SignatureHashType(outputs: outputs, anyoneCanPay: anyoneCanPay))
        }

        mutating func change(
            input place: Int, index: UInt32? = nil, unlocking: Script? = nil, sequence: UInt32? = nil
        ) {
            let old = inputs[place]
            inputs[place] = TransactionInput(
                previous: OutPoint(
                    transaction: old.previous.transaction, index: index ?? old.previous.index),
                unlocking: unlocking ?? old.unlocking, sequence: sequence ?? old.sequence)
        }
    }

    private struct Change {
        let name: String
        /// The types that cover it.
        let covering: Set<UInt8>
        let apply: (inout Parts) throws -> Void

        init(_ name: String, _ covering: Set<UInt8>, _ apply: @escaping (inout Parts) throws -> Void) {
            self.name = name
            self.covering = covering
            self.apply = apply
        }
    }

    private static let types: [UInt8] = [0x01, 0x02, 0x03, 0x81, 0x82, 0x83]
    private static let every = Set(types)
    private static let allInputs: Set<UInt8> = [0x01, 0x02, 0x03]
    private static let allOutputs: Set<UInt8> = [0x01, 0x81]
    private static let ownOutput: Set<UInt8> = [0x01, 0x81, 0x03, 0x83]

    private var changes: [Change] {
        [
            Change("chain", Self.every) { $0.chain = .zero },
            Change("version", Self.every) { $0.version = 1 },
            Change("kind", Self.every) { $0.kind = .coinbase },
            Change("lock time", Self.every) { $0.lockTime = 6 },
            Change("payload", Self.every) { $0.payload = [0] },
            Change("own outpoint", Self.every) { $0.change(input: 1, index: 77) },
            Change("own sequence", Self.every) { $0.change(input: 1, sequence: 0) },
            Change("own amount", Self.every) {
                $0.spent[1] = TransactionOutput(value: try Parts.amount(7), locking: $0.spent[1].locking)
            },
            Change("own locking script", Self.every) {
                $0.spent[1] = TransactionOutput(value: $0.spent[1].value, locking: Script([0x53]))
            },
            Change("unlocking scripts", []) {
                for place in 0..<3 { $0.change(input: place, unlocking: Script([0x51])) }
            },
            Change("another's outpoint", Self.allInputs) { $0.change(input: 0, index: 77) },
            Change("another's sequence", Self.allInputs) { $0.change(input: 2, sequence: 0) },
            Change("another's amount", Self.allInputs) {
                $0.spent[0] = TransactionOutput(value: try Parts.amount(7), locking: $0.spent[0].locking)
            },
            Change("another's locking script", Self.allInputs) {
                $0.spent[2] = TransactionOutput(value: $0.spent[2].value, locking: Script([0x53]))
            },
            Change("an input more", Self.allInputs) {
                $0.inputs.append(
                    TransactionInput(previous: OutPoint(transaction: .zero, index: 0), unlocking: .empty))
                $0.spent.append($0.spent[0])
            },
            Change("own output's value", Self.ownOutput) {
                $0.outputs[1] = TransactionOutput(
                    value: try Parts.amount(7), locking: $0.outputs[1].locking)
            },
            Change("own output's script", Self.ownOutput) {
                $0.outputs[1] = TransactionOutput(value: $0.outputs[1].value, locking: Script([0x53]))
            },
            Change("another output", Self.allOutputs) { $0.outputs[0] = $0.outputs[2] },
            Change("an output more", Self.allOutputs) { $0.outputs.append($0.outputs[0]) },
            Change("an output less", Self.allOutputs) { $0.outputs.removeLast() },
        ]
    }

    @Test(
        "what a message hashes beyond the shared parts is counted: chain to payload, and what it names itself"
    )
    func work() throws {
        var parts = try Parts()
        parts.outputs[0] = TransactionOutput(value: try Parts.amount(1), locking: Script([1, 2, 3]))
        parts.spent[0] = TransactionOutput(
            value: try Parts.amount(1), locking: Script([UInt8](repeating: 1, count: 5)))
        let base = 32 + 2 + 2 + 4 + 1 + 1 + 64
        #expect(try parts.work(.all, false, input: 0) == base)
        #expect(try parts.work(.none, false, input: 0) == base)
        #expect(try parts.work(.single, false, input: 0) == base + 3)
        #expect(try parts.work(.single, false, input: 1) == base, "there is no output beside it")
        #expect(try parts.work(.all, true, input: 0) == base + 5 + 64)
        #expect(try parts.work(.single, true, input: 0) == base + 5 + 64 + 3)
        #expect(try parts.work(.single, true, input: 1) == base + 2 + 64)
    }

    @Test("each type covers what the specification says, and nothing else")
    func coverage() throws {
        for byte in Self.types {
            let type = try #require(SignatureHashType(byte: byte))
            #expect(type.byte == byte)
            let original = try #require(try Parts().message(type))
            for change in changes {
                var parts = try Parts()
                try change.apply(&parts)
                let message = try #require(try parts.message(type))
                #expect((message != original) == change.covering.contains(byte), "\(change.name), \(byte)")
            }
        }
    }

    @Test("the types differ from each other, and only the six bytes are types")
    func types() throws {
        let parts = try Parts()
        var messages: Set<Hash256> = []
        for byte in UInt8.min...UInt8.max {
            let type = SignatureHashType(byte: byte)
            #expect((type != nil) == Self.types.contains(byte))
            if let type, let message = try parts.message(type) { messages.insert(message) }
        }
        #expect(messages.count == 6)
    }

    @Test("without ANYONECANPAY a signature is of one input, though all inputs sign the same parts")
    func index() throws {
        let parts = try Parts()
        for byte in [1, 2, 3] as [UInt8] {
            let type = try #require(SignatureHashType(byte: byte))
            let messages = try (0..<3).map { try parts.message(type, input: $0) }
            #expect(Set(messages).count == 3, "\(byte)")
        }
    }

    @Test("with ANYONECANPAY an input may move to another place, without it not")
    func place() throws {
        var moved = try Parts()
        moved.inputs.swapAt(0, 1)
        moved.spent.swapAt(0, 1)
        for byte in Self.types {
            let type = try #require(SignatureHashType(byte: byte))
            let same = try moved.message(type, input: 0) == (try Parts().message(type, input: 1))
            // SINGLE goes with the output beside it, which is another one there.
            #expect(same == [0x81, 0x82].contains(byte), "\(byte)")
        }
    }

    @Test("SINGLE without its output, and an input that is not there, have no message")
    func noMessage() throws {
        var parts = try Parts()
        parts.outputs.removeLast()
        for byte in Self.types {
            let type = try #require(SignatureHashType(byte: byte))
            #expect(try (parts.message(type, input: 2) == nil) == (byte & 3 == 3))
            for input in [-1, 3, Int.max] { #expect(try Parts().message(type, input: input) == nil) }
        }
        parts.spent.removeLast()
        let transaction = Transaction(inputs: parts.inputs, outputs: parts.outputs)
        #expect(SignatureHash(transaction: transaction, spending: parts.spent, chain: .zero) == nil)
    }
}
