import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

/// Keeps what would be sent, for a test to look at.
private final class SentMessages: PeerSending {
    private let messages = Mutex<[WireMessage]>([])

    var blockRequests: [(id: UInt64, start: Height)] {
        messages.withLock { messages in
            messages.compactMap {
                if case .blockRequest(let id, let start, _) = $0 { (id, start) } else { nil }
            }
        }
    }

    func send(_ message: WireMessage, to peer: PeerKey) -> Bool {
        messages.withLock { $0.append(message) }
        return true
    }
    func broadcast(_ message: WireMessage, except: PeerKey?) { messages.withLock { $0.append(message) } }
}

private final class NoJournal: ConsensusJournaling {
    func append(_ entry: JournalEntry, height: Height) {}
    func sync() {}
    func prune(below height: Height) {}
}

/// Keeps the lines that a node logs.
private struct LogLines: LogHandler {
    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    final class Lines: Sendable {
        private let kept = Mutex<[String]>([])
        var all: [String] { kept.withLock { $0 } }
        func add(_ line: String) { kept.withLock { $0.append(line) } }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        lines.add("\(event.message) \(event.metadata ?? [:])")
    }
}

/// A node without a vote that is given a chain by a peer.
private struct Follower {
    let core: NodeCore
    let ingress: PeerIngress
    let sent = SentMessages()
    let log = LogLines.Lines()
    let store: MemoryChainStore
    let events = EventLog()
    let peer: PeerKey
    private let moment: Moment
    private let summary: RoundSummary

    init(_ world: World, group: MultiThreadedEventLoopGroup) throws {
        let genesis = world.chain.genesis
        store = MemoryChainStore(chain: genesis.hash)
        try store.commit([BlockCommit(genesis.block, change: genesis.change, certificate: [])])
        peer = try #require(TestChain.key(99)).publicKey
        let moment = Moment(instant: Instant(milliseconds: 1000), clock: genesis.state.header.time)
        self.moment = moment
        summary = ConsensusMachine(on: genesis.state, own: nil).summary
        let lines = log
        let logger = Logger(label: "test") { _ in LogLines(lines: lines) }
        let view = PublishedView(state: genesis.state)
        core = NodeCore(
            reactor: Reactor(
                state: genesis.state, own: nil, signed: nil, secret: .zero, settings: Reactor.Settings(),
                at: Instant(milliseconds: 0)),
            parts: NodeCore.Parts(
                store: store, journal: NoJournal(), submissions: nil, signer: nil, peers: sent,
                events: events, view: view,
                clock: NodeClock { moment }, logger: logger),
            loop: group.next())
        ingress = PeerIngress(
            core: core, view: view, store: store,
            intake: TransactionIntake(
                core: core, resolver: TransactionResolver(store: store, faults: FaultReport(events)),
                proofs: ProofCache(), events: events, chain: genesis.hash),
            signer: nil, clock: NodeClock { moment }, peers: PeerLink(), faults: FaultReport(events),
            records: ForkRecords(store: store, archive: nil, journal: nil),
            logger: logger)
    }

    /// Learns of a peer's tip, asks it for blocks, and is given these.
    func receive(_ items: [EncodedCertifiedBlock], tip: Height) async throws {
        await core.deliver(.peerConnected(peer))
        await core.deliver(
            .status(NodeStatus(tip: tip, tipHash: .zero, clock: moment.clock, round: summary), from: peer))
        await core.deliver(.tick)
        let request = try #require(sent.blockRequests.last)
        let message = WireMessage.blocks(id: request.id, start: request.start, items: items.map(\.encoded))
        await ingress.received(type: message.type.rawValue, payload: message.payload, from: peer)
    }

    var height: Height {
        get throws { try store.snapshot { try $0.tip()?.height ?? 0 } }
    }
}

@Suite("A chain from a stranger")
struct SyncedChainTests {
    /// A block with a payment, and what a peer sends of it.
    private func block(_ world: World) throws -> ExecutedBlock {
        let admission = try world.admission(try world.payment(0))
        return try #require(try world.build([admission], at: world.state.dueTime(of: 1)))
    }

