import TimeCoinConsensus
import TimeCoinCore
import TimeCoinStore

/// The one path of a transaction into the mempool, from a peer or from a person: decoded and checked before,
/// resolved
/// and prechecked on the core's thread, verified beside it, admitted on it.
struct TransactionIntake: Sendable {
    let core: NodeCore
    let store: any ChainStoring
    let chain: Hash256
    let clock: NodeClock

    /// What a transaction spends, if it may be tried.
    struct Candidate: Sendable {
        let checked: CheckedTransaction
        let spent: [OutputEntry]
        let context: SpendingContext
    }

    /// Submits one and tells why it is not taken.
    func submit(_ checked: CheckedTransaction) async throws(MempoolRejection) {
        let candidate = try await resolve([checked])[0].get()
        let admission: Admission
        do {
            admission = try verify(candidate)
        } catch {
            throw .rule(error)
        }
        try await core.admit(admission)
    }

    /// Takes what a peer sent; what is known or refused is dropped.
    func take(_ checked: [CheckedTransaction], from peer: PeerKey) async {
        let candidates = await resolve(checked).compactMap { try? $0.get() }
        let admissions = candidates.compactMap { try? verify($0) }
        if !admissions.isEmpty { await core.deliver(.admitted(admissions, from: peer)) }
    }

    private func verify(_ candidate: Candidate) throws(TransactionRejection) -> Admission {
        let spendable = try SpendableTransaction(
            candidate.checked, spending: candidate.spent, in: candidate.context)
        let proof = try ScriptProof(verifying: spendable, chain: chain)
        guard let verified = VerifiedTransaction(spendable, proof: proof) else {
            throw TransactionRejection(.script, "the proof is of another transaction")
        }
        return Admission(verified: verified, proof: proof)
    }

    private func resolve(_ checked: [CheckedTransaction]) async -> [Result<Candidate, MempoolRejection>] {
        let now = clock.moment.clock
        let views = await core.read { reactor in
            let slot = reactor.state.schedule(at: now).slot
            let context = SpendingContext(
                slot: slot, parentTime: reactor.state.header.time, growthPrice: reactor.state.growthPrice)
            return checked.map { transaction -> Result<(SpendingContext, [OutputEntry?]), MempoolRejection> in
                do throws(MempoolRejection) {
                    try reactor.mempool.precheck(transaction)
                } catch {
                    return .failure(error)
                }
                let waiting = transaction.transaction.inputs.map {
                    reactor.mempool.output($0.previous, on: reactor.state, slot: slot)
                }
                return .success((context, waiting))
            }
        }
        return zip(checked, views).map { transaction, view in
            view.flatMap { context, waiting in complete(transaction, context, waiting) }
        }
    }

    private func complete(
        _ checked: CheckedTransaction, _ context: SpendingContext, _ waiting: [OutputEntry?]
    ) -> Result<Candidate, MempoolRejection> {
        let entries = try? store.snapshot { reader in
            try zip(checked.transaction.inputs, waiting).map { input, entry in
                try entry ?? reader.output(input.previous)
            }
        }
        guard let entries else {
            return .failure(.rule(TransactionRejection(.missingInput, "the store cannot be read")))
        }
        var spent: [OutputEntry] = []
        for (input, entry) in zip(checked.transaction.inputs, entries) {
            guard let entry else {
                if (try? store.snapshot { try $0.location(of: checked.txid) }) ?? nil != nil {
                    return .failure(.alreadyFinal(checked.txid))
                }
                return .failure(
                    .rule(
                        TransactionRejection(
                            .missingInput,
                            "\(input.previous.transaction):\(input.previous.index) is unknown or spent")))
            }
            spent.append(entry)
        }
        return .success(Candidate(checked: checked, spent: spent, context: context))
    }
}

extension NodeCore {
    /// Admits one transaction, or tells why not.
    func admit(_ admission: Admission) throws(MempoolRejection) {
        let checked = admission.verified.spendable.checked
        try reactor.mempool.precheck(checked)
        deliver(.admitted([admission], from: nil))
        guard reactor.mempool.contains(wtxid: checked.wtxid) else { throw .full }
    }
}
