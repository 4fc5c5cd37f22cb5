import Logging
import Synchronization
import Testing
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

/// A store that notes of each write what it had and what was told as final before it; its disk may fail.
private final class NotedStore: ChainStoring {
    struct Write: Equatable {
        let heights: [Height]
        let toldBefore: [Height]
    }

    let memory: MemoryChainStore
    private let events: EventLog
    private let kept = Mutex((writes: [Write](), isBroken: false))

    init(_ memory: MemoryChainStore, _ events: EventLog) {
        self.memory = memory
        self.events = events
    }

    var writes: [Write] { kept.withLock { $0.writes } }
    var instance: UInt64 { memory.instance }
    var tip: Height { (try? memory.snapshot { try $0.tip() })?.height ?? 0 }

    func breakDisk() { kept.withLock { $0.isBroken = true } }

    func snapshot<Result>(_ body: (any ChainReading) throws -> Result) throws -> Result {
        try memory.snapshot(body)
    }

    func commit(_ blocks: [BlockCommit]) throws(StoreFailure) {
        let write = Write(heights: blocks.map(\.height), toldBefore: events.toldHeights)
        let isBroken = kept.withLock { kept in
            kept.writes.append(write)
            return kept.isBroken
        }
        if isBroken { throw StoreFailure(.io, "of a test") }
        try memory.commit(blocks)
    }

    func rollbackTip() throws(StoreFailure) -> ChainTip { try memory.rollbackTip() }
}

extension EventLog {
    fileprivate var toldHeights: [Height] {
        events(from: 1, max: EventLog.eventsMax).events.compactMap {
            if case .block(let header, _, _, _) = $0.content { header.height } else { nil }
        }
    }
}

/// Notes of each signature the tip that was written when it was made.
private final class NotedRecord: SignRecording {
    private let store: NotedStore
    private let kept = Mutex((positions: SignerPositions(), tips: [(height: Height, tip: Height)]()))

    init(_ store: NotedStore) { self.store = store }

    var positions: SignerPositions { kept.withLock { $0.positions } }
    var tips: [(height: Height, tip: Height)] { kept.withLock { $0.tips } }

    func append(_ record: SignerRecord) {
        let tip = store.tip
        kept.withLock {
            $0.positions.note(record)
            $0.tips.append((record.position.height, tip))
        }
    }
}

private final class NotedJournal: ConsensusJournaling {
    private let heights = Mutex<[Height]>([])
    /// Heights of which the block is kept.
    var blocks: [Height] { heights.withLock { $0 } }
    func append(_ entry: JournalEntry, height: Height) {
        if case .value = entry { heights.withLock { $0.append(height) } }
    }
    func sync() {}
    func prune(below height: Height) {}
}

private final class Letters: PeerSending {
    private let messages = Mutex<[WireMessage]>([])

    var requests: [(id: UInt64, start: Height)] {
        messages.withLock { messages in
            messages.compactMap {
                if case .blockRequest(let id, let start, _) = $0 { (id, start) } else { nil }
            }
        }
    }
    var tipsTold: [Height] {
        messages.withLock { $0.compactMap { if case .status(let status) = $0 { status.tip } else { nil } } }
    }

    func send(_ message: WireMessage, to peer: PeerKey) -> Bool {
        messages.withLock { $0.append(message) }
        return true
    }
    func broadcast(_ message: WireMessage, except: PeerKey?) { messages.withLock { $0.append(message) } }
}

/// A member that was away while the others, without it, decided blocks.
private struct Latecomer {
    let source: DatabaseWorld
    let own: SigningKey
    let events = EventLog()
    let store: NotedStore
    let record: NotedRecord
    let journal = NotedJournal()
    let letters = Letters()
    let peer: PeerKey
    var shell: NodeShell
    private let verifier: BlockVerifier
    private let now: Mutable

    private final class Mutable: Sendable {
        private let milliseconds = Mutex<UInt64>(10_000)
        var value: UInt64 { milliseconds.withLock { $0 } }
        func add(_ more: UInt64) { milliseconds.withLock { $0 += more } }
    }

