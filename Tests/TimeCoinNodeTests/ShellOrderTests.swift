import Logging
import Synchronization
import Testing
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinTesting

@testable import TimeCoinNode
@testable import TimeCoinStore

/// What a shell did to the world, in order.
private final class Deeds: Sendable {
    enum Deed: Equatable {
        case journal
        case sync
        case record
        case sent
    }

    private let done = Mutex<[Deed]>([])
    var all: [Deed] { done.withLock { $0 } }
    func add(_ deed: Deed) { done.withLock { $0.append(deed) } }
}

private final class NotedJournal: ConsensusJournaling {
    let deeds: Deeds
    init(_ deeds: Deeds) { self.deeds = deeds }
    func append(_ entry: JournalEntry, height: Height) { deeds.add(.journal) }
    func sync() { deeds.add(.sync) }
    func prune(below height: Height) {}
}

private final class NotedRecord: SignRecording {
    private struct Full: Error {}

    let deeds: Deeds
    let isFull: Bool
    private let kept = Mutex(SignerPositions())

    init(_ deeds: Deeds, isFull: Bool) {
        self.deeds = deeds
        self.isFull = isFull
    }

    var positions: SignerPositions { kept.withLock { $0 } }
    func append(_ record: SignerRecord) throws {
        if isFull { throw Full() }
        deeds.add(.record)
        kept.withLock { $0.note(record) }
    }
}

private final class NotedPeers: PeerSending {
    let deeds: Deeds
    init(_ deeds: Deeds) { self.deeds = deeds }
    func send(_ message: WireMessage, to peer: PeerKey) -> Bool { true }
    func broadcast(_ message: WireMessage, except: PeerKey?) {
        switch message {
        case .vote, .proposal: deeds.add(.sent)
        default: break
        }
    }
}

@Suite("What is durable before what is said")
struct ShellOrderTests {
    /// A shell of the first member, when the first slot falls due.
    private func shell(
        _ world: World, _ deeds: Deeds, isRecordFull: Bool = false, care: DatabaseCare? = nil
    ) throws -> NodeShell {
        let record = NotedRecord(deeds, isFull: isRecordFull)
        let key = world.chain.members[0]
        let moment = Moment(instant: Instant(milliseconds: 9000), clock: world.state.dueTime(of: 1))
        let signer = try Signer(secret: key, chain: world.state.chain, record: record)
        var parts = NodeShell.Parts(
            store: world.store, journal: NotedJournal(deeds), submissions: nil, signer: signer,
            peers: NotedPeers(deeds), events: EventLog(), view: PublishedView(state: world.state),
            clock: NodeClock { moment }, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        parts.care = care
        return NodeShell(
            reactor: Reactor(
                state: world.state, own: key.publicKey, signed: record.positions, secret: .zero,
                settings: Reactor.Settings(), at: Instant(milliseconds: 0)), parts: parts)
    }

    /// The only member of a chain decides its first block.
    private func decide(
        isRecordFull: Bool, care: DatabaseCare? = nil
    ) throws -> (deeds: [Deeds.Deed], shell: NodeShell) {
        let world = try World(weights: [1])
        let deeds = Deeds()
        let key = world.chain.members[0]
        var shell = try shell(world, deeds, isRecordFull: isRecordFull, care: care)
        shell.resume()
        for job in shell.takeJobs() {
            guard case .build(let parent, let time, let candidates, let round) = job else { continue }
            let assembly = try world.verifier.build(
                on: parent, at: time, proposer: key.publicKey, candidates: candidates)
            shell.deliver(.built(assembly, height: 1, round: round))
        }
        return (deeds.all, shell)
    }

    @Test("K12: the journal is durable before a signature is made, the record before it is sent")
    func order() throws {
        let (deeds, shell) = try decide(isRecordFull: false)
        #expect(shell.reactor.state.height == 1)
        #expect(deeds.count { $0 == .record } == 3, "a proposal and two votes")
        #expect(deeds.count { $0 == .sent } == 3)
        var isDurable = true
        var recorded = 0
        for deed in deeds {
            switch deed {
            case .journal: isDurable = false
            case .sync: isDurable = true
            case .record:
                #expect(isDurable, "signed before the journal was durable: \(deeds)")
                recorded += 1
            case .sent:
                recorded -= 1
                #expect(recorded >= 0, "sent before it was recorded: \(deeds)")
            }
        }
    }

    @Test("K12: a signature that cannot be recorded leaves in no message, and nothing is signed any more")
    func recordFull() throws {
        let (deeds, shell) = try decide(isRecordFull: true)
        #expect(shell.fault != nil)
        #expect(!deeds.contains(.sent) && !deeds.contains(.record))
    }

    // MARK: - Care

    private func care(_ chain: StoredChain, _ store: ChainStore) -> DatabaseCare {
        DatabaseCare(
            store: store, directory: NodeDirectory(dataDirectory: chain.directory, network: .local),
            genesis: chain.genesisState, events: EventLog(), peers: NotedPeers(Deeds()), recoveries: [],
            logger: Logger(label: "care") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test("S9: while what the vote reads is damaged nothing is signed, and nothing is sent")
    func unfit() throws {
        let chain = try StoredChain(blocks: 4)
        let store = try chain.store()
        let care = care(chain, store)
        let fit = try decide(isRecordFull: false, care: care)
        #expect(fit.deeds.count { $0 == .sent } == 3)
        try store.damage("state") { transaction, table throws(StoreFailure) in
            _ = try transaction.flip(table, ChainTables.stateKey)
        }
        #expect(!care.mend(StoreFailure.corrupt("state", ChainTables.stateKey.bytes, "flipped")))
        #expect(!care.isFitToVote)
        let (deeds, shell) = try decide(isRecordFull: false, care: care)
        #expect(!deeds.contains(.record) && !deeds.contains(.sent))
        #expect(shell.reactor.state.height == 0)
        // It is no fault of the shell: blocks that others decide are taken.
        #expect(shell.fault == nil)
    }

    @Test(
        "a certified block that this node finds invalid: it signs no more, and verifies its whole database",
        .timeLimit(.minutes(1)))
    func certifiedInvalid() async throws {
        let chain = try StoredChain(blocks: 4)
        let care = care(chain, try chain.store())
        let world = try World()
        var shell = try shell(world, Deeds(), care: care)
        shell.resume()
        let block = try #require(try world.build([], at: world.state.dueTime(of: 1))).block
        let certificate = try VerifiedCertificate(
            try world.certificate(of: block.hash, at: 1, signers: [1, 2, 3]),
            validators: world.state.validators, chain: world.state.chain)
        shell.deliver(.certificate(certificate))
        shell.deliver(.value(block))
        let isJudged = shell.takeJobs().contains { job in
            if case .judge(let judged, _) = job { judged.hash == block.hash } else { false }
        }
        #expect(isJudged)
        #expect(shell.reactor.signingStopped == nil)
        #expect(!care.state.withLock { $0.isVerificationWanted })
        shell.deliver(.judged(block.hash, .failure(BlockRejection(.supply, "of a test"))))
        #expect(shell.reactor.signingStopped != nil)
        #expect(shell.reactor.state.height == 0)
        #expect(care.state.withLock { $0.isVerificationWanted })
        // The scrub does it before anything else.
        async let _ = care.scrub()
        while care.report.verified == nil, !Task.isCancelled { await Task.yield() }
        #expect(care.report.verified == true)
    }
}
