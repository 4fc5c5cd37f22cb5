import DequeModule
package import Logging
import TimeCoinConsensus
package import TimeCoinCore
package import TimeCoinStore

/// What the shell asks to have done beside its own thread; each comes back as an event.
package enum CoreJob: Sendable {
    case build(
        parent: ChainState, time: Timestamp,
        candidates: [(transaction: CheckedTransaction, proof: ScriptProof)],
        round: Round)
    case judge(CheckedBlock, parent: ChainState)
    case connect(BlockBatch)
}

/// What stands between the reactor and the world: executes its effects in their order, on one thread and
/// without waiting for anything but the disk.
///
/// Store writes, journal and signatures happen here. Timers are deadlines that a pulse compares with the
/// clock. The program runs it in ``NodeCore``, the simulator for many nodes in turn.
package struct NodeShell: Sendable {
    /// Heights of which the journal keeps everything; older segments go.
    static let journalHeights: Height = 10_000
    /// Heights between two looks at what the journal may let go.
    private static let pruneInterval: Height = 100
    /// Between two ticks of the reactor, milliseconds.
    private static let tickInterval: UInt64 = 100

    /// Times that one reading of the database is tried again after a repair.
    static let mendsMax = 16

    package private(set) var reactor: Reactor
    let parts: Parts
    private var queue = Deque<ReactorEvent>()
    private var isRunning = false
    private var timers: [ArmedTimer: Instant] = [:]
    private var wakeAt: Timestamp?
    private var tickAt = Instant(milliseconds: 0)
    private var gossip = TransactionGossip()
    private var offerAt = Instant(milliseconds: 0)
    private var isResubmitted = false
    /// What waited before the start and does not wait again: all of it until it was offered once, then what
    /// spends outputs that are not known here yet.
    private(set) var returning: [Resubmission]
    private let started: Instant
    var diskWatermark = DiskWatermark()
    var diskLookAt = Instant(milliseconds: 0)
    private var jobs: [CoreJob] = []
    /// The first fault of this machine; after it nothing is signed or written.
    package private(set) var fault: (any Error)?

    /// What the shell works with.
    package struct Parts: Sendable {
        let store: any ChainStoring
        let journal: any ConsensusJournaling
        let submissions: (any SubmissionRecording)?
        let signer: Signer?
        let peers: any PeerSending
        let events: EventLog
        let view: PublishedView
        let clock: NodeClock
        let logger: Logger
        var check = SignatureCheck.ed25519
        /// Where polkas are kept for the case of a fork.
        var polkas: (any PolkaKeeping)?
        /// Where a fork is written down, so that it stops this node after a restart, too.
        var forks: (any ForkMarking)?
        /// Where to look for the room that is left; `nil` looks nowhere.
        package var disk: DiskWatch?

        /// Who repairs what is damaged; without it every damage is a fault.
        var care: DatabaseCare?

        package init(
            store: any ChainStoring, journal: any ConsensusJournaling,
            submissions: (any SubmissionRecording)?, signer: Signer?, peers: any PeerSending,
            events: EventLog, view: PublishedView, clock: NodeClock, logger: Logger,
            check: SignatureCheck = .ed25519
        ) {
            self.store = store
            self.journal = journal
            self.submissions = submissions
            self.signer = signer
            self.peers = peers
            self.events = events
            self.view = view
            self.clock = clock
            self.logger = logger
            self.check = check
        }
    }

    package init(reactor: Reactor, parts: Parts, returning: [Resubmission] = []) {
        self.reactor = reactor
        self.parts = parts
        self.returning = returning
        started = parts.clock.moment.instant
        parts.view.publish(reactor)
    }

    /// Everything that waited before the start has been offered to admission again.
    ///
    /// - Parameter orphans: what of it spends outputs that are not known here yet.
    mutating func finishResubmission(leaving orphans: [Resubmission]) {
        isResubmitted = true
        returning = orphans
    }

    /// What waits, to be kept over a restart; `nil` when what waited before this start was not all offered
    /// again, or after a fault of this machine.
    func waiting() -> (transactions: [Resubmission], clock: Timestamp)? {
        guard isResubmitted, fault == nil else { return nil }
        let now = parts.clock.moment
        let uptime = now.instant.milliseconds - min(now.instant.milliseconds, started.milliseconds)
        let orphans = returning.map { Resubmission($0.checked, age: $0.age &+ uptime) }
        return (reactor.mempool.waiting(at: now.instant) + orphans, now.clock)
    }

    /// Jobs asked for since the last call.
    package mutating func takeJobs() -> [CoreJob] {
        defer { jobs = [] }
        return jobs
    }

    /// Begins; to be called once before anything else.
    package mutating func resume() {
        execute(reactor.resume(at: parts.clock.moment))
        drain()
    }

    /// Hands in one event.
    package mutating func deliver(_ event: ReactorEvent) {
        switch event {
        case .peerConnected(let peer): gossip.connected(peer, waiting: reactor.mempool.names())
        case .peerGone(let peer): gossip.gone(peer)
        default: break
        }
        queue.append(event)
        drain()
    }

    /// Compares deadlines with the clocks.
    package mutating func pulse() {
        let now = parts.clock.moment
        // In the order in which they fell due, whatever the order of the table.
        let due = timers.filter { $0.value <= now.instant }
            .sorted {
                ($0.value, $0.key.timeout.round, $0.key.timeout.kind.rawValue)
                    < ($1.value, $1.key.timeout.round, $1.key.timeout.kind.rawValue)
            }
        for (timer, _) in due {
            timers[timer] = nil
            queue.append(.timeout(timer.timeout, height: timer.height))
        }
        if let wake = wakeAt, wake <= now.clock {
            wakeAt = nil
            queue.append(.wake)
        }
        if tickAt <= now.instant {
            tickAt = now.instant.advanced(byMilliseconds: NodeShell.tickInterval)
            queue.append(.tick)
        }
        drain()
        lookAtDisk(at: now.instant)
        offerAgain(at: now.instant)
        relay()
    }

    /// When a pulse next has something to do, by the monotonic clock; a wake-up by the wall clock is looked
    /// for at every tick.
    package var nextDeadline: Instant {
        let now = parts.clock.moment
        var next = tickAt
        for deadline in timers.values { next = min(next, deadline) }
        if let wakeAt {
            let wait = wakeAt.milliseconds - min(wakeAt.milliseconds, now.clock.milliseconds)
            next = min(next, now.instant.advanced(byMilliseconds: wait))
        }
        return next
    }

    /// Where the vote stands, for people who ask.
    package func consensusReport() -> ConsensusReport {
        let now = parts.clock.moment
        let deadlines = timers.filter { $0.key.height == reactor.machine.height }
            .map { timer, at in
                ConsensusReport.Timer(
                    timeout: timer.timeout,
                    left: at.milliseconds - min(at.milliseconds, now.instant.milliseconds))
            }
            .sorted { ($0.left, $0.timeout.kind.rawValue) < ($1.left, $1.timeout.kind.rawValue) }
        return reactor.report(deadlines: deadlines, fault: fault.map { "\($0)" }, at: now)
    }

    // MARK: - Effects

    private mutating func drain() {
        guard !isRunning else { return }
        isRunning = true
        defer { isRunning = false }
        while fault == nil, let event = queue.popFirst() {
            execute(reactor.handle(event, at: parts.clock.moment))
        }
        parts.view.publish(reactor)
    }

    private mutating func execute(_ effects: [ReactorEffect]) {
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

    private mutating func perform(_ effect: ReactorEffect) throws {
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
        case .connect(let batch): jobs.append(.connect(batch))
        case .commit(let batch): try commit(batch)
        case .stopSigning(let reason):
            parts.logger.critical("signing is stopped: \(reason)")
        case .verifyDatabase: parts.care?.verifyWhole()
        case .report(let report):
            if case .fork(let proof) = report { try parts.forks?.mark(proof) }
            parts.events.take(report, logger: parts.logger, at: parts.clock.moment.clock)
        }
    }

    /// What must be known after a crash is durable first, then the signature, and only then anything is sent.
    private mutating func sign(_ messages: [OwnMessage]) throws {
        // While what the vote reads is damaged, a verdict may be wrong: nothing is signed until it is
        // repaired.
        guard let signer = parts.signer, reactor.signingStopped == nil, parts.care?.isFitToVote ?? true else {
            return
        }
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
                if let verified = VerifiedVote(
                    signed, validators: state.validators, chain: state.votingChain, check: parts.check)
                {
                    queue.append(.signedVote(verified))
                }
            case .proposal(let proposal):
                let signed = SignedProposal(proposal: proposal, proposer: signer.key, signature: signature)
                if let verified = VerifiedProposal(
                    signed, validators: state.validators, chain: state.votingChain, check: parts.check)
                {
                    queue.append(.signedProposal(verified))
                }
            }
        }
    }

    private mutating func commit(_ batch: BlockBatch) throws {
        try parts.journal.sync()
        try mending { try parts.store.commit(batch.commits) }
        // The machine has heard votes of the first height only.
        try parts.polkas?.keep(reactor.machine.heldPolkas, height: batch.parent.height + 1)
        if let last = batch.judged.last?.block.block.header, last.height > NodeShell.journalHeights,
            last.height / NodeShell.pruneInterval > batch.parent.height / NodeShell.pruneInterval
        {
            try parts.journal.prune(below: last.height - NodeShell.journalHeights)
            try prunePolkas(at: last)
        }
        // Everything else waits until the heights are over.
        queue.prepend(.committed(batch))
    }

    /// Runs what reads the database; what is damaged is repaired, and then it runs again.
    private func mending(_ body: () throws -> Void) throws {
        for _ in 0..<NodeShell.mendsMax {
            do {
                return try body()
            } catch {
                guard let care = parts.care, care.mend(error) else { throw error }
            }
        }
        try body()
    }

    /// Lets go polkas of heights so long ago that no fork there would be acted on.
    private func prunePolkas(at header: BlockHeader) throws {
        guard let polkas = parts.polkas else { return }
        let oldest = header.time.milliseconds - min(header.time.milliseconds, Reactor.evidencePeriod)
        // The first height that is not older: header times only rise.
        var (low, high) = (Height(0), header.height)
        while low < high {
            let middle = (low + high) / 2
            let time = try parts.store.snapshot { try $0.header(at: middle)?.time.milliseconds ?? 0 }
            if time < oldest { low = middle + 1 } else { high = middle }
        }
        try polkas.prune(below: low)
    }

    private mutating func build(_ round: Round) {
        let state = reactor.state
        jobs.append(
            .build(
                parent: state, time: state.nextBlockTime(at: parts.clock.moment.clock),
                candidates: reactor.mempool.candidates(), round: round))
    }

    private mutating func judge(_ block: CheckedBlock) {
        jobs.append(.judge(block, parent: reactor.state))
    }

    private mutating func arm(_ armed: [ArmedTimer]) {
        let now = parts.clock.moment.instant
        var next: [ArmedTimer: Instant] = [:]
        for timer in armed {
            next[timer] = timers[timer] ?? now.advanced(byMilliseconds: timer.milliseconds)
        }
        timers = next
    }

    /// Passes transactions on, many in one message.
    private mutating func relay() {
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
    private mutating func offerAgain(at now: Instant) {
        guard offerAt <= now else { return }
        offerAt = now.advanced(byMilliseconds: TransactionGossip.offerInterval)
        let late = now.milliseconds - min(now.milliseconds, TransactionGossip.offerInterval)
        gossip.offer(reactor.mempool.names(arrivedBefore: Instant(milliseconds: late)))
        // What waits longest says how far back the log of what was handed in must reach; as long as not all
        // of the log waits again, nothing of it may go.
        guard isResubmitted else { return }
        let oldest = min(reactor.mempool.oldestArrival ?? now, returning.isEmpty ? now : started, now)
        let age = now.milliseconds - oldest.milliseconds + (returning.map(\.age).max() ?? 0)
        let clock = parts.clock.moment.clock.milliseconds
        do {
            try parts.submissions?.prune(before: Timestamp(milliseconds: clock - min(clock, age + 1000)))
        } catch {
            fail(error)
        }
    }

    /// Keeps a transaction that was handed in here.
    mutating func keep(submitted checked: CheckedTransaction) {
        do {
            try parts.submissions?.append(checked.transaction.encoded, at: parts.clock.moment.clock)
        } catch {
            fail(error)
        }
    }

    /// A fault of this machine, found beside the shell.
    mutating func fail(_ error: any Error) {
        guard fault == nil else { return }
        fault = error
        parts.events.fail(error)
    }
}

