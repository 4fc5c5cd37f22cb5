public import TimeCoinCore
public import TimeCoinStore

/// Judges blocks on all cores: transactions and scripts in pieces, and the new state beside them.
///
/// The verdict and its reason do not depend on how many threads there are or on which of them is first: what
/// the serial part refuses comes first, then the first script in the order of the block, then the state. The
/// pool is that of Swift's tasks, which has as many threads as the machine has cores.
public struct BlockVerifier: Sendable {
    /// Transactions whose scripts one task runs.
    static let scriptsPerTask = 64

    private typealias Piece = (place: Int, result: Result<[ScriptProof], BlockRejection>)

    let store: any ChainStoring
    private let chain: Hash256
    private let proofs: ProofCache

    /// - Parameters:
    ///   - store: whose snapshots hold the parent's outputs and commitment.
    ///   - chain: hash of the genesis block.
    public init(store: any ChainStoring, chain: Hash256) {
        self.init(store: store, chain: chain, proofs: ProofCache())
    }

    package init(store: any ChainStoring, chain: Hash256, proofs: ProofCache) {
        self.store = store
        self.chain = chain
        self.proofs = proofs
    }

    /// Checks every rule that can be judged without the state.
    public static func check(decoding bytes: [UInt8]) async throws(BlockRejection) -> CheckedBlock {
        let block = try UncheckedBlock(decoding: bytes)
        typealias Checked = (place: Int, result: Result<TransactionRun, BlockRejection>)
        let runs = await withTaskGroup(of: Checked.self) { group in
            for place in 0..<block.runCount {
                group.addTask { (place, Result { () throws(BlockRejection) in try block.checkedRun(place) }) }
            }
            return await group.reduce(into: [Checked]()) { $0.append($1) }
        }
        var sorted: [TransactionRun] = []
        for run in runs.sorted(by: { $0.place < $1.place }) {
            sorted.append(try run.result.get())
        }
        return try CheckedBlock(header: block.header, runs: sorted)
    }

    /// The verdict of every rule on a block; nothing is written.
    ///
    /// - Parameters:
    ///   - parent: the state after the store's tip, or after the last of the pending blocks.
    ///   - pending: judged blocks that follow the store's tip and are not written yet.
    /// - Throws: faults of this machine only.
    public func judge(
        _ block: CheckedBlock, on parent: ChainState, after pending: PendingChain = PendingChain()
    ) async throws -> Result<ExecutedBlock, BlockRejection> {
        do {
            return .success(try await execute(block, on: parent, after: pending))
        } catch let rejection as BlockRejection {
            return .failure(rejection)
        }
    }

    /// The same verdict, one piece after the other on this thread.
    package func judgeInTurn(
        _ block: CheckedBlock, on parent: ChainState, after pending: PendingChain = PendingChain()
    ) throws -> Result<ExecutedBlock, BlockRejection> {
        do {
            var runs: [[SpendableTransaction]] = []
            let prepared = try prepare(block, on: parent, after: pending) { _, transactions in
                runs.append(transactions)
            }
            let transition = Result { () throws(any Error) in
                try store.snapshot { try StateTransition(of: prepared, commitment: pending.over($0)) }
            }
            let proofs = try runs.flatMap { try prove($0).get() }
            return .success(
                try ExecutedBlock(prepared, proofs: proofs, transition: try transition.get()))
        } catch let rejection as BlockRejection {
            return .failure(rejection)
        }
    }

    private func execute(
        _ block: CheckedBlock, on parent: ChainState, after pending: PendingChain
    ) async throws -> ExecutedBlock {
        try await withThrowingTaskGroup(of: Piece.self) { group in
            let prepared = try prepare(block, on: parent, after: pending) { place, transactions in
                group.addTask { (place, prove(transactions)) }
            }
            // The new state does not depend on the scripts, so it is computed while they run.
            let transition = Result { () throws(any Error) in
                try store.snapshot { try StateTransition(of: prepared, commitment: pending.over($0)) }
            }
            let pieces = try await group.reduce(into: [Piece]()) { $0.append($1) }
            let proofs = try pieces.sorted { $0.place < $1.place }.flatMap { try $0.result.get() }
            return try ExecutedBlock(prepared, proofs: proofs, transition: try transition.get())
        }
    }

    /// Resolves inputs, and hands out their scripts while it goes on.
    private func prepare(
        _ block: CheckedBlock, on parent: ChainState, after pending: PendingChain,
        handing out: (Int, [SpendableTransaction]) -> Void
    ) throws -> PreparedBlock {
        var preparation = try BlockPreparation(block, on: parent)
        var place = 0
        return try store.snapshot { reader in
            let outputs = pending.over(reader)
            while true {
                let next = try preparation.next(BlockVerifier.scriptsPerTask, outputs: outputs)
                if let prepared = preparation.finish(), next.isEmpty { return prepared }
                out(place, next)
                place += 1
            }
        }
    }

    private func prove(
        _ transactions: [SpendableTransaction]
    ) -> Result<[ScriptProof], BlockRejection> {
        var found: [ScriptProof] = []
        found.reserveCapacity(transactions.count)
        for spendable in transactions {
            do {
                found.append(try proofs.verify(spendable, chain: chain))
            } catch {
                return .failure(BlockRejection(.transaction, "\(spendable.checked.txid): \(error)"))
            }
        }
        return .success(found)
    }
}
