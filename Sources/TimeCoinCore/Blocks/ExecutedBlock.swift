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
        try self.init(
            prepared, proofs: proofs, transition: try StateTransition(of: prepared, commitment: nodes))
    }

    /// The same where the state transition was computed while the scripts ran.
    ///
    /// - Parameter transition: asked for after the rules on scripts, so that the reason for a refusal does
    ///   not depend on which was computed first.
    public init(
        _ prepared: PreparedBlock, proofs: [ScriptProof],
        transition computed: @autoclosure () throws -> StateTransition
    ) throws {
        try ExecutedBlock.checkWork(prepared, proofs: proofs)
        let transition = try computed()
        let header = prepared.block.header
        let root = transition.change.state.roots.root
        guard transition.change.state.headerHash == prepared.block.hash, root == header.stateRoot else {
            throw BlockRejection(
                .stateRoot, "the header names \(header.stateRoot), executing gives \(root)")
        }
        self.block = prepared.block
        self.change = transition.change
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

/// What a prepared block does to the state if its scripts agree; it can be computed beside them.
public struct StateTransition: Sendable {
    fileprivate let change: StateChange

    /// - Parameter nodes: the parent's output commitment.
    /// - Throws: ``BlockRejection`` for what the block does wrong, anything else for a fault of `nodes`.
    public init(of prepared: PreparedBlock, commitment nodes: some CommitmentNodes) throws {
        change = try BlockExecution(prepared).execute(commitment: nodes)
    }
}
