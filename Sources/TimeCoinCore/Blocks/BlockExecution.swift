/// The state transition of one block: outputs, rewards, supply, commitment.
struct BlockExecution {
    private let header: BlockHeader
    private let hash: Hash256
    private let parent: ChainState
    private let transactions: [CheckedTransaction]
    private let payments: [SpendableTransaction]

    init(_ prepared: PreparedBlock) {
        header = prepared.block.header
        hash = prepared.block.hash
        parent = prepared.parent
        transactions = prepared.block.transactions
        payments = prepared.transactions
    }

    func execute(commitment nodes: some CommitmentNodes) throws -> StateChange {
        let outputs = OutputChanges(
            header: header, parent: parent, transactions: transactions, payments: payments)
        let update = try parent.commitment.updated(
            appending: outputs.leaves, spending: outputs.spentPositions, nodes: nodes)
        let accruals = try accrue()
        let supply = try account(for: outputs, accruals: accruals)
        let state = ChainState(
            header: header, headerHash: hash, chain: parent.chain, genesisTime: parent.genesisTime,
            commitment: update.commitment,
            outputCount: parent.outputCount + UInt64(outputs.created.count) - UInt64(outputs.spent.count),
            registry: parent.registry, accruals: accruals, supply: supply,
            seed: header.kind == .scheduled
                ? ChainState.seed(chain: parent.chain, slot: header.slot) : parent.seed,
            parameters: parent.parameters, recovery: parent.recovery)
        return StateChange(
            state: state, created: outputs.created, spent: outputs.spent, nodes: update.nodes,
            chunks: update.chunks)
    }

    private func accrue() throws(BlockRejection) -> Accruals {
        var accruals = parent.accruals
        var credited: Void? = ()
        if header.kind == .scheduled {
            accruals.pay(parent.accruals.due)
            credited = accruals.mint(
                parent.parameters.subsidy,
                drawn: RewardDraw.member(of: parent.validators, chain: parent.chain, slot: header.slot),
                among: parent.validators)
        }
        guard credited != nil, let fees = Amount.sum(payments.lazy.map(\.fee)),
            accruals.credit(fees, to: header.proposer) != nil
        else {
            throw BlockRejection(.supply, "rewards leave the money range")
        }
        accruals.markCrossings(threshold: parent.parameters.payoutThreshold, at: header.height)
        return accruals
    }

    private func account(for outputs: OutputChanges, accruals: Accruals) throws(BlockRejection) -> Supply {
        var supply = parent.supply
        guard
            let created = Amount.sum(outputs.created.lazy.map(\.entry.output.value)),
            let spent = Amount.sum(outputs.spent.lazy.map(\.entry.output.value)),
            // In this order: most of what is created was there before, and the sum of both may be more money
            // than there can be.
            let unspent = supply.unspent.subtracting(spent)?.adding(created),
            let newlyBurned = Amount.sum(payments.lazy.map(\.burned)),
            let burned = supply.burned.adding(newlyBurned)
        else {
            throw BlockRejection(.supply, "sums leave the money range")
        }
        supply.unspent = unspent
        supply.burned = burned
        supply.accrued = accruals.total
        supply.remainder = accruals.remainder
        guard let total = supply.total,
            total == supply.scheduled(slot: header.slot, subsidy: parent.parameters.subsidy)
        else {
            throw BlockRejection(.supply, "the money after slot \(header.slot) is not what the schedule says")
        }
        return supply
    }
}

/// Who gets the drawn fifth of a slot's subsidy: a pure function of slot and set, by weight, whoever
/// proposed.
enum RewardDraw {
    static func member(of validators: ValidatorSet, chain: Hash256, slot: Slot) -> PublicKey {
        var writer = ByteWriter(reserving: 64)
        writer.write(raw: Array("reward".utf8))
        writer.write(ChainState.seed(chain: chain, slot: slot))
        var point = Blake2b.hash256(.slotSeed, writer.bytes).leadingWord % max(1, validators.totalWeight)
        var drawn = validators.members[0].operatorKey
        for member in validators.members {
            drawn = member.operatorKey
            if point < member.weight { break }
            point -= member.weight
        }
        return drawn
    }
}
