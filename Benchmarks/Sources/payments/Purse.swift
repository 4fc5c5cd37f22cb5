import TimeCoinControl
import TimeCoinCore

/// A key with many outputs of its own, and payments signed before the clock runs.
struct Purse {
    let key: SigningKey
    let chain: Hash256
    private let locking: Script

    struct Coin {
        let outPoint: OutPoint
        let output: TransactionOutput
    }

    struct Failed: Error { let reason: String }

    init(chain: Hash256) throws {
        guard let key = SigningKey(seed: [UInt8](repeating: 42, count: SigningKey.seedByteCount)) else {
            throw Failed(reason: "no key")
        }
        self.key = key
        self.chain = chain
        locking = .keyHash(of: key.publicKey)
    }

    var address: String { Address(of: key.publicKey).text(on: .local) }

    /// The outputs of a transaction that belong to this key.
    func coins(of checked: CheckedTransaction) -> [Coin] {
        checked.transaction.outputs.enumerated().compactMap { index, output in
            guard output.locking == locking else { return nil }
            return Coin(
                outPoint: OutPoint(transaction: checked.txid, index: UInt32(index)), output: output)
        }
    }

    /// Spends one coin to equal outputs of this key; what is left over is the fee.
    func split(_ coin: Coin, into count: Int, each units: UInt64) throws -> CheckedTransaction {
        guard let value = Amount(units: units) else { throw Failed(reason: "no amount") }
        return try spend(
            coin, to: [TransactionOutput](repeating: TransactionOutput(value: value, locking: locking), count: count))
    }

    /// A payment as people make it: one input, one output to somebody, and change.
    func payment(of coin: Coin, to receiver: Script) throws -> CheckedTransaction {
        guard let paid = Amount(units: 2000), let change = Amount(units: coin.output.value.units - 2000 - 4000)
        else { throw Failed(reason: "the coin is too small") }
        return try spend(
            coin,
            to: [
                TransactionOutput(value: paid, locking: receiver),
                TransactionOutput(value: change, locking: locking),
            ])
    }

    private func spend(_ coin: Coin, to outputs: [TransactionOutput]) throws -> CheckedTransaction {
        let unsigned = Transaction(
            inputs: [TransactionInput(previous: coin.outPoint, unlocking: .empty)], outputs: outputs)
        guard
            let message = SignatureHash(transaction: unsigned, spending: [coin.output], chain: chain)?
                .message(input: 0, type: .all)
        else { throw Failed(reason: "nothing to sign") }
        let unlocking = Script.unlockKeyHash(
            signature: key.sign(message.bytes), type: .all, key: key.publicKey)
        return try CheckedTransaction(
            checking: Transaction(
                inputs: [TransactionInput(previous: coin.outPoint, unlocking: unlocking)], outputs: outputs))
    }
}
