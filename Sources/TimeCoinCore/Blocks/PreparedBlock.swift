/// A checked block that fits on a state: header, schedule, coinbase, inputs and fees agree; scripts have not
/// run
/// yet and the state root has not been compared.
///
/// The third level of trust. Running ``PreparedBlock/transactions``' scripts is the host's to spread over
/// threads;
/// with their proofs ``ExecutedBlock`` is made.
public struct PreparedBlock: Sendable {
    public let block: CheckedBlock
    public let parent: ChainState
    /// The payments, in order; the coinbase is not among them.
    public let transactions: [SpendableTransaction]

    /// - Throws: ``BlockRejection`` for what the block does wrong, anything else for a fault of `source`.
    public init(_ block: CheckedBlock, on parent: ChainState, outputs source: some OutputSource) throws {
        try PreparedBlock.checkHeader(block.header, on: parent)
        var payments = block.transactions[...]
        if block.header.kind == .scheduled, let coinbase = payments.popFirst() {
            try PreparedBlock.checkCoinbase(coinbase.transaction, paying: parent.accruals.due, on: parent)
        }
        var resolver = InputResolver(
            header: block.header, parent: parent,
            expectedSpends: payments.reduce(0) { $0 + $1.transaction.inputs.count })
        var transactions: [SpendableTransaction] = []
        transactions.reserveCapacity(payments.count)
        for checked in payments {
            do {
                transactions.append(try resolver.spend(checked, from: source))
            } catch let rejection as TransactionRejection {
                throw BlockRejection(.transaction, "\(checked.txid): \(rejection)")
            }
        }
        self.block = block
        self.parent = parent
        self.transactions = transactions
    }

    private static func checkHeader(_ header: BlockHeader, on parent: ChainState) throws(BlockRejection) {
        guard header.height == parent.height + 1 else {
            throw BlockRejection(.height, "height \(header.height) after \(parent.height)")
        }
        guard header.previous == parent.headerHash else {
            throw BlockRejection(.previous, "the parent is \(header.previous), the tip \(parent.headerHash)")
        }
        guard header.time > parent.header.time else {
            throw BlockRejection(.time, "time \(header.time.milliseconds) is not after the parent's")
        }
        let schedule = parent.schedule(at: header.time)
        guard header.kind == schedule.kind, header.slot == schedule.slot else {
            throw BlockRejection(
                .schedule,
                "\(header.kind) of slot \(header.slot), it must be \(schedule.kind) of \(schedule.slot)"
            )
        }
        let interval = parent.parameters.paymentIntervalMilliseconds
        guard
            header.kind == .scheduled || header.time >= parent.header.time.advanced(byMilliseconds: interval)
        else {
            throw BlockRejection(.paymentInterval, "less than \(interval) ms after the parent")
        }
        guard parent.validators.index(of: header.proposer) != nil else {
            throw BlockRejection(.proposer, "\(header.proposer) is not a member")
        }
        guard header.validators == parent.validators.hash, header.nextValidators == parent.validators.hash
        else {
            throw BlockRejection(.validators, "the header names another validator set")
        }
    }

    private static func checkCoinbase(
        _ coinbase: Transaction, paying due: [Accruals.Account], on parent: ChainState
    ) throws(BlockRejection) {
        let expected = parent.payoutOutputs(of: due)
        guard coinbase.outputs == expected else {
            throw BlockRejection(
                .coinbase,
                "it has \(coinbase.outputs.count) payouts, the accruals ask for \(expected.count) others")
        }
    }
}

extension ChainState {
    /// Outputs that the coinbase of the next scheduled block has, in order.
    func payoutOutputs(of due: [Accruals.Account]) -> [TransactionOutput] {
        due.compactMap { account in
            registry.entry(of: account.key).map {
                TransactionOutput(value: account.amount, locking: $0.payout)
            }
        }
    }

    /// The coinbase of a scheduled block on this state.
    public func coinbase(slot: Slot) -> Transaction {
        Transaction(
            version: 1, kind: .coinbase, inputs: [], outputs: payoutOutputs(of: accruals.due),
            payload: CoinbasePayload(height: height + 1, slot: slot).encoded)
    }
}
