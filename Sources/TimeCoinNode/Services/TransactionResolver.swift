import TimeCoinConsensus
import TimeCoinCore
import TimeCoinStore

/// Finds what a transaction spends, in the chain or among what waits.
struct TransactionResolver: Sendable {
    let store: any ChainStoring
    let faults: FaultReport

    /// What the core knows of a transaction's inputs at one moment.
    struct View: Sendable {
        let height: Height
        let context: SpendingContext
        /// Outputs of waiting transactions, in the order of the inputs.
        let waiting: [OutputEntry?]

        /// Refuses what waits already or conflicts.
        init(of checked: CheckedTransaction, in reactor: borrowing Reactor, at now: Timestamp)
            throws(MempoolRejection)
        {
            try reactor.mempool.precheck(checked)
            let state = reactor.state
            let slot = state.schedule(at: now).slot
            height = state.height
            context = SpendingContext(
                slot: slot, parentTime: state.header.time, growthPrice: state.growthPrice)
            var waiting: [OutputEntry?] = []
            for input in checked.transaction.inputs {
                waiting.append(reactor.mempool.output(input.previous, on: state, slot: slot))
            }
            self.waiting = waiting
        }
    }

    /// Looks up in the store what does not wait, and applies the rules that need it.
    func spendable(
        _ checked: CheckedTransaction, _ view: View
    ) throws(MempoolRejection) -> SpendableTransaction {
        let entries: [OutputEntry?]
        do {
            entries = try store.snapshot { reader in
                try zip(checked.transaction.inputs, view.waiting).map { input, entry in
                    try entry ?? reader.output(input.previous)
                }
            }
        } catch {
            faults.report(error)
            throw .rule(TransactionRejection(.missingInput, "the store cannot be read"))
        }
        var spent: [OutputEntry] = []
        for (input, entry) in zip(checked.transaction.inputs, entries) {
            guard let entry else { throw missing(input.previous, of: checked) }
            spent.append(entry)
        }
        do {
            return try SpendableTransaction(checked, spending: spent, in: view.context)
        } catch {
            throw .rule(error)
        }
    }

    private func missing(_ outPoint: OutPoint, of checked: CheckedTransaction) -> MempoolRejection {
        if (try? store.snapshot { try $0.location(of: checked.txid) }) ?? nil != nil {
            return .alreadyFinal(checked.txid)
        }
        return .rule(
            TransactionRejection(
                .missingInput, "\(outPoint.transaction):\(outPoint.index) is unknown or spent"))
    }
}
