import TimeCoinCore

/// Who owns the outputs of a set: some keys that are always the same.
struct Owners {
    private let keys: [SigningKey]
    private let scripts: [Script]
    private let byScript: [Script: SigningKey]

    init() throws {
        keys = (0..<64).compactMap { index in
            SigningKey(
                seed: [UInt8(index)] + [UInt8](repeating: 77, count: SigningKey.seedByteCount - 1))
        }
        scripts = keys.map { Script.keyHash(of: $0.publicKey) }
        byScript = Dictionary(zip(scripts, keys)) { first, _ in first }
        guard keys.count == 64 else { throw Failed("no keys") }
    }

    func script(_ index: Int) -> Script { scripts[index % scripts.count] }

    /// A signed payment of one output to two others.
    func payment(
        of outPoint: OutPoint, _ entry: OutputEntry, to index: Int, price: Amount, chain: Hash256
    ) throws -> CheckedTransaction {
        guard let key = byScript[entry.output.locking],
            let half = Amount(units: entry.output.value.units / 2),
            let rest = entry.output.value.subtracting(half)?.subtracting(price)?.subtracting(OutputSet.fee)
        else { throw Failed("an output that is nobody's, or too small") }
        let outputs = [
            TransactionOutput(value: half, locking: script(index)),
            TransactionOutput(value: rest, locking: script(index / 3)),
        ]
        let unsigned = Transaction(
            inputs: [TransactionInput(previous: outPoint, unlocking: .empty)], outputs: outputs)
        guard
            let message = SignatureHash(transaction: unsigned, spending: [entry.output], chain: chain)?
                .message(input: 0, type: .all)
        else { throw Failed("no signature hash") }
        let unlocking = Script.unlockKeyHash(
            signature: key.sign(message.bytes), type: .all, key: key.publicKey)
        return try CheckedTransaction(
            checking: Transaction(
                inputs: [TransactionInput(previous: outPoint, unlocking: unlocking)], outputs: outputs))
    }
}

/// SplitMix64: the same choices in every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }
}
