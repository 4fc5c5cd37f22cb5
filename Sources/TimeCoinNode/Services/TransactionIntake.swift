import TimeCoinConsensus
import TimeCoinCore
import TimeCoinStore

/// The one path of a transaction into the mempool, from a peer or from a person: decoded and checked before,
/// prechecked on the core's thread, resolved and verified beside it, admitted on it.
struct TransactionIntake: Sendable {
    let core: NodeCore
    let resolver: TransactionResolver
    let chain: Hash256
    let clock: NodeClock

    /// Submits one and tells why it is not taken.
    func submit(_ checked: CheckedTransaction) async throws(MempoolRejection) {
        let view = try await views(of: [checked])[0].get()
        try await core.admit(try verify(checked, view))
    }

    /// Takes what a peer sent; what is known or refused is dropped.
    func take(_ checked: [CheckedTransaction], from peer: PeerKey) async {
        let admissions = zip(checked, await views(of: checked)).compactMap { checked, view in
            try? verify(checked, view.get())
        }
        if !admissions.isEmpty { await core.admit(admissions, from: peer) }
    }

    private func verify(
        _ checked: CheckedTransaction, _ view: TransactionResolver.View
    ) throws(MempoolRejection) -> Admission {
        let spendable = try resolver.spendable(checked, view)
        let proof: ScriptProof
        do {
            proof = try ScriptProof(verifying: spendable, chain: chain)
        } catch {
            throw .rule(error)
        }
        return try Admission(spendable, proof: proof, height: view.height)
    }

    private func views(
        of checked: [CheckedTransaction]
    ) async -> [Result<TransactionResolver.View, MempoolRejection>] {
        let now = clock.moment.clock
        return await core.read { reactor in
            var views: [Result<TransactionResolver.View, MempoolRejection>] = []
            views.reserveCapacity(checked.count)
            for transaction in checked {
                do throws(MempoolRejection) {
                    views.append(.success(try TransactionResolver.View(of: transaction, in: reactor, at: now)))
                } catch {
                    views.append(.failure(error))
                }
            }
            return views
        }
    }
}

extension Admission {
    init(_ spendable: SpendableTransaction, proof: ScriptProof, height: Height) throws(MempoolRejection) {
        guard let verified = VerifiedTransaction(spendable, proof: proof) else {
            throw .rule(TransactionRejection(.script, "the proof is of another transaction"))
        }
        self.init(verified: verified, proof: proof, height: height)
    }
}

extension NodeCore {
    /// Admits one transaction, or tells why not.
    func admit(_ admission: Admission) throws(MempoolRejection) {
        let current = try current(admission)
        let checked = current.verified.spendable.checked
        try reactor.mempool.precheck(checked)
        deliver(.admitted([current], from: nil))
        guard reactor.mempool.contains(wtxid: checked.wtxid) else { throw .full }
    }

    /// Admits what a peer sent and drops what cannot be admitted.
    func admit(_ admissions: [Admission], from peer: PeerKey) {
        deliver(.admitted(admissions.compactMap { try? current($0) }, from: peer))
    }

    /// The same admission on the present tip. A block may have become final while scripts ran: they stay proven,
    /// but what they spend may be gone.
    private func current(_ admission: Admission) throws(MempoolRejection) -> Admission {
        guard admission.height != reactor.state.height else { return admission }
        let checked = admission.verified.spendable.checked
        let view = try TransactionResolver.View(of: checked, in: reactor, at: parts.clock.moment.clock)
        let spendable = try TransactionResolver(store: parts.store).spendable(checked, view)
        return try Admission(spendable, proof: admission.proof, height: view.height)
    }
}