    private func follow(
        _ world: World, _ items: [EncodedCertifiedBlock], _ body: (Follower) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let follower = try Follower(world, group: group)
        let verifier = BlockVerifier(
            store: follower.store, chain: world.chain.genesis.hash, proofs: ProofCache())
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await follower.core.work(verifier, proposer: nil) }
            try await follower.receive(items, tip: 1)
            try await body(follower)
            await follower.core.stop()
            try await tasks.waitForAll()
        }
        try await group.shutdownGracefully()
    }

    @Test("K2: each class of what a peer says of the height being decided is counted, a stranger's is not")
    func counted() async throws {
        let world = try World()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let follower = try Follower(world, group: group)
        func receive(_ message: WireMessage) async {
            await follower.ingress.received(
                type: message.type.rawValue, payload: message.payload, from: follower.peer)
        }
        func signed(_ place: Int, _ round: Round, _ value: Hash256? = nil) throws -> SignedVote {
            let key = place < 4 ? world.chain.members[place] : try #require(TestChain.key(98))
            let vote = Vote(type: .prevote, height: 1, round: round, value: value)
            return SignedVote(
                vote: vote, member: key.publicKey,
                signature: key.sign(vote.signedBytes(chain: world.state.votingChain)))
        }
        func summary() async -> RoundSummary { await follower.core.read { $0.machine.summary } }
        await receive(.vote(try signed(4, 0)))
        #expect(await summary().prevotes == [0])
        await receive(.vote(try signed(0, 0)))
        #expect(await summary().prevotes != [0])
        let block = try block(world).block
        let proposer = await follower.core.read { $0.machine.proposer(of: 0) }
        let key = try #require(world.chain.members.first { $0.publicKey == proposer })
        let proposal = Proposal(height: 1, round: 0, value: block.hash, validRound: nil)
        let signature = key.sign(proposal.signedBytes(chain: world.state.votingChain))
        await receive(
            .proposal(
                SignedProposal(proposal: proposal, proposer: proposer, signature: signature),
                CompactBlock(block)))
        #expect(await summary().hasProposal)
        let votes = try (0..<2).map { try signed($0, 3) }
        await receive(.roundCertificate(RoundCertificate(height: 1, round: 3, votes: votes)))
        #expect(await summary().round == 3)
        let polka = try (0..<3).map {
            let vote = try signed($0, 5, block.hash)
            return try #require(
                VerifiedVote(vote, validators: world.state.validators, chain: world.state.votingChain))
        }
        let certificate = Certificate(.polka, of: polka, validators: world.state.validators)
        await receive(.certificate(try #require(certificate)))
        #expect(await summary().polkaRound == 5)
        try await group.shutdownGracefully()
    }

    @Test("a good block with its certificate is executed and becomes the tip")
    func good() async throws {
        let world = try World()
        let block = try block(world)
        let certificate = try world.certificate(of: block.block.hash, at: 1, signers: [0, 1, 3])
        let item = EncodedCertifiedBlock(block: block.block.encoded, certificate: certificate.encoded)
        try await follow(world, [item]) { follower in
            await follower.events.wait(for: 1)
            let height = try follower.height
            #expect(height == 1)
            let hash = try follower.store.snapshot { try $0.hash(at: 1) }
            #expect(hash == block.block.hash)
        }
    }

    @Test(
        "a vote too few, a wrong signature, other members, a foreign certificate, another payment: refused",
        arguments: Fault.allCases)
    func refused(fault: Fault) async throws {
        let world = try World()
        let block = try block(world)
        let item = try fault.applied(to: block.block, world)
        try await follow(world, [item]) { follower in
            let height = try follower.height
            #expect(height == 0)
            let lines = follower.log.all.filter { $0.contains("refused a synced block") }
            #expect(lines.count == 1 && lines.first?.contains(fault.reason) == true, "\(lines)")
        }
    }

    enum Fault: CaseIterable {
        case voteTooFew
        case wrongSignature
        case otherMembers
        case foreignCertificate
        case alteredPayment

        var reason: String {
            switch self {
            case .voteTooFew: CertificateRejection.tooLittleWeight.rawValue
            case .wrongSignature, .otherMembers: CertificateRejection.badSignature.rawValue
            case .foreignCertificate: "certificate-of-another-block"
            case .alteredPayment: BlockRejection.Rule.transactionRoot.rawValue
            }
        }

        fileprivate func applied(to block: CheckedBlock, _ world: World) throws -> EncodedCertifiedBlock {
            let good = try world.certificate(of: block.hash, at: 1, signers: [0, 1, 2])
            switch self {
            case .voteTooFew:
                let few = try world.certificate(of: block.hash, at: 1, signers: [0, 2])
                return EncodedCertifiedBlock(block: block.encoded, certificate: few.encoded)
            case .wrongSignature:
                var signatures = good.signatures
                signatures.swapAt(0, 1)
                let wrong = Certificate(
                    kind: good.kind, height: good.height, round: good.round, value: good.value,
                    bitmap: good.bitmap, signatures: signatures, validRounds: [])
                return EncodedCertifiedBlock(block: block.encoded, certificate: wrong.encoded)
            case .otherMembers:
                // Four others, of the same weights, have really signed it.
                let members = try (50..<54 as Range<UInt8>).map { try #require(TestChain.key($0)) }
                let set = try ValidatorSet(members.map { Member(operatorKey: $0.publicKey, weight: 1) })
                let votes = try members.prefix(3).map { member in
                    let vote = Vote(type: .precommit, height: 1, round: 0, value: block.hash)
                    let signature = member.sign(vote.signedBytes(chain: world.state.chain))
                    return try #require(
                        VerifiedVote(
                            SignedVote(vote: vote, member: member.publicKey, signature: signature),
                            validators: set, chain: world.state.chain))
                }
                let other = try #require(Certificate(.commit, of: votes, validators: set))
                return EncodedCertifiedBlock(block: block.encoded, certificate: other.encoded)
            case .foreignCertificate:
                let other = try world.certificate(
                    of: Blake2b.hash256(.block, [1]), at: 1, signers: [0, 1, 2])
                return EncodedCertifiedBlock(block: block.encoded, certificate: other.encoded)
            case .alteredPayment:
                let other = try world.payment(1)
                let altered = Block(
                    header: block.header,
                    transactions: block.transactions.dropLast().map(\.transaction) + [other.transaction])
                return EncodedCertifiedBlock(block: altered.encoded, certificate: good.encoded)
            }
        }
    }
}
