import TimeCoinConsensus
package import TimeCoinCore
import TimeCoinStore

/// The one path of a transaction into the mempool, from a peer or from a person: decoded and checked before,
/// prechecked on the core's thread, resolved and verified beside it, admitted on it.
struct TransactionIntake: Sendable {
    let core: NodeCore
    let resolver: TransactionResolver
    let proofs: ProofCache
    let events: EventLog
    let chain: Hash256

    /// Blocks after which what waited before the start, and spends what nobody has heard of, is given up.
    static let resubmissionBlocksMax = 1000

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
    /// them. What cannot be admitted any more is left out; what spends outputs of a transaction that is not
    /// known here yet is tried again after each block, for it may lie in one that this node has still to
    /// fetch. Ends early when cancelled.
    func resubmit(_ waited: [Resubmission]) async {
        guard var orphans = await offer(waited) else { return }
        await core.finishResubmission(leaving: orphans)
        for _ in 0..<TransactionIntake.resubmissionBlocksMax {
            guard !orphans.isEmpty, await events.nextBlock(), let left = await offer(orphans) else { return }
            orphans = left
            await core.finishResubmission(leaving: orphans)
        }
        await core.finishResubmission(leaving: [])
    }

    /// What of it spends outputs of transactions that are not known; `nil` when cancelled.
    private func offer(_ waited: [Resubmission]) async -> [Resubmission]? {
        var orphans: [Resubmission] = []
        for entry in waited {
            guard !Task.isCancelled else { return nil }
            guard let view = try? await core.view(of: entry.checked) else { continue }
            do throws(MempoolRejection) {
                let spendable = try resolver.spendable([(entry.checked, view)])[0].get()
                var admission = try verify(spendable, at: view.height)
                admission.age = entry.age
                await core.admit([admission], finishing: [])
            } catch {
                if resolver.isOrphan(entry.checked, view) { orphans.append(entry) }
            }
        }
        return orphans
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
    package init(
        _ spendable: SpendableTransaction, proof: ScriptProof, height: Height
    ) throws(MempoolRejection) {
        guard let verified = VerifiedTransaction(spendable, proof: proof) else {
            throw .rule(TransactionRejection(.script, "the proof is of another transaction"))
        }
        self.init(verified: verified, proof: proof, height: height)
    }
}

extension NodeCore {
    /// As ``NodeShell/admit(_:)``.
    func admit(_ admission: Admission) throws(MempoolRejection) {
        defer { passJobs() }
        try shell.admit(admission)
    }

    /// As ``NodeShell/view(of:)``.
    func view(of checked: CheckedTransaction) throws(MempoolRejection) -> TransactionResolver.View {
        try shell.view(of: checked)
    }

    /// As ``NodeShell/received(_:from:)``.
    func received(
        _ transactions: [CheckedTransaction], from peer: PeerKey
    ) -> (transactions: [CheckedTransaction], views: [(CheckedTransaction, TransactionResolver.View)]) {
        shell.received(transactions, from: peer)
    }

    /// As ``NodeShell/admit(_:finishing:)``.
    func admit(_ admissions: [Admission], finishing transactions: [CheckedTransaction]) {
        shell.admit(admissions, finishing: transactions)
        passJobs()
    }
}
