import DequeModule
import Logging
import NIOCore
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinStore

/// Sends to peers; the network, or a simulation of it.
protocol PeerSending: Sendable {
    /// Whether the message is on its way; a peer that reads slowly is sent no more transactions.
    @discardableResult
    func send(_ message: WireMessage, to peer: PeerKey) -> Bool
    func broadcast(_ message: WireMessage, except: PeerKey?)
}

/// What the core asks to have done beside its own thread; each comes back as an event.
enum CoreJob: Sendable {
    case build(
        parent: ChainState, time: Timestamp,
        candidates: [(transaction: CheckedTransaction, proof: ScriptProof)],
        round: Round)
    case judge(CheckedBlock, parent: ChainState)
}

/// The shell around the reactor: one thread, on which effects are executed in their order.
///
/// Store writes, journal and signatures happen here; nothing of it crosses an `await`. Timers are deadlines
/// that a
/// pulse compares with the clock.
actor NodeCore {
    /// Jobs that wait at most; one to build and one to judge is all that a height ever asks for, plus
    /// catching up.
    static let jobsMax = 64
    /// Between two pulses, milliseconds.
    static let pulseInterval: UInt64 = 5
    /// Heights of which the journal keeps everything; older segments go.
    static let journalHeights: Height = 10_000
    /// Heights between two looks at what the journal may let go.
    private static let pruneInterval: Height = 100
    /// Between two ticks of the reactor, milliseconds.
    private static let tickInterval: UInt64 = 100

    nonisolated let unownedExecutor: UnownedSerialExecutor
    nonisolated let jobs: AsyncStream<CoreJob>
    private let jobSink: AsyncStream<CoreJob>.Continuation

    private(set) var reactor: Reactor
    let parts: Parts
    private var queue = Deque<ReactorEvent>()
    private var isRunning = false
    private var timers: [ArmedTimer: Instant] = [:]
    private var wakeAt: Timestamp?
    private var tickAt = Instant(milliseconds: 0)
    var gossip = TransactionGossip()
    private var offerAt = Instant(milliseconds: 0)
    private var isResubmitted = false
    /// The first fault of this machine; after it nothing is signed or written.
    private(set) var fault: (any Error)?

    /// What the core works with.
    struct Parts: Sendable {
        let store: any ChainStoring
        let journal: any ConsensusJournaling
        let submissions: (any SubmissionRecording)?
        let signer: Signer?
        let peers: any PeerSending
        let events: EventLog
        let view: PublishedView
        let clock: NodeClock
        let logger: Logger
    }

    init(reactor: Reactor, parts: Parts, loop: any EventLoop) {
        self.reactor = reactor
        self.parts = parts
        unownedExecutor = loop.executor.asUnownedSerialExecutor()
        (jobs, jobSink) = AsyncStream.makeStream(
            of: CoreJob.self, bufferingPolicy: .bufferingOldest(NodeCore.jobsMax))
        parts.view.publish(reactor)
    }

    /// Begins; to be called once before anything else.
    func resume() {
        execute(reactor.resume(at: parts.clock.moment))
        drain()
    }

    /// Hands in one event. Awaiting it is the back-pressure on whoever has it.
    func deliver(_ event: ReactorEvent) {
        switch event {
        case .peerConnected(let peer): gossip.connected(peer, waiting: reactor.mempool.names())
        case .peerGone(let peer): gossip.gone(peer)
        default: break
        }
        queue.append(event)
        drain()
    }

    /// Compares deadlines with the clocks.
    func pulse() {
        let now = parts.clock.moment
        for (timer, deadline) in timers where deadline <= now.instant {
            timers[timer] = nil
            queue.append(.timeout(timer.timeout, height: timer.height))
        }
        if let wake = wakeAt, wake <= now.clock {
            wakeAt = nil
            queue.append(.wake)
        }
        if tickAt <= now.instant {
            tickAt = now.instant.advanced(byMilliseconds: NodeCore.tickInterval)
            queue.append(.tick)
        }
        drain()
        offerAgain(at: now.instant)
        relay()
    }

    /// Reads from the reactor's present value.
    func read<Value: Sendable>(_ body: @Sendable (borrowing Reactor) -> Value) -> Value {
        body(reactor)
    }

    /// Everything that waited before the start has been offered to admission again.
    func finishResubmission() {
        isResubmitted = true
    }

    /// What waits, to be kept over a restart; `nil` when what waited before this start was not all offered
    /// again, or after a fault of this machine.
    func waiting() -> (transactions: [Resubmission], clock: Timestamp)? {
        guard isResubmitted, fault == nil else { return nil }
        let now = parts.clock.moment
        return (reactor.mempool.waiting(at: now.instant), now.clock)
    }

    /// Stops the jobs; nothing is signed after it.
    func stop() {
        jobSink.finish()
    }

    // MARK: - Effects

    private func drain() {
        guard !isRunning else { return }
        isRunning = true
        defer { isRunning = false }
        while fault == nil, let event = queue.popFirst() {
            execute(reactor.handle(event, at: parts.clock.moment))
        }
        parts.view.publish(reactor)
    }

    private func execute(_ effects: [ReactorEffect]) {
        do {
            for effect in effects where fault == nil {
                try perform(effect)
            }
        } catch {
            fault = error
            parts.logger.critical("stopped signing and writing: \(error)")
            parts.events.fail(error)
        }
    }

    private func perform(_ effect: ReactorEffect) throws {
        switch effect {
        case .journal(let record, let height): try parts.journal.append(.record(record), height: height)
        case .journalValue(let bytes, let height): try parts.journal.append(.value(bytes), height: height)
        case .sign(let messages): try sign(messages)
        case .broadcast(let message):
            // Whoever gets a proposal shall have its transactions.
            if case .proposal = message { relay() }
            parts.peers.broadcast(message, except: nil)
        case .send(let message, let peer): parts.peers.send(message, to: peer)
        case .relay(let transactions): gossip.add(transactions)
        case .timers(let armed): arm(armed)
        case .wake(let time): wakeAt = time
        case .build(_, let round): build(round)
        case .judge(let block): judge(block)
        case .commit(let block, let certificate): try commit(block, certificate)
        case .stopSigning(let reason):
            parts.logger.critical("signing is stopped: \(reason)")
        case .report(let report):
            parts.events.take(report, logger: parts.logger, at: parts.clock.moment.clock)
        }
    }

    /// What must be known after a crash is durable first, then the signature, and only then anything is sent.
    private func sign(_ messages: [OwnMessage]) throws {
        guard let signer = parts.signer, reactor.signingStopped == nil else { return }
        try parts.journal.sync()
        for message in messages {
            guard let signature = try signer.sign(message) else {
                parts.logger.error("the signer's record refuses a second signature at one position")
                continue
            }
            let state = reactor.state
            switch message {
            case .vote(let vote):
                let signed = SignedVote(vote: vote, member: signer.key, signature: signature)
                if let verified = VerifiedVote(signed, validators: state.validators, chain: state.chain) {
                    queue.append(.signedVote(verified))
                }
            case .proposal(let proposal):
                let signed = SignedProposal(proposal: proposal, proposer: signer.key, signature: signature)
                if let verified = VerifiedProposal(signed, validators: state.validators, chain: state.chain) {
                    queue.append(.signedProposal(verified))
                }
            }
        }
    }

    private func commit(_ block: ExecutedBlock, _ certificate: Certificate) throws {
        try parts.journal.sync()
        try parts.store.commit([
            BlockCommit(block.block, change: block.change, certificate: certificate.encoded)
        ])
        let height = block.block.header.height
        if height.isMultiple(of: NodeCore.pruneInterval), height > NodeCore.journalHeights {
            try parts.journal.prune(below: height - NodeCore.journalHeights)
        }
        // Everything else waits until the height is over.
        queue.prepend(.committed(block))
    }

    private func build(_ round: Round) {
        let state = reactor.state
        jobSink.yield(
            .build(
                parent: state, time: state.nextBlockTime(at: parts.clock.moment.clock),
                candidates: reactor.mempool.candidates(), round: round))
    }

    private func judge(_ block: CheckedBlock) {
        jobSink.yield(.judge(block, parent: reactor.state))
    }

    private func arm(_ armed: [ArmedTimer]) {
        let now = parts.clock.moment.instant
        var next: [ArmedTimer: Instant] = [:]
        for timer in armed {
            next[timer] = timers[timer] ?? now.advanced(byMilliseconds: timer.milliseconds)
        }
        timers = next
    }

    /// Passes transactions on, many in one message.
    private func relay() {
        let now = parts.clock.moment.instant
        for peer in gossip.waitingPeers(at: now) {
            while let batch = gossip.next(for: peer, from: reactor.mempool) {
                guard parts.peers.send(.transactions(batch.transactions), to: peer) else {
                    gossip.refused(peer, at: now)
                    break
                }
                gossip.sent(batch)
            }
        }
    }

    /// Offers again what waits for long: it may have been lost where a queue was full.
    private func offerAgain(at now: Instant) {
        guard offerAt <= now else { return }
        offerAt = now.advanced(byMilliseconds: TransactionGossip.offerInterval)
        let late = now.milliseconds - min(now.milliseconds, TransactionGossip.offerInterval)
        gossip.offer(reactor.mempool.names(arrivedBefore: Instant(milliseconds: late)))
        // What waits longest says how far back the log of what was handed in must reach; as long as not all
        // of the log waits again, nothing of it may go.
        guard isResubmitted else { return }
        let oldest = min(reactor.mempool.oldestArrival ?? now, now)
        let age = now.milliseconds - oldest.milliseconds
        let clock = parts.clock.moment.clock.milliseconds
        do {
            try parts.submissions?.prune(before: Timestamp(milliseconds: clock - min(clock, age + 1000)))
        } catch {
            fail(error)
        }
    }

    /// Keeps a transaction that was handed in here.
    func keep(submitted checked: CheckedTransaction) {
        do {
            try parts.submissions?.append(checked.transaction.encoded, at: parts.clock.moment.clock)
        } catch {
            fail(error)
        }
    }
}

extension NodeCore {
    /// Runs the jobs of building and judging until stopped.
    nonisolated func work(_ verifier: BlockVerifier, proposer: PublicKey?) async {
        await withDiscardingTaskGroup { group in
            for await job in jobs {
                group.addTask { await self.perform(job, verifier, proposer) }
            }
        }
    }

    nonisolated private func perform(_ job: CoreJob, _ verifier: BlockVerifier, _ proposer: PublicKey?) async
    {
        do {
            switch job {
            case .build(let parent, let time, let candidates, let round):
                guard let proposer else { return }
                let assembly = try verifier.build(
                    on: parent, at: time, proposer: proposer, candidates: candidates)
                await deliver(.built(assembly, height: parent.height + 1, round: round))
            case .judge(let block, let parent):
                let result = try await verifier.judge(block, on: parent)
                await deliver(.judged(block.hash, result))
            }
        } catch {
            await fail(error)
        }
    }

    private func fail(_ error: any Error) {
        guard fault == nil else { return }
        fault = error
        parts.events.fail(error)
    }
}
