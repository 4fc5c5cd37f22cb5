/// Makes a block out of transactions that a mempool has verified.
public struct BlockAssembly: Sendable {
    /// `nil` when it would be a payment block without a payment.
    public let block: ExecutedBlock?
    /// Candidates that the rules refuse on this state: what they spend is gone, or they pay too little.
    public let refused: [Hash256]

    public init(block: ExecutedBlock?, refused: [Hash256]) {
        self.block = block
        self.refused = refused
    }

    /// - Parameters:
    ///   - time: header time, after the parent's; it decides kind and slot.
    ///   - candidates: in the order to try; what does not fit on this state, or no longer in the block, is
    /// left out.
    ///   - proofs: of the candidates' scripts, in the same order.
    /// - Throws: faults of `source` only.
    public static func assemble(
        on parent: ChainState, at time: Timestamp, proposer: PublicKey,
        candidates: [(transaction: CheckedTransaction, proof: ScriptProof)],
        source: some OutputSource & CommitmentNodes
    ) throws -> BlockAssembly {
        let schedule = parent.schedule(at: time)
        var checked: [CheckedTransaction] = []
        if schedule.kind == .scheduled,
            let coinbase = try? CheckedTransaction(checking: parent.coinbase(slot: schedule.slot))
        {
            checked.append(coinbase)
        }
        let draft = BlockHeader.draft(on: parent, time: time, proposer: proposer)
        let (chosen, refused) = try choose(
            candidates, for: draft, on: parent, beside: checked, source: source)
        if schedule.kind == .payment, chosen.isEmpty { return BlockAssembly(block: nil, refused: refused) }
        checked += chosen.map(\.checked)
        return BlockAssembly(
            block: try seal(draft, checked, payments: chosen, on: parent, nodes: source), refused: refused)
    }

    private static func choose(
        _ candidates: [(transaction: CheckedTransaction, proof: ScriptProof)], for draft: BlockHeader,
        on parent: ChainState, beside fixed: [CheckedTransaction], source: some OutputSource
    ) throws -> (chosen: [SpendableTransaction], refused: [Hash256]) {
        var resolver = InputResolver(
            header: draft, parent: parent, after: fixed, expectedSpends: candidates.count)
        var bytesLeft = Block.bytesMax - Block.overheadBytesMax - fixed.reduce(0) { $0 + $1.size }
        var hashedBytesLeft = ScriptWork.hashedBytesPerBlock
        var checksLeft = ScriptWork.signatureChecksPerBlock
        var chosen: [SpendableTransaction] = []
        var refused: [Hash256] = []
        for (transaction, proof) in candidates {
            guard transaction.size <= bytesLeft, proof.work.hashedBytes <= hashedBytesLeft,
                proof.work.signatureChecks <= checksLeft
            else { continue }
            guard proof.wtxid == transaction.wtxid,
                let spendable = try acceptable({ try resolver.spend(transaction, from: source) })
            else {
                refused.append(transaction.txid)
                continue
            }
            bytesLeft -= transaction.size
            hashedBytesLeft -= proof.work.hashedBytes
            checksLeft -= proof.work.signatureChecks
            chosen.append(spendable)
        }
        return (chosen, refused)
    }

    /// `nil` for a transaction that the rules refuse; faults pass through.
    private static func acceptable<Value>(_ body: () throws -> Value) throws -> Value? {
        do {
            return try body()
        } catch is TransactionRejection {
            return nil
        }
    }

    private static func seal(
        _ draft: BlockHeader, _ checked: [CheckedTransaction], payments: [SpendableTransaction],
        on parent: ChainState, nodes: some CommitmentNodes
    ) throws -> ExecutedBlock {
        let unsealed = draft.with(roots: BlockRoots(of: checked), stateRoot: .zero)
        let prepared = PreparedBlock(
            trusted: try CheckedBlock(header: unsealed, transactions: checked), parent: parent,
            transactions: payments)
        let change = try BlockExecution(prepared).execute(commitment: nodes)
        let header = unsealed.with(roots: BlockRoots(of: checked), stateRoot: change.state.roots.root)
        let sealed = change.resealed(with: header)
        return ExecutedBlock(block: try CheckedBlock(header: header, transactions: checked), change: sealed)
    }
}

extension PreparedBlock {
    /// From an assembly that has resolved the inputs itself, by the same rules.
    init(trusted block: CheckedBlock, parent: ChainState, transactions: [SpendableTransaction]) {
        self.block = block
        self.parent = parent
        self.transactions = transactions
    }
}

extension StateChange {
    /// The same change under the header that names its own state root.
    fileprivate func resealed(with header: BlockHeader) -> StateChange {
        StateChange(
            state: state.with(header: header), created: created, spent: spent, nodes: nodes, chunks: chunks)
    }
}

extension ChainState {
    fileprivate func with(header: BlockHeader) -> ChainState {
        ChainState(
            header: header, headerHash: header.hash, chain: chain, genesisTime: genesisTime,
            commitment: commitment,
            outputCount: outputCount, registry: registry, accruals: accruals, supply: supply, seed: seed,
            parameters: parameters, recovery: recovery)
    }
}

extension BlockHeader {
    /// A header on `parent` whose roots are not known yet.
    fileprivate static func draft(on parent: ChainState, time: Timestamp, proposer: PublicKey) -> BlockHeader
    {
        let schedule = parent.schedule(at: time)
        return BlockHeader(
            kind: schedule.kind, height: parent.height + 1, slot: schedule.slot, previous: parent.headerHash,
            time: time, transactionRoot: .zero, witnessRoot: .zero, stateRoot: .zero,
            validators: parent.validators.hash, nextValidators: parent.validators.hash,
            evidenceRoot: BlockRoots.empty, attestationRoot: BlockRoots.empty, proposer: proposer)
    }

    fileprivate func with(roots: BlockRoots, stateRoot: Hash256) -> BlockHeader {
        BlockHeader(
            version: version, kind: kind, height: height, slot: slot, previous: previous, time: time,
            transactionRoot: roots.transactions, witnessRoot: roots.witnesses, stateRoot: stateRoot,
            validators: validators, nextValidators: nextValidators, evidenceRoot: evidenceRoot,
            attestationRoot: attestationRoot, proposer: proposer)
    }
}
