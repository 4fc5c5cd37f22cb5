import TimeCoinCore
import TimeCoinStore

/// Judges and builds blocks over snapshots of the store; signatures on as many threads as there are.
struct Judge: Sendable {
    let store: any ChainStoring
    let chain: Hash256
    let proofs: ProofCache

    /// Transactions whose scripts one task verifies.
    private static let chunk = 64

    /// The verdict of every rule on a block; pure but for reading the store.
    ///
    /// - Throws: faults of this machine only.
    func judge(
        _ block: CheckedBlock, on parent: ChainState
    ) async throws -> Result<ExecutedBlock, BlockRejection> {
        do {
            let prepared = try store.snapshot { try PreparedBlock(block, on: parent, outputs: $0) }
            let proofs = try await prove(prepared.transactions)
            return .success(
                try store.snapshot { try ExecutedBlock(prepared, proofs: proofs, commitment: $0) })
        } catch let rejection as BlockRejection {
            return .failure(rejection)
        }
    }

    /// Builds a block of the candidates that fit.
    func build(
        on parent: ChainState, at time: Timestamp, proposer: PublicKey,
        candidates: [(transaction: CheckedTransaction, proof: ScriptProof)]
    ) throws -> BlockAssembly {
        try store.snapshot {
            try BlockAssembly.assemble(
                on: parent, at: time, proposer: proposer, candidates: candidates, source: $0)
        }
    }

    /// Proofs in the order of the transactions. The first one that fails in that order is the one reported,
    /// whatever
    /// finished first.
    private func prove(_ transactions: [SpendableTransaction]) async throws -> [ScriptProof] {
        let chunks = stride(from: 0, to: transactions.count, by: Judge.chunk).map {
            transactions[$0..<min($0 + Judge.chunk, transactions.count)]
        }
        let results = await withTaskGroup(of: (Int, Result<[ScriptProof], BlockRejection>).self) { group in
            for (index, chunk) in chunks.enumerated() {
                group.addTask { (index, prove(chunk: chunk)) }
            }
            return await group.reduce(into: [Int: Result<[ScriptProof], BlockRejection>]()) {
                $0[$1.0] = $1.1
            }
        }
        return try chunks.indices.flatMap { try results[$0]?.get() ?? [] }
    }

    private func prove(
        chunk: ArraySlice<SpendableTransaction>
    ) -> Result<[ScriptProof], BlockRejection> {
        var found: [ScriptProof] = []
        for spendable in chunk {
            do {
                found.append(try proofs.verify(spendable, chain: chain))
            } catch {
                return .failure(BlockRejection(.transaction, "\(spendable.checked.txid): \(error)"))
            }
        }
        return .success(found)
    }
}
