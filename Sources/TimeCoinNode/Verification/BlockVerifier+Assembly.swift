package import TimeCoinCore
import TimeCoinStore

extension BlockVerifier {
    /// Builds a block of the candidates that fit, on the store's tip.
    ///
    /// - Throws: faults of this machine only.
    package func build(
        on parent: ChainState, at time: Timestamp, proposer: PublicKey,
        candidates: [(transaction: CheckedTransaction, proof: ScriptProof)]
    ) throws -> BlockAssembly {
        try store.snapshot {
            try BlockAssembly.assemble(
                on: parent, at: time, proposer: proposer, candidates: candidates, source: $0)
        }
    }
}
