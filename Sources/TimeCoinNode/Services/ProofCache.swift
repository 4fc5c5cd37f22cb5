import Synchronization
package import TimeCoinCore

/// Proofs of scripts that ran lately, whoever asked: a transaction is verified once, whether the mempool or a
/// block saw it first.
///
/// Two generations; when the newer is full the older is forgotten.
package final class ProofCache: Sendable {
    package init() {}

    /// Proofs in a generation: more than a full mempool has.
    static let generationMax = 12_000

    private struct Generations {
        var newer: [Hash256: ScriptProof] = [:]
        var older: [Hash256: ScriptProof] = [:]
    }

    private let generations = Mutex(Generations())

    func proof(of wtxid: Hash256) -> ScriptProof? {
        generations.withLock { $0.newer[wtxid] ?? $0.older[wtxid] }
    }

    private func keep(_ proof: ScriptProof) {
        generations.withLock { generations in
            if generations.newer.count >= ProofCache.generationMax {
                generations.older = generations.newer
                generations.newer = [:]
            }
            generations.newer[proof.wtxid] = proof
        }
    }

    /// The proof that is there, or a new one.
    package func verify(
        _ spendable: SpendableTransaction, chain: Hash256
    ) throws(TransactionRejection) -> ScriptProof {
        if let proof = proof(of: spendable.checked.wtxid) { return proof }
        let proof = try ScriptProof(verifying: spendable, chain: chain)
        keep(proof)
        return proof
    }
}