    init(_ source: DatabaseWorld, memory: MemoryChainStore? = nil) throws {
        let world = try source.world.atGenesis
        self.source = source
        let member = world.state.validators.members[3].operatorKey
        own = try #require(world.chain.members.first { $0.publicKey == member })
        peer = try #require(TestChain.key(99)).publicKey
        store = NotedStore(memory ?? world.store, events)
        record = NotedRecord(store)
        verifier = BlockVerifier(store: store, chain: world.chain.genesis.hash)
        let now = Mutable()
        self.now = now
        let encoded = try #require(try store.snapshot { try $0.state() })
        let state = try ChainState(decoding: encoded)
        let due = source.world.state.dueTime(of: source.world.state.slot + 1)
        let parts = NodeShell.Parts(
            store: store, journal: journal, submissions: nil,
            signer: try Signer(secret: own, chain: state.chain, record: record), peers: letters,
            events: events, view: PublishedView(state: state),
            clock: NodeClock {
                Moment(
                    instant: Instant(milliseconds: now.value), clock: due.advanced(byMilliseconds: now.value))
            },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        shell = NodeShell(
            reactor: Reactor(
                state: state, own: own.publicKey, signed: record.positions, secret: .zero,
                settings: Reactor.Settings(), at: Instant(milliseconds: 0)), parts: parts)
        shell.resume()
        for place in 0..<2 {
            let other = world.state.validators.members[place].operatorKey
            shell.deliver(.positionAnswer(member: other, highest: nil))
        }
    }

    /// Hears of a tip, asks for what is missing and is given these blocks; they are not judged yet.
    mutating func receive(_ items: some Sequence<CertifiedBlock>, tip: Height) throws {
        let summary = ConsensusMachine(on: source.world.state, own: nil).summary
        shell.deliver(.peerConnected(peer))
        shell.deliver(
            .status(
                NodeStatus(
                    tip: tip, tipHash: .zero, clock: source.world.state.header.time, round: summary),
                from: peer))
        let request = try #require(letters.requests.last)
        #expect(request.start == shell.reactor.state.height + 1)
        shell.deliver(.blocks(id: request.id, items: Array(items), from: peer))
    }

    /// Does what the shell has asked for, until it asks for nothing more.
    mutating func work() throws {
        while true {
            let jobs = shell.takeJobs()
            if jobs.isEmpty { return }
            for job in jobs { try perform(job) }
        }
    }

    mutating func perform(_ job: CoreJob) throws {
        switch job {
        case .build: break
        case .judge(let block, let parent):
            shell.deliver(.judged(block.hash, try verifier.judgeInTurn(block, on: parent)))
        case .connect(var batch):
            try batch.judgeInTurn(verifier)
            shell.deliver(.connected(batch))
        }
    }

    /// Lets every timeout of the present round pass.
    mutating func waitLong() {
        now.add(60_000)
        shell.pulse()
    }
}

@Suite("A member that was away")
struct CatchingUpTests {
    private func latecomer(blocks: Int) throws -> (Latecomer, [CertifiedBlock]) {
        let source = try DatabaseWorld(blocks: blocks)
        return (try Latecomer(source), try source.certified())
    }

    @Test("S2: blocks at hand are one write each limit, the last alone; each is told once, after its write")
    func writes() throws {
        var (node, items) = try latecomer(blocks: 2 * PendingChain.blocksMax + 1)
        try node.receive(items, tip: Height(items.count))
        #expect(node.shell.reactor.state.height == 0 && node.events.toldHeights.isEmpty)
        try node.work()
        let all = Array(1...Height(items.count))
        let limit = PendingChain.blocksMax
        let parts = [all[..<limit], all[limit..<2 * limit], all[(2 * limit)...]].map { Array($0) }
        #expect(
            node.store.writes
                == zip(parts, [0, limit, 2 * limit]).map {
                    .init(heights: $0, toldBefore: Array(all[..<$1]))
                })
        #expect(node.events.toldHeights == all)
        #expect(node.shell.reactor.state == node.source.world.state && node.shell.fault == nil)
        // What is written with its certificate needs no journal; a single block is the machine's.
        #expect(node.journal.blocks == all.suffix(1))
    }

    @Test("S2: at the tip a block is a write of its own")
    func atTheTip() throws {
        var (node, items) = try latecomer(blocks: 3)
        for (place, item) in items.enumerated() {
            try node.receive([item], tip: Height(place + 1))
            try node.work()
            node.waitLong()
        }
        #expect(node.store.writes.map(\.heights) == [[1], [2], [3]])
    }

    @Test("K12: nothing is signed above what is written, and no peer hears of a tip that is not")
    func signing() throws {
        var (node, items) = try latecomer(blocks: 5)
        node.waitLong()
        try node.receive(items, tip: 5)
        // While the blocks are judged the member still stands at the height below.
        node.waitLong()
        #expect(!node.record.tips.isEmpty && node.record.tips.allSatisfy { $0.height == 1 })
        #expect(node.letters.tipsTold.allSatisfy { $0 == 0 })
        try node.work()
        #expect(node.shell.reactor.state.height == 5 && node.store.tip == 5)
        for _ in 0..<3 { node.waitLong() }
        #expect(node.record.tips.contains { $0.height == 6 })
        #expect(node.record.tips.allSatisfy { $0.height == $0.tip + 1 }, "\(node.record.tips)")
    }

