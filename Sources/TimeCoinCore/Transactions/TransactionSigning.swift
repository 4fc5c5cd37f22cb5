/// Brings the signatures of one transaction together, of several owners in any order: key hash, bare m-of-n,
/// and either behind a script hash.
///
/// What an input holds already is read from its unlocking script, whole or in part: signatures are known by
/// the key that they verify with, so nothing beside the transaction has to travel between signers.
public struct TransactionSigning: Sendable {
    /// An output to be spent, as the signers know it.
    public struct Spent: Hashable, Sendable {
        public let output: TransactionOutput
        /// The script that a script-hash output names; `nil` elsewhere, or where the input brings it already.
        public let redeem: Script?

        public init(_ output: TransactionOutput, redeem: Script? = nil) {
            self.output = output
            self.redeem = redeem
        }
    }

    /// Why an input cannot be signed.
    public enum Failure: String, Error, Hashable, Sendable {
        /// There is not exactly one output for every input.
        case wrongCount = "wrong-number-of-outputs"
        /// A script-hash output without its script, or with another one.
        case redeemScript = "redeem-script-missing"
        /// Another form than those above.
        case unknownForm = "unknown-form"
        /// Two transactions that differ in more than their unlocking scripts.
        case otherTransaction = "other-transaction"
    }

    private struct SignatureWithType: Hashable, Sendable {
        let signature: Signature
        let type: SignatureHashType
    }

    /// One input: what is asked and what is there.
    private struct Input: Sendable {
        let redeem: Script?
        let form: StandardScript
        /// The key of a key-hash input, once somebody has shown it.
        var key: PublicKey?
        var signatures: [PublicKey: SignatureWithType] = [:]
    }

    private let unsigned: Transaction
    private let hash: SignatureHash
    private var inputs: [Input]

    /// - Parameters:
    ///   - transaction: with empty, partial or whole unlocking scripts.
    ///   - spent: what each input spends, in order.
    ///   - chain: the hash of the genesis block.
    public init(_ transaction: Transaction, spending spent: [Spent], chain: Hash256) throws(Failure) {
        guard
            let hash = SignatureHash(
                transaction: transaction, spending: spent.map(\.output), chain: chain)
        else { throw .wrongCount }
        self.hash = hash
        unsigned = transaction
        inputs = []
        for (index, input) in transaction.inputs.enumerated() {
            let pushes = TransactionSigning.pushes(of: input.unlocking)
            let locking = spent[index].output.locking
            var redeem: Script?
            if let name = locking.scriptHash {
                redeem = spent[index].redeem ?? pushes.last.map { Script($0) }
                guard let redeem, Script.scriptHash(of: redeem) == .scriptHash(name) else {
                    throw .redeemScript
                }
            }
            let form = StandardScript(redeem ?? locking)
            switch form {
            case .keyHash, .multisignature: break
            default: throw .unknownForm
            }
            inputs.append(Input(redeem: redeem, form: form))
            take(redeem == nil ? pushes[...] : pushes.dropLast(pushes.isEmpty ? 0 : 1), into: index)
        }
    }

    /// Signs every input, of those named or of all, that one of the keys may sign.
    public mutating func sign(with keys: [SigningKey], type: SignatureHashType = .all) {
        for index in inputs.indices {
            guard let message = hash.message(input: index, type: type) else { continue }
            for key in keys where wants(key.publicKey, at: index) {
                if case .keyHash = inputs[index].form { inputs[index].key = key.publicKey }
                inputs[index].signatures[key.publicKey] = SignatureWithType(
                    signature: key.sign(message.bytes), type: type)
            }
        }
    }

    /// Adds what another signer's copy of the same transaction holds.
    public mutating func combine(with other: Transaction) throws(Failure) {
        guard other.txid == unsigned.txid else { throw .otherTransaction }
        for (index, input) in other.inputs.enumerated() {
            let pushes = TransactionSigning.pushes(of: input.unlocking)
            let hasRedeem = inputs[index].redeem.map { pushes.last == $0.bytes } ?? false
            take(hasRedeem ? pushes.dropLast() : pushes[...], into: index)
        }
    }

    /// Inputs that still lack signatures.
    public var incomplete: [Int] { inputs.indices.filter { !isComplete($0) } }

    /// The transaction with everything that is there.
    public var transaction: Transaction {
        Transaction(
            version: unsigned.version, kind: unsigned.kind,
            inputs: unsigned.inputs.enumerated().map { index, input in
                TransactionInput(
                    previous: input.previous, unlocking: unlocking(index), sequence: input.sequence)
            },
            outputs: unsigned.outputs, lockTime: unsigned.lockTime, payload: unsigned.payload)
    }

    // MARK: - One input

    private func wants(_ key: PublicKey, at index: Int) -> Bool {
        switch inputs[index].form {
        case .keyHash(let hash): KeyHash(of: key) == hash
        case .multisignature(_, let keys): keys.contains(key)
        default: false
        }
    }

    private func isComplete(_ index: Int) -> Bool {
        switch inputs[index].form {
        case .keyHash: !inputs[index].signatures.isEmpty
        // A key may stand twice in a script; its one signature then counts twice.
        case .multisignature(let required, let keys):
            keys.lazy.filter { inputs[index].signatures[$0] != nil }.count >= required
        default: false
        }
    }

    /// Keeps the pushes that are signatures of this input by keys that it asks for.
    private mutating func take(_ pushes: ArraySlice<[UInt8]>, into index: Int) {
        let asked: [PublicKey]
        switch inputs[index].form {
        case .keyHash: asked = pushes.compactMap { PublicKey($0) }.filter { wants($0, at: index) }
        case .multisignature(_, let keys): asked = keys
        default: return
        }
        for push in pushes where push.count == Signature.byteCount + 1 {
            guard let signature = Signature(push.dropLast()),
                let type = push.last.flatMap({ SignatureHashType(byte: $0) }),
                let message = hash.message(input: index, type: type),
                let key = asked.first(where: { $0.verifies(signature, over: message.bytes) })
            else { continue }
            if case .keyHash = inputs[index].form { inputs[index].key = key }
            inputs[index].signatures[key] = SignatureWithType(signature: signature, type: type)
        }
    }

    private func unlocking(_ index: Int) -> Script {
        let input = inputs[index]
        let satisfying: Script
        switch input.form {
        case .keyHash:
            guard let key = input.key, let signed = input.signatures[key] else { return .empty }
            satisfying = .unlockKeyHash(signature: signed.signature, type: signed.type, key: key)
        case .multisignature(let required, let keys):
            let present = keys.compactMap { input.signatures[$0] }.prefix(required)
            satisfying = .unlockMultisignature(present.map { ($0.signature, $0.type) })
        default: return .empty
        }
        guard let redeem = input.redeem else { return satisfying }
        return .unlockScriptHash(redeem: redeem, satisfying: satisfying) ?? .empty
    }

    /// What an unlocking script pushes; nothing of one that does more.
    private static func pushes(of script: Script) -> [[UInt8]] {
        guard script.isPushOnly else { return [] }
        var pushes: [[UInt8]] = []
        var reader = ScriptReader(script)
        while case .success(let element)? = reader.next() { pushes.append(Array(reader.data(of: element))) }
        return pushes
    }
}