// MARK: - Transactions

extension NodeShell {
    /// Admits one transaction, or tells why not.
    mutating func admit(_ admission: Admission) throws(MempoolRejection) {
        let current = try current(admission)
        let checked = current.verified.spendable.checked
        let price = try reactor.mempool.precheck(checked)
        try price?.check(current.verified.spendable)
        deliver(.admitted([current]))
        guard reactor.mempool.contains(wtxid: checked.wtxid) else { throw .full }
        keep(submitted: checked)
    }

    /// What verifying a transaction needs to know, or why it is not worth it.
    package func view(of checked: CheckedTransaction) throws(MempoolRejection) -> TransactionResolver.View {
        try TransactionResolver.View(of: checked, in: reactor, at: parts.clock.moment.clock)
    }

    /// Notes what a peer has sent.
    ///
    /// - Returns: what is now this caller's to verify and to finish with ``admit(_:finishing:)``, and views
    ///   of those worth it.
    package mutating func received(
        _ transactions: [CheckedTransaction], from peer: PeerKey
    ) -> (transactions: [CheckedTransaction], views: [(CheckedTransaction, TransactionResolver.View)]) {
        let fresh = gossip.received(transactions, from: peer)
        var views: [(CheckedTransaction, TransactionResolver.View)] = []
        for checked in fresh {
            if let view = try? view(of: checked) { views.append((checked, view)) }
        }
        return (fresh, views)
    }

    /// Admits what a peer sent and drops what cannot be admitted.
    package mutating func admit(_ admissions: [Admission], finishing transactions: [CheckedTransaction]) {
        gossip.finished(transactions)
        let renewed = admissions.compactMap { try? current($0) }
        if !renewed.isEmpty { deliver(.admitted(renewed)) }
    }

    /// The same admission on the present tip. A block may have become final while scripts ran: they stay
    /// proven, but what they spend may be gone.
    private func current(_ admission: Admission) throws(MempoolRejection) -> Admission {
        guard admission.height != reactor.state.height else { return admission }
        let checked = admission.verified.spendable.checked
        let present = try view(of: checked)
        let resolver = TransactionResolver(
            store: parts.store, faults: FaultReport(parts.events, care: parts.care))
        let spendable = try resolver.spendable([(checked, present)])[0].get()
        var renewed = try Admission(spendable, proof: admission.proof, height: present.height)
        renewed.age = admission.age
        return renewed
    }
}
