import TimeCoinConsensus
package import TimeCoinCore
package import TimeCoinStore

/// Finds what a transaction spends, in the chain or among what waits.
package struct TransactionResolver: Sendable {
    let store: any ChainStoring
    let faults: FaultReport

    package init(store: any ChainStoring, faults: FaultReport) {
        self.store = store
        self.faults = faults
    }

    /// What the core knows of a transaction's inputs at one moment.
    package struct View: Sendable {
        package let height: Height
        let context: SpendingContext
        /// Outputs of waiting transactions, in the order of the inputs.
        let waiting: [OutputEntry?]
        /// What it must pay more than to get in.
        let rateFloor: FeeRate?
        /// What it must pay to replace what it conflicts with.
        let replacement: ReplacementPrice?

        /// Refuses what waits already or cannot be taken whatever it pays.
        init(of checked: CheckedTransaction, in reactor: borrowing Reactor, at now: Timestamp)
            throws(MempoolRejection)
        {
            replacement = try reactor.mempool.precheck(checked)
            let state = reactor.state
            let slot = state.schedule(at: now).slot
            height = state.height
            rateFloor = reactor.mempool.rateFloor
            context = SpendingContext(
                slot: slot, parentTime: state.header.time, growthPrice: state.growthPrice)
            var waiting: [OutputEntry?] = []
            for input in checked.transaction.inputs {
                waiting.append(reactor.mempool.output(input.previous, on: state, slot: slot))
            }
            self.waiting = waiting
        }
    }

    /// Whether it spends outputs of a transaction that neither waits nor is in the chain.
    func isOrphan(_ checked: CheckedTransaction, _ view: View) -> Bool {
        do {
            return try store.snapshot { reader in
                for (input, waiting) in zip(checked.transaction.inputs, view.waiting) where waiting == nil {
                    if try reader.location(of: input.previous.transaction) == nil { return true }
                }
                return false
            }
        } catch {
            faults.report(error)
            return false
        }
    }

    /// Looks up in one view of the store what does not wait, and applies the rules that need it; a result for
    /// each, in order.
    package func spendable(
        _ transactions: [(CheckedTransaction, View)]
    ) -> [Result<SpendableTransaction, MempoolRejection>] {
        do {
            return try store.snapshot { reader in
                try transactions.map { checked, view in
                    try spendable(checked, view, reader)
                }
            }
        } catch {
            faults.report(error)
            let rejection = TransactionRejection(.missingInput, "the store cannot be read")
            return transactions.map { _ in .failure(.rule(rejection)) }
        }
    }

    /// - Throws: faults of this machine only.
    private func spendable(
        _ checked: CheckedTransaction, _ view: View, _ reader: any ChainReading
    ) throws -> Result<SpendableTransaction, MempoolRejection> {
        var spent: [OutputEntry] = []
        spent.reserveCapacity(view.waiting.count)
        for (input, waiting) in zip(checked.transaction.inputs, view.waiting) {
            guard let entry = try waiting ?? reader.output(input.previous) else {
                guard try reader.location(of: checked.txid) == nil else {
                    return .failure(.alreadyFinal(checked.txid))
                }
                let name = "\(input.previous.transaction):\(input.previous.index)"
                return .failure(.rule(TransactionRejection(.missingInput, "\(name) is unknown or spent")))
            }
            spent.append(entry)
        }
        do throws(TransactionRejection) {
            let spendable = try SpendableTransaction(checked, spending: spent, in: view.context)
            // Before its scripts cost anything.
            do throws(MempoolRejection) {
                try view.replacement?.check(spendable)
            } catch {
                return .failure(error)
            }
            if let floor = view.rateFloor, !(floor < FeeRate(fee: spendable.fee, size: checked.size)) {
                return .failure(.full)
            }
            return .success(spendable)
        } catch {
            return .failure(.rule(error))
        }
    }
}
