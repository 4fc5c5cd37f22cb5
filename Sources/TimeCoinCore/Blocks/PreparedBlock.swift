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
        var preparation = try BlockPreparation(block, on: parent)
        _ = try preparation.next(block.transactions.count, outputs: source)
        guard let prepared = preparation.finish() else {
            throw BlockRejection(.transaction, "not all of its transactions were looked up")
        }
        self = prepared
    }

    fileprivate static func checkHeader(_ header: BlockHeader, on parent: ChainState) throws(BlockRejection) {
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

    fileprivate static func checkCoinbase(
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

/// Prepares a block some transactions at a time, so that their scripts can run while the next ones are looked
/// up.
public struct BlockPreparation: Sendable {
    private let block: CheckedBlock
    private let parent: ChainState
    private var waiting: ArraySlice<CheckedTransaction>
    private var resolver: InputResolver
    private var transactions: [SpendableTransaction] = []

    /// Checks header, schedule and coinbase.
    public init(_ block: CheckedBlock, on parent: ChainState) throws(BlockRejection) {
        try PreparedBlock.checkHeader(block.header, on: parent)
        var payments = block.transactions[...]
        if block.header.kind == .scheduled, let coinbase = payments.popFirst() {
            try PreparedBlock.checkCoinbase(coinbase.transaction, paying: parent.accruals.due, on: parent)
        }
        self.block = block
        self.parent = parent
        waiting = payments
        resolver = InputResolver(
            header: block.header, parent: parent, after: block.transactions[..<payments.startIndex],
            expectedSpends: payments.count)
        transactions.reserveCapacity(payments.count)
    }

    /// Resolves the inputs of the next payments, at most `count` of them; none when all are done.
    ///
    /// - Throws: ``BlockRejection`` for what the block does wrong, anything else for a fault of `source`.
    public mutating func next(
        _ count: Int, outputs source: some OutputSource
    ) throws -> [SpendableTransaction] {
        var found: [SpendableTransaction] = []
        found.reserveCapacity(min(max(0, count), waiting.count))
        for checked in waiting.prefix(max(0, count)) {
            do {
                found.append(try resolver.spend(checked, from: source))
            } catch let rejection as TransactionRejection {
                throw BlockRejection(.transaction, "\(checked.txid): \(rejection)")
            }
        }
        waiting = waiting.dropFirst(found.count)
        transactions += found
        return found
    }

    /// The block when ``next(_:outputs:)`` has nothing more; `nil` before.
    public func finish() -> PreparedBlock? {
        waiting.isEmpty ? PreparedBlock(trusted: block, parent: parent, transactions: transactions) : nil
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