    @Test("a certified block that is invalid stops the signing; the good ones before it are written")
    func badBlock() throws {
        var (node, items) = try latecomer(blocks: 6)
        items[3] = try node.source.invalid(at: 4)
        try node.receive(items, tip: 6)
        try node.work()
        #expect(node.store.writes.map(\.heights) == [[1, 2, 3]])
        #expect(node.events.toldHeights == [1, 2, 3])
        #expect(node.shell.reactor.state.height == 3)
        #expect(node.shell.reactor.signingStopped?.contains("invalid") == true)
        #expect(node.shell.fault == nil)
    }

    @Test("S3: when the disk fails nothing is told or signed any more, and no write is tried again")
    func brokenDisk() throws {
        var (node, items) = try latecomer(blocks: 20)
        try node.receive(items, tip: 20)
        node.store.breakDisk()
        try node.work()
        #expect((node.shell.fault as? StoreFailure)?.code == .io)
        let signed = node.record.tips.count
        for _ in 0..<3 { node.waitLong() }
        try node.work()
        #expect(node.store.writes.count == 1)
        #expect(node.events.toldHeights.isEmpty && node.shell.reactor.state.height == 0)
        #expect(node.record.tips.count == signed)
    }

    @Test("a crash loses what was not written, and only that: it is fetched again")
    func crash() throws {
        var (node, items) = try latecomer(blocks: 20)
        try node.receive(items, tip: 20)
        for job in node.shell.takeJobs() { try node.perform(job) }
        // The first write is done, the blocks of the second are being judged.
        #expect(node.store.tip == 16)
        #expect(!node.shell.takeJobs().isEmpty)
        var again = try Latecomer(node.source, memory: node.store.memory)
        #expect(again.shell.reactor.state.height == 16)
        try again.receive(items.dropFirst(16), tip: 20)
        try again.work()
        #expect(again.store.writes.map(\.heights) == [[17, 18, 19, 20]])
        #expect(again.shell.reactor.state == node.source.world.state)
    }

    @Test("a height decided here while fetched blocks are judged is a write of its own; they begin anew")
    func decidedMeanwhile() throws {
        var (node, items) = try latecomer(blocks: 5)
        try node.receive(items, tip: 5)
        let waiting = node.shell.takeJobs()
        node.shell.deliver(.certificate(items[0].certificate))
        node.shell.deliver(.value(items[0].block))
        let judging = node.shell.takeJobs()
        #expect(judging.count == 1)
        for job in judging { try node.perform(job) }
        #expect(node.store.writes.map(\.heights) == [[1]])
        for job in waiting { try node.perform(job) }
        try node.work()
        #expect(node.store.writes.map(\.heights) == [[1], [2, 3, 4, 5]])
        #expect(node.events.toldHeights == [1, 2, 3, 4, 5] && node.shell.fault == nil)
    }

    @Test("K14: a fetched block with a signature of the own key that this signer never made stops it")
    func foreignSignature() throws {
        var (node, items) = try latecomer(blocks: 3)
        let block = items[1].block
        items[1] = try CertifiedBlock(
            block,
            certificate: try node.source.world.certificate(of: block.hash, at: 2, signers: [0, 1, 3]),
            validators: node.source.world.state.validators, chain: node.source.world.chain.genesis.hash)
        try node.receive(items, tip: 3)
        try node.work()
        #expect(node.shell.reactor.signingStopped?.contains("block 2") == true)
        #expect(node.shell.reactor.state.height == 3)
    }

    @Test("while blocks are judged and written the next ones are asked for, one answer ahead")
    func ahead() throws {
        var (node, items) = try latecomer(blocks: 5)
        try node.receive(items.prefix(2), tip: 200)
        #expect(node.letters.requests.map(\.start) == [1, 3])
        let request = try #require(node.letters.requests.last)
        node.shell.deliver(.blocks(id: request.id, items: Array(items[2..<5]), from: node.peer))
        // Two answers wait: no third is asked for before the first is written.
        #expect(node.letters.requests.count == 2)
        for job in node.shell.takeJobs() { try node.perform(job) }
        #expect(node.letters.requests.map(\.start) == [1, 3, 6])
        try node.work()
        #expect(node.store.writes.map(\.heights) == [[1, 2], [3, 4, 5]])
    }
}
