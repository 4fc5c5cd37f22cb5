import TimeCoinConsensus
import TimeCoinCore
import TimeCoinStore

/// The one path of a transaction into the mempool, from a peer or from a person: decoded and checked before,
/// prechecked on the core's thread, resolved and verified beside it, admitted on it.
struct TransactionIntake: Sendable {
    let core: NodeCore
    let resolver: TransactionResolver
    let proofs: ProofCache
    let chain: Hash256

    /// Submits one and tells why it is not taken.
    func submit(_ checked: CheckedTransaction) async throws(MempoolRejection) {
        let view = try await core.view(of: checked)
        let spendable = try resolver.spendable([(checked, view)])[0].get()
        try await core.admit(try verify(spendable, at: view.height))
    }

    /// Why a transaction would not be taken now, or `nil`. Nothing is changed.
    func test(_ checked: CheckedTransaction) async -> MempoolRejection? {
        do throws(MempoolRejection) {
            let view = try await core.view(of: checked)
            _ = try verify(try resolver.spendable([(checked, view)])[0].get(), at: view.height)
            return nil
        } catch {
            return error
        }
    }

    /// Takes what a peer sent; what is known or refused is dropped.
    func take(_ checked: [CheckedTransaction], from peer: PeerKey) async {
        let fresh = await core.received(checked, from: peer)
        let admissions = zip(fresh.views, resolver.spendable(fresh.views)).compactMap { view, spendable in
            try? verify(spendable.get(), at: view.1.height)
        }
        await core.admit(admissions, finishing: fresh.transactions)
    }

    /// Takes back what waited before, one after the other, so that parents are in before what spends from
    /// them. What cannot be admitted any more is left out. Ends early when cancelled.
    func resubmit(_ waited: [Resubmission]) async {
        for entry in waited {
            guard !Task.isCancelled else { return }
            try? await resubmit(entry)
        }
        await core.finishResubmission()
    }

    private func resubmit(_ entry: Resubmission) async throws(MempoolRejection) {
        let view = try await core.view(of: entry.checked)
        let spendable = try resolver.spendable([(entry.checked, view)])[0].get()
        var admission = try verify(spendable, at: view.height)
        admission.age = entry.age
        await core.admit([admission], finishing: [])
    }

    private func verify(
        _ spendable: SpendableTransaction, at height: Height
    ) throws(MempoolRejection) -> Admission {
        let proof: ScriptProof
        do {
            proof = try proofs.verify(spendable, chain: chain)
        } catch {
            throw .rule(error)
        }
        return try Admission(spendable, proof: proof, height: height)
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
        let price = try reactor.mempool.precheck(checked)
        try price?.check(current.verified.spendable)
        deliver(.admitted([current]))
        guard reactor.mempool.contains(wtxid: checked.wtxid) else { throw .full }
        keep(submitted: checked)
    }

    /// What verifying a transaction needs to know, or why it is not worth it.
    func view(of checked: CheckedTransaction) throws(MempoolRejection) -> TransactionResolver.View {
        try TransactionResolver.View(of: checked, in: reactor, at: parts.clock.moment.clock)
    }

    /// Notes what a peer has sent.
    ///
    /// - Returns: what is now this caller's to verify and to finish with ``admit(_:finishing:)``, and views
    ///   of those worth it.
    func received(
        _ transactions: [CheckedTransaction], from peer: PeerKey
    ) -> (transactions: [CheckedTransaction], views: [(CheckedTransaction, TransactionResolver.View)]) {
        let fresh = gossip.received(transactions, from: peer)
        var views: [(CheckedTransaction, TransactionResolver.View)] = []
        for checked in fresh {
            if let view = try? view(of: checked) { views.append((checked, view)) }
        }
        return (fresh, views)
    }

    /// Admits what a peer sent and drops what cannot be admitted.
    func admit(_ admissions: [Admission], finishing transactions: [CheckedTransaction]) {
        gossip.finished(transactions)
        let renewed = admissions.compactMap { try? current($0) }
        if !renewed.isEmpty { deliver(.admitted(renewed)) }
    }

    /// The same admission on the present tip. A block may have become final while scripts ran: they stay
    /// proven, but what they spend may be gone.
    private func current(_ admission: Admission) throws(MempoolRejection) -> Admission {
        guard admission.height != reactor.state.height else { return admission }
        let checked = admission.verified.spendable.checked
        let present = try view(of: checked)
        let resolver = TransactionResolver(store: parts.store, faults: FaultReport(parts.events))
        let spendable = try resolver.spendable([(checked, present)])[0].get()
        var renewed = try Admission(spendable, proof: admission.proof, height: present.height)
        renewed.age = admission.age
        return renewed
    }
}
