import TimeCoinConsensus
package import TimeCoinCore
import TimeCoinStore

/// Blocks with their commit certificates that follow a tip and are written in one transaction: one that was
/// decided here, or several that were fetched and are judged each on the one before.
///
/// Nothing of it is final before it is written; until then the chain ends with its parent for everybody.
package struct BlockBatch: Sendable {
    /// After which no further block is judged before what was judged is written. Unit: milliseconds.
    package static let judgingMax: UInt64 = 1000

    /// The tip that the first block follows.
    package let parent: ChainState
    /// What was judged, in height order, with the rounds of the certificates.
    package private(set) var judged: [(block: ExecutedBlock, round: Round)] = []
    private var certified: ArraySlice<CertifiedBlock>
    private var pending = PendingChain()

    /// - Parameter certified: in height order, the first on `parent`; none is judged yet.
    package init(_ certified: some Sequence<CertifiedBlock>, on parent: ChainState) {
        self.parent = parent
        self.certified = Array(certified)[...]
    }

    /// A block that was decided and judged here.
    init(_ block: ExecutedBlock, certificate: Certificate, on parent: ChainState) {
        self.parent = parent
        certified = []
        append(block, certificate)
    }

    /// What the store writes.
    var commits: [BlockCommit] { pending.commits }

    /// The block that is to be judged next; `nil` when nothing is left, or it is time to write.
    var next: CheckedBlock? { pending.isFull ? nil : certified.first?.block }

    /// Takes the verdict on ``next``. One that is refused ends the batch: the blocks before it are kept.
    mutating func take(_ verdict: Result<ExecutedBlock, BlockRejection>) {
        guard let certified = certified.popFirst() else { return }
        guard case .success(let block) = verdict, append(block, certified.certificate.certificate) else {
            self.certified = []
            return
        }
    }

    @discardableResult
    private mutating func append(_ block: ExecutedBlock, _ certificate: Certificate) -> Bool {
        guard pending.append(block, certificate: certificate.encoded) else { return false }
        judged.append((block, certificate.round))
        return true
    }

    /// Judges on all cores what one write takes.
    ///
    /// - Throws: faults of this machine only.
    package mutating func judge(_ verifier: BlockVerifier, clock: NodeClock) async throws {
        let end = clock.moment.instant.advanced(byMilliseconds: BlockBatch.judgingMax)
        while let block = next {
            take(try await verifier.judge(block, on: pending.state ?? parent, after: pending))
            if clock.moment.instant >= end { return }
        }
    }

    /// The same verdicts, one piece after the other on this thread.
    package mutating func judgeInTurn(_ verifier: BlockVerifier) throws {
        while let block = next {
            take(try verifier.judgeInTurn(block, on: pending.state ?? parent, after: pending))
        }
    }
}
