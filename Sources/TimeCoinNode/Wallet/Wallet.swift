import TimeCoinConsensus
import TimeCoinCore
import TimeCoinStore

/// Why the wallet cannot pay.
enum WalletFailure: Error, Sendable, Equatable {
    case locked
    case insufficientFunds(available: Amount, needed: Amount)
    case dust(least: Amount)
    case tooManyInputs
    case tooManyKeys
}

/// The keys of a node's owner, what they own, and payments from it.
actor Wallet {
    /// Inputs of one payment at most.
    private static let inputsMax = 500
    /// Outputs looked at for each key.
    private static let outputsPerKeyMax = 5000

    struct Owned: Sendable {
        let outPoint: OutPoint
        let output: TransactionOutput
        let key: PublicKey
        /// `nil` while it waits.
        let height: Height?
    }

    private var file: WalletFile
    private var seed: [UInt8]?
    private var secrets: [PublicKey: SigningKey] = [:]
    private var reserved: Set<OutPoint> = []
    private let store: any ChainStoring
    private let core: NodeCore
    private let intake: TransactionIntake
    private let chain: Hash256

    init(file: WalletFile, store: any ChainStoring, core: NodeCore, intake: TransactionIntake, chain: Hash256)
    {
        self.file = file
        self.store = store
        self.core = core
        self.intake = intake
        self.chain = chain
    }

    var isLocked: Bool { seed == nil }

    func unlock(passphrase: [UInt8]) throws {
        let opened = try file.seal.open(passphrase: passphrase)
        for index in file.keys.indices {
            let key = try WalletFile.key(UInt64(index), of: opened)
            guard key.publicKey == file.keys[index] else { throw KeyFailure.malformed }
            secrets[key.publicKey] = key
        }
        seed = opened
    }

    func lock() {
        seed = nil
        secrets = [:]
    }

    func newKey() throws -> PublicKey {
        guard let seed else { throw WalletFailure.locked }
        guard file.keys.count < WalletFile.keysMax else { throw WalletFailure.tooManyKeys }
        let key = try file.add(from: seed)
        secrets[key.publicKey] = key
        return key.publicKey
    }

    /// All keys, for signing what somebody else has put together.
    func signingKeys() throws -> [SigningKey] {
        guard seed != nil else { throw WalletFailure.locked }
        return Array(secrets.values)
    }

    /// The key behind an address of this wallet.
    func key(of address: Address) -> PublicKey? {
        file.keys.first { Address(of: $0) == address }
    }

    /// What the wallet can spend: final outputs that nothing waiting spends, and own outputs of waiting
    /// transactions.
    ///
    /// The mempool is read before the store: what becomes final in between is then seen as spent, never as
    /// free.
    func owned() async throws -> [Owned] {
        let keys = file.keys
        let scripts = Dictionary(
            keys.map { (Script.keyHash(of: $0), $0) }, uniquingKeysWith: { first, _ in first })
        // Before the mempool: what comes back to it in between is then seen twice, never as free.
        let returning = await core.spentByReturning()
        let (waiting, spent) = await core.read { reactor in
            Wallet.waiting(in: reactor.mempool, scripts: scripts)
        }
        let final = try store.snapshot { reader in
            try keys.flatMap { key in
                try reader.unspent(
                    locking: Script.keyHash(of: key), after: nil, countMax: Wallet.outputsPerKeyMax
                ).map {
                    Owned(outPoint: $0.outPoint, output: $0.entry.output, key: key, height: $0.entry.height)
                }
            }
        }
        let names = Set(final.map(\.outPoint))
        return final.filter { !spent.contains($0.outPoint) && !returning.contains($0.outPoint) }
            + waiting.filter { !names.contains($0.outPoint) && !returning.contains($0.outPoint) }
    }

    /// Own unspent outputs of waiting transactions, and everything that waiting transactions spend.
    private static func waiting(
        in mempool: Mempool, scripts: [Script: PublicKey]
    ) -> (owned: [Owned], spent: Set<OutPoint>) {
        var owned: [Owned] = []
        var spent = Set<OutPoint>()
        for txid in mempool.transactionIDs {
            guard let transaction = mempool.entry(txid)?.checked.transaction else { continue }
            spent.formUnion(transaction.inputs.map(\.previous))
            for (index, output) in transaction.outputs.enumerated() {
                let outPoint = OutPoint(transaction: txid, index: UInt32(truncatingIfNeeded: index))
                guard let key = scripts[output.locking], mempool.spender(of: outPoint) == nil
                else { continue }
                owned.append(Owned(outPoint: outPoint, output: output, key: key, height: nil))
            }
        }
        return (owned, spent)
    }

    /// Pays, and returns once the transaction waits for a block.
    func pay(_ amount: Amount, to locking: Script) async throws -> CheckedTransaction {
        guard seed != nil else { throw WalletFailure.locked }
        guard let least = Amount(units: CheckedTransaction.dustLimit), amount >= least else {
            throw WalletFailure.dust(least: Amount(units: CheckedTransaction.dustLimit) ?? .zero)
        }
        let price = await core.read { $0.state.growthPrice }
        let available = try await owned().filter { !reserved.contains($0.outPoint) }
        let plan = try plan(amount, to: locking, from: available, growthPrice: price)
        let checked = try CheckedTransaction(checking: try sign(plan))
        // Other payments run while this one is judged, and must not choose the same outputs.
        reserved.formUnion(plan.inputs.map(\.outPoint))
        defer { reserved.subtract(plan.inputs.map(\.outPoint)) }
        try await intake.submit(checked)
        return checked
    }

    private struct Plan {
        let inputs: [Owned]
        let outputs: [TransactionOutput]
    }

    /// Final outputs first, then the largest; change back to the key of the first input.
    private func plan(
        _ amount: Amount, to locking: Script, from available: [Owned], growthPrice: Amount
    ) throws -> Plan {
        let ordered = available.sorted {
            ($0.height == nil ? 1 : 0, $1.output.value) < ($1.height == nil ? 1 : 0, $0.output.value)
        }
        var inputs: [Owned] = []
        var gathered = Amount.zero
        for owned in ordered.prefix(Wallet.inputsMax) {
            inputs.append(owned)
            gathered = gathered.adding(owned.output.value) ?? .maximum
            if let outputs = outputs(amount, to: locking, from: inputs, gathered: gathered, growthPrice) {
                return Plan(inputs: inputs, outputs: outputs)
            }
        }
        if ordered.count > Wallet.inputsMax { throw WalletFailure.tooManyInputs }
        let fee = fee(inputs: max(1, inputs.count), outputs: 1, growthPrice)
        throw WalletFailure.insufficientFunds(available: gathered, needed: amount.adding(fee) ?? .maximum)
    }

    /// With change if what is left is worth an output, without if it may go to the fee; `nil` if it is too
    /// little.
    private func outputs(
        _ amount: Amount, to locking: Script, from inputs: [Owned], gathered: Amount, _ growthPrice: Amount
    ) -> [TransactionOutput]? {
        let payment = TransactionOutput(value: amount, locking: locking)
        guard let left = gathered.subtracting(amount) else { return nil }
        if let change = left.subtracting(fee(inputs: inputs.count, outputs: 2, growthPrice)),
            change.units >= CheckedTransaction.dustLimit
        {
            return [payment, TransactionOutput(value: change, locking: Script.keyHash(of: inputs[0].key))]
        }
        return left >= fee(inputs: inputs.count, outputs: 1, growthPrice) ? [payment] : nil
    }

    /// What a payment of key-hash inputs has to leave: the fee by size and the price of growth.
    private func fee(inputs: Int, outputs: Int, _ growthPrice: Amount) -> Amount {
        let size = 16 + inputs * 142 + outputs * 44
        let growth = growthPrice.multiplied(by: UInt64(max(0, outputs - inputs))) ?? .maximum
        return Fees.minimum(forSize: size).adding(growth) ?? .maximum
    }

    private func sign(_ plan: Plan) throws -> Transaction {
        let unsigned = Transaction(
            inputs: plan.inputs.map { TransactionInput(previous: $0.outPoint, unlocking: .empty) },
            outputs: plan.outputs)
        let hash = SignatureHash(transaction: unsigned, spending: plan.inputs.map(\.output), chain: chain)
        let inputs = try plan.inputs.enumerated().map { index, owned in
            guard let secret = secrets[owned.key], let message = hash?.message(input: index, type: .all)
            else {
                throw WalletFailure.locked
            }
            return TransactionInput(
                previous: owned.outPoint,
                unlocking: .unlockKeyHash(signature: secret.sign(message.bytes), type: .all, key: owned.key))
        }
        return Transaction(inputs: inputs, outputs: plan.outputs)
    }
}
