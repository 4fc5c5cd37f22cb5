/// What running the scripts of a transaction took; counted against the block's bounds.
public struct ScriptWork: Hashable, Sendable {
    public let hashedBytes: Int
    public let signatureChecks: Int

    public static let zero = ScriptWork(hashedBytes: 0, signatureChecks: 0)
    /// Bytes hashed by scripts: 64 × transaction size + 100,000 a transaction.
    public static let hashedBytesPerByte = 64
    public static let hashedBytesBase = 100_000
    /// Bytes hashed by scripts in a block.
    public static let hashedBytesPerBlock = 128_000_000
    /// Signature checks executed in a transaction: none shall take anybody long to judge.
    public static let signatureChecksPerTransaction = 4_000
    /// Signature checks executed in a block, CHECKMULTISIG by its keys.
    public static let signatureChecksPerBlock = 20_000

    public init(hashedBytes: Int, signatureChecks: Int) {
        self.hashedBytes = hashedBytes
        self.signatureChecks = signatureChecks
    }
}

/// Proof that every script of the transaction with this witness identifier has run and agreed.
///
/// Scripts depend on nothing but the transaction and the outputs that it names, so the proof holds in every
/// state: what was verified for the mempool is not verified again in a block. Its only constructor runs them.
public struct ScriptProof: Hashable, Sendable {
    public let wtxid: Hash256
    public let work: ScriptWork

    /// Runs the scripts of every input.
    ///
    /// - Parameter chain: the hash of the genesis block.
    public init(verifying spendable: SpendableTransaction, chain: Hash256) throws(TransactionRejection) {
        let checked = spendable.checked
        guard
            let signatureHash = SignatureHash(
                transaction: checked.transaction, spending: spendable.spent, chain: chain)
        else {
            throw TransactionRejection(.missingInput, "an input spends nothing that exists")
        }
        var budget = ScriptBudget(
            hashedBytesLimit: ScriptWork.hashedBytesPerByte * checked.size + ScriptWork.hashedBytesBase,
            signatureChecksLimit: ScriptWork.signatureChecksPerTransaction)
        let (version, lockTime) = (checked.transaction.version, checked.transaction.lockTime)
        let inputs = checked.inputs
        for index in inputs.indices {
            let context = InputContext(
                signatureHash: signatureHash, index: index, lockTime: lockTime, version: version,
                sequence: inputs[index].sequence)
            do {
                try ScriptInterpreter.verify(
                    unlocking: inputs[index].unlocking, locking: spendable.spent[index].output.locking,
                    flags: .chain, context: context, budget: &budget)
            } catch {
                throw TransactionRejection(
                    error.isWorkBound ? .scriptWork : .script, "input \(index): \(error.rawValue)")
            }
        }
        wtxid = checked.wtxid
        work = ScriptWork(hashedBytes: budget.hashedBytes, signatureChecks: budget.signatureChecks)
    }
}

extension ScriptRejection {
    fileprivate var isWorkBound: Bool { self == .hashedBytes || self == .signatureChecks }
}

/// A transaction that may stand in a block of the state it was checked against.
public struct VerifiedTransaction: Sendable {
    public let spendable: SpendableTransaction
    public let work: ScriptWork

    /// `nil` when the proof is of another transaction.
    public init?(_ spendable: SpendableTransaction, proof: ScriptProof) {
        guard proof.wtxid == spendable.checked.wtxid else { return nil }
        self.spendable = spendable
        self.work = proof.work
    }
}

/// One input of a transaction, as its scripts see it.
private struct InputContext: ScriptContext {
    let signatureHash: SignatureHash
    let index: Int
    let lockTime: UInt32
    let version: UInt16
    let sequence: UInt32

    func verifies(
        signature: ArraySlice<UInt8>, key: ArraySlice<UInt8>, budget: inout ScriptBudget
    ) throws(ScriptRejection) -> Bool {
        guard
            signature.count == Signature.byteCount + 1, let typeByte = signature.last,
            let type = SignatureHashType(byte: typeByte), let publicKey = PublicKey(key),
            let bytes = Signature(signature.dropLast())
        else { return false }
        try budget.chargeHashing(signatureHash.messageBytes(input: index, type: type))
        guard let message = signatureHash.message(input: index, type: type) else { return false }
        return publicKey.verifies(bytes, over: message)
    }
}
