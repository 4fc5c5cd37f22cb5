/// A block whose every rule holds on its parent, and what it does to the state.
///
/// The last level of trust. Executing has no side effect; the change is written only when the block is
/// decided.
public struct ExecutedBlock: Sendable {
    public let block: CheckedBlock
    public let change: StateChange

    /// Executes a prepared block and compares the state root.
    ///
    /// - Parameters:
    ///   - proofs: that the scripts of each payment ran, in order.
    ///   - nodes: the parent's output commitment.
    /// - Throws: ``BlockRejection`` for what the block does wrong, anything else for a fault of `nodes`.
    public init(
        _ prepared: PreparedBlock, proofs: [ScriptProof], commitment nodes: some CommitmentNodes
    ) throws {
        try ExecutedBlock.checkWork(prepared, proofs: proofs)
        let change = try BlockExecution(prepared).execute(commitment: nodes)
        let header = prepared.block.header
        guard change.state.roots.root == header.stateRoot else {
            throw BlockRejection(
                .stateRoot, "the header names \(header.stateRoot), executing gives \(change.state.roots.root)"
            )
        }
        self.block = prepared.block
        self.change = change
    }

    init(block: CheckedBlock, change: StateChange) {
        self.block = block
        self.change = change
    }

    private static func checkWork(_ prepared: PreparedBlock, proofs: [ScriptProof]) throws(BlockRejection) {
        guard proofs.count == prepared.transactions.count else {
            throw BlockRejection(
                .transaction, "\(proofs.count) proofs for \(prepared.transactions.count) transactions")
        }
        var hashedBytes = 0
        var signatureChecks = 0
        for (spendable, proof) in zip(prepared.transactions, proofs) {
            guard proof.wtxid == spendable.checked.wtxid else {
                throw BlockRejection(.transaction, "\(spendable.checked.txid): its scripts were not verified")
            }
            hashedBytes += proof.work.hashedBytes
            signatureChecks += proof.work.signatureChecks
        }
        guard hashedBytes <= ScriptWork.hashedBytesPerBlock else {
            throw BlockRejection(
                .work, "scripts hash \(hashedBytes) bytes, at most \(ScriptWork.hashedBytesPerBlock)")
        }
        guard signatureChecks <= ScriptWork.signatureChecksPerBlock else {
            throw BlockRejection(
                .work, "\(signatureChecks) signature checks, at most \(ScriptWork.signatureChecksPerBlock)")
        }
    }
}
