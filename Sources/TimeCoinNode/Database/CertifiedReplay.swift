import TimeCoinCore
import TimeCoinStore

/// Takes certified blocks one after the other, verifies each with every rule that the node knows (form,
/// certificate of the set of its height, spending, scripts, state root), and writes several of them in one
/// transaction.
struct CertifiedReplay {
    /// Why a block is refused.
    struct Rejection: Error, CustomStringConvertible {
        let height: Height
        let reason: String

        var description: String { "block \(height): \(reason)" }
    }

    private let store: any ChainStoring
    private let verifier: BlockVerifier
    private let recoveries: [VerifiedRecovery]
    /// After the last block taken, written or not.
    private(set) var state: ChainState
    private var pending = PendingChain()

    /// - Parameters:
    ///   - tip: the state after the tip of the store.
    ///   - recoveries: that the operator follows, in their order.
    init(
        _ store: any ChainStoring, tip: ChainState, recoveries: [VerifiedRecovery]
    ) throws(RecoveryRejection) {
        self.store = store
        self.recoveries = recoveries
        verifier = BlockVerifier(store: store, chain: tip.chain)
        state = tip
        for recovery in recoveries { state = try state.following(recovery) }
    }

    /// Verifies the next block; it is written when enough have come, or by ``flush()``.
    ///
    /// - Throws: ``Rejection`` for what is wrong with it, with nothing changed; faults of this machine.
    mutating func take(_ stored: StoredBlock) async throws {
        let height = state.height + 1
        do {
            let block = try await BlockVerifier.check(decoding: stored.block)
            try check(block, at: height)
            let certified = try CertifiedBlock(
                block, certificate: try Certificate(decoding: stored.certificate),
                validators: state.validators, chain: state.votingChain)
            let executed = try await verifier.judge(certified.block, on: state, after: pending).get()
            var next = executed.change.state
            for recovery in recoveries { next = try next.following(recovery) }
            guard pending.append(executed, certificate: stored.certificate) else {
                throw Rejection(height: height, reason: "it does not follow the block before")
            }
            state = next
        } catch let rejection as BlockRejection {
            throw Rejection(height: height, reason: "\(rejection)")
        } catch let rejection as CertifiedBlockRejection {
            throw Rejection(height: height, reason: "\(rejection)")
        } catch let failure as DecodingFailure {
            throw Rejection(height: height, reason: "its certificate cannot be read: \(failure)")
        }
        if pending.isFull { try flush() }
    }

    /// Writes what was taken; durable on return.
    mutating func flush() throws {
        guard !pending.isEmpty else { return }
        try store.commit(pending.commits)
        pending = PendingChain()
    }

    private func check(_ block: CheckedBlock, at height: Height) throws(Rejection) {
        let header = block.header
        guard header.height == height, header.previous == state.headerHash else {
            throw Rejection(
                height: height,
                reason: "it names height \(header.height) and follows \(header.previous), "
                    + "the block before is \(state.headerHash)")
        }
        // Of a branch that a recovery has left nothing is taken.
        guard let vote = recoveries.first(where: { $0.fork.anchor.chain == state.votingChain })?.vote else {
            return
        }
        let isLeft =
            height == vote.height && block.hash != vote.branch
            || height == vote.lastHeight && block.hash != vote.lastHash || height > vote.lastHeight
        guard !isLeft else {
            throw Rejection(height: height, reason: "it is of a branch that the followed recovery has left")
        }
    }
}
