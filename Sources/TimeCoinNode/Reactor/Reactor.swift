package import TimeCoinConsensus
package import TimeCoinCore

/// A whole node's decisions: consensus, mempool, catching up, what to send. Synchronous; events in, effects
/// out.
///
/// The shell executes the effects in their order, and the simulator replaces the shell.
package struct Reactor: Sendable {
    package struct Settings: Sendable {
        var mempool = Mempool.Limits()
        /// Between two statuses to all peers, milliseconds.
        var statusInterval: UInt64 = 500
        /// After which a value or blocks are asked of another peer, milliseconds.
        var answerPatience: UInt64 = 1000
        /// A tip further than it behind a peer's, for so long, is caught up by asking for blocks,
        /// milliseconds.
        var lagPatience: UInt64 = 200
        /// Up to this height another history is only logged: nobody who knows better is asked about it.
        var checkpoint: Height = 0

        package init() {
        }
    }

    /// Messages for the next height kept: of each member, and of certificates, which are nobody's.
    static let earlyMessagesPerSender = 6
    /// Contents of values of this height kept.
    static let contentsMax = 16
    /// Values asked of peers at once.
    static let wantedMax = 16

    let settings: Settings
    /// `nil` for an observer.
    package internal(set) var own: PublicKey?
    /// Nothing is signed up to this height: the journal that would remember its locks was damaged.
    let signsAbove: Height
    /// Made anew at each start, for asking about the own key.
    package let nonce: Hash256
    package var state: ChainState
    package var machine: ConsensusMachine
    package var mempool: Mempool
    package var gate: SigningGate?
    package var signingStopped: String?
    /// The last position that this signer has signed.
    var signedLast: SignerPosition?
    var catchUp = CatchUp()
    var clocks: MemberClocks
    /// Whether the own wall clock is off the members' by more than the precision that the chain asks for.
    package internal(set) var isClockOff = false
    /// Whether the disk is nearly full.
    package internal(set) var isDiskLow = false
    var peers: [PeerKey: NodeStatus?] = [:]
    /// The highest message seen of each member, to tell it after its restart.
    package var positions: [PublicKey: SignedPosition] = [:]

    /// Fresh proposals whose block is not here yet, with the clock when they came: without a header nothing
    /// can be said of their time.
    var unseen: [(proposal: VerifiedProposal, clock: Timestamp)] = []
    var contents: [Hash256: CheckedBlock] = [:]
    var executed: [Hash256: ExecutedBlock] = [:]
    var judging: Set<Hash256> = []
    var building: Round?
    /// Whether fetched blocks are being judged to be written together.
    var isConnecting = false
    var committing = false
    var wanted: [Hash256: Instant] = [:]
    var wantedTurn = 0
    var early: [(sender: PublicKey?, event: ReactorEvent)] = []
    /// Whether the next slot is due; falling due restarts the timeouts once.
    var isDue = false
    var lastStatus: Instant?
    var lastProgress: Instant
    var reportedRound: Round = 0
    /// The lowest height that was decided twice, where one was.
    package internal(set) var fork: ForkCase?
    /// The highest height of which another certificate came too late to be acted on.
    var oldConflict: Height?
    /// What the operator wants to be followed after forks, in order.
    package var recoveries: [VerifiedRecovery] = []
    /// What the signer's record held.
    let signedAtStart: SignerPositions
    private(set) var progress: ConsensusProgress

    /// - Parameters:
    ///   - signed: what the signer's record holds; `nil` for an observer.
    ///   - secret: drawn at random at each start; what is asked of others follows from it.
    package init(
        state: ChainState, own: PublicKey?, signed: SignerPositions?, secret: Hash256, settings: Settings,
        signsAbove: Height = 0, at now: Instant
    ) {
        self.signsAbove = signsAbove
        self.state = state
        nonce = Blake2b.hash256(.position, Array(secret.bytes))
        clocks = MemberClocks(secret: secret)
        self.settings = settings
        self.own = own.flatMap { state.validators.index(of: $0) == nil ? nil : $0 }
        machine = ConsensusMachine(on: state, own: own)
        mempool = Mempool(limits: settings.mempool)
        signedLast = signed?.last
        signedAtStart = signed ?? SignerPositions()
        gate = self.own.map {
            SigningGate(
                own: $0, record: signed ?? SignerPositions(), validators: state.validators,
                chain: state.votingChain)
        }
        lastProgress = now
        progress = ConsensusProgress(machine, at: now)
    }

    var isVoting: Bool {
        own != nil && signingStopped == nil && gate?.state == .open && machine.height > signsAbove
            && pendingRecovery == nil
    }

    mutating func handle(_ event: ReactorEvent, at now: Moment) -> [ReactorEffect] {
        var effects: [ReactorEffect] = []
        switch event {
        case .proposal where isRecovering, .vote where isRecovering, .certificate where isRecovering,
            .roundCertificate where isRecovering:
            // Blocks come by catching up alone; what was said under the set before must not count after it.
            break
        case .tick: tick(now, &effects)
        case .wake: break
        case .timeout(let timeout, let height):
            if height == machine.height { feed(.elapsed(timeout), &effects) }
        case .peerConnected(let peer):
            peers[peer] = .some(nil)
            effects.append(.send(.status(status(now)), to: peer))
            ask(for: peer, &effects)
        case .peerGone(let peer):
            peers[peer] = nil
            catchUp.gone(peer)
        case .status(let status, let peer): take(status, from: peer, now, &effects)
        case .proposal(let proposal, let compact, let peer):
            take(proposal, compact, from: peer, now, &effects)
        case .vote(let vote): take(vote, now, &effects)
        case .certificate(let certificate): take(certificate, &effects)
        case .roundCertificate(let certificate):
            if isCurrent(certificate.height, event, from: nil) {
                feed(.roundCertificate(certificate), &effects)
            }
        case .value(let block): take(content: block, &effects)
        case .valueRequest(let hash, let peer):
            if let block = contents[hash] { effects.append(.send(.value(block.encoded), to: peer)) }
        case .positionAnswer(let member, let highest): takeAnswer(from: member, highest, &effects)
        case .clock(let answer):
            clocks.take(answer, at: now.instant)
            judgeClock(now, &effects)
        case .diskRoom(let isLow): take(diskLow: isLow, &effects)
        case .blocks(let id, let items, let peer): take(blocks: items, id: id, from: peer, &effects)
        case .admitted(let admissions): admit(admissions, now, &effects)
        case .built(let assembly, let height, let round):
            take(built: assembly, height: height, round: round, &effects)
        case .judged(let hash, let result): take(judgement: result, of: hash, &effects)
        case .conflict(let finding, let peer): take(finding, from: peer, &effects)
        case .forkPolka(let polka): take(forkPolka: polka, &effects)
        case .connected(let batch): take(connected: batch, &effects)
        case .committed(let batch): advance(past: batch, now, &effects)
        case .signedVote(let vote):
            signedLast = SignerPosition(.vote(vote.vote))
            feed(.vote(vote), &effects)
            effects.append(.broadcast(.vote(vote.signed)))
        case .signedProposal(let proposal):
            signedLast = SignerPosition(.proposal(proposal.proposal))
            feed(.proposal(proposal, isTimely: true), &effects)
            let compact = contents[proposal.proposal.value].map(CompactBlock.init)
            effects.append(.broadcast(.proposal(proposal.signed, compact)))
        }
        startIfDue(now, &effects)
        catchUpFurther(now, &effects)
        progress.note(machine, at: now.instant)
        return effects
    }

    // MARK: - Consensus

    /// Gives the machine an input and turns its sections into effects, in their order.
    mutating func feed(_ input: ConsensusInput, _ effects: inout [ReactorEffect]) {
        let result = machine.handle(input)
        guard result.refusal == nil else { return }
        for record in result.records {
            effects.append(.journal(record, height: machine.height))
        }
        sign(result.toSign, &effects)
        for certificate in result.toSend {
            effects.append(.broadcast(.certificate(certificate)))
        }
        if let certificate = result.toJustify {
            effects.append(.broadcast(.roundCertificate(certificate)))
        }
        effects.append(.timers(armed(result.timers)))
        for misbehaviour in result.misbehaviour {
            guard let evidence = Evidence(misbehaviour, validators: machine.validators) else { continue }
            effects.append(.report(.misbehaviour(evidence)))
        }
        if let value = result.certifiedInvalid {
            if signingStopped == nil { effects.append(.verifyDatabase) }
            stopSigning("block \(value) is certified, and this node finds it invalid", &effects)
        }
        if machine.round != reportedRound {
            reportedRound = machine.round
            effects.append(.report(.enteredRound(height: machine.height, round: machine.round)))
        }
        serve(result.requests, &effects)
        if machine.decision != nil { finish(&effects) }
    }

    func armed(_ timers: [Timeout]) -> [ArmedTimer] {
        timers.map {
            ArmedTimer(
                timeout: $0, height: machine.height, isDue: isDue,
                milliseconds: machine.parameters.duration(of: $0))
        }
    }

    func sign(_ messages: [OwnMessage], _ effects: inout [ReactorEffect]) {
        if isVoting, !messages.isEmpty { effects.append(.sign(messages)) }
    }

    mutating func serve(_ requests: [ConsensusRequest], _ effects: inout [ReactorEffect]) {
        for request in requests {
            switch request {
            case .build(let round):
                guard building != round, isVoting, !isClockOff, !isDiskLow else { continue }
                building = round
                effects.append(.build(height: machine.height, round: round))
            case .judge(let value):
                if let block = contents[value] {
                    judge(block, &effects)
                } else {
                    want(value)
                }
            }
        }
    }

    mutating func judge(_ block: CheckedBlock, _ effects: inout [ReactorEffect]) {
        guard executed[block.hash] == nil, judging.insert(block.hash).inserted else { return }
        effects.append(.judge(block))
    }

    mutating func keep(_ block: CheckedBlock) {
        if contents.count >= Reactor.contentsMax {
            // Many rounds, many values: what may still be decided stays, the rest can be fetched again.
            let values = [machine.locked?.value, machine.valid?.value, machine.decision?.value]
            let needed = Set(values.compactMap { $0 })
            contents = contents.filter { needed.contains($0.key) }
            executed = executed.filter { needed.contains($0.key) }
        }
        contents[block.hash] = block
        wanted[block.hash] = nil
    }

    /// Commits the decided value as soon as it is executed here.
    mutating func finish(_ effects: inout [ReactorEffect]) {
        guard !committing, let decision = machine.decision else { return }
        if let block = executed[decision.value] {
            committing = true
            effects.append(
                .commit(
                    BlockBatch(block, certificate: decision.certificate.certificate, on: state)))
        } else if let block = contents[decision.value] {
            // Decided in an earlier life of this process: execute again.
            judge(block, &effects)
        } else {
            want(decision.value)
        }
    }

    /// Has the content of a value asked of peers, from the next tick on until it comes or is of no use.
    mutating func want(_ value: Hash256) {
        guard wanted[value] == nil else { return }
        if wanted.count >= Reactor.wantedMax { forgetUnneeded() }
        // Long past, so that the next tick asks at once.
        if wanted.count < Reactor.wantedMax { wanted[value] = Instant(milliseconds: 0) }
    }

    /// Asks no longer for what no rule waits for.
    mutating func forgetUnneeded() {
        var needed = Set(unseen.map(\.proposal.proposal.value))
        for case .judge(let value) in machine.requests { needed.insert(value) }
        if let decision = machine.decision { needed.insert(decision.value) }
        wanted = wanted.filter { needed.contains($0.key) }
    }

    mutating func advance(past batch: BlockBatch, _ now: Moment, _ effects: inout [ReactorEffect]) {
        guard batch.parent == state, let last = batch.judged.last?.block else { return }
        state = last.change.state
        recover(&effects)
        machine = ConsensusMachine(on: state, own: own)
        unseen = []
        contents = [:]
        executed = [:]
        judging = []
        wanted = [:]
        building = nil
        committing = false
        isDue = false
        reportedRound = 0
        lastProgress = now.instant
        for (block, round) in batch.judged {
            let dropped = mempool.settle(block.block)
            effects.append(.report(.final(block, round: round)))
            if !dropped.isEmpty { effects.append(.report(.dropped(dropped, reason: "double-spend"))) }
        }
        effects.append(.timers([]))
        let waiting = early
        early = []
        for (_, event) in waiting {
            effects += handle(event, at: now)
        }
        feedCertified(&effects)
    }

    mutating func startIfDue(_ now: Moment, _ effects: inout [ReactorEffect]) {
        guard machine.decision == nil, !committing else { return }
        let due = state.dueTime(of: state.slot + 1)
        if !isDue, now.clock >= due {
            isDue = true
            if machine.hasStarted {
                effects.append(.timers(armed(machine.timers)))
                // A build that found nothing finds something now.
                serve(machine.requests, &effects)
            }
        }
        guard !machine.hasStarted else {
            if !isDue { effects.append(.wake(due)) }
            return
        }
        if now.clock >= startTime {
            feed(.start, &effects)
        } else {
            effects.append(.wake(startTime))
        }
    }

    /// When round 0 begins by the clock: a block is due, or what waits may be decided.
    var startTime: Timestamp {
        let due = state.dueTime(of: state.slot + 1)
        guard !mempool.isEmpty else { return due }
        let interval = max(1, state.parameters.paymentIntervalMilliseconds)
        return min(due, state.header.time.advanced(byMilliseconds: interval))
    }

    // MARK: - Values

    mutating func take(content block: CheckedBlock, _ effects: inout [ReactorEffect]) {
        guard wanted[block.hash] != nil else { return }
        keep(block)
        let waiting = unseen.filter { $0.proposal.proposal.value == block.hash }
        unseen.removeAll { $0.proposal.proposal.value == block.hash }
        for (proposal, clock) in waiting {
            feed(.proposal(proposal, isTimely: isTimely(proposal, block.header, at: clock)), &effects)
        }
        serve(machine.requests, &effects)
        if machine.decision != nil { finish(&effects) }
    }

    mutating func take(
        built assembly: BlockAssembly, height: Height, round: Round, _ effects: inout [ReactorEffect]
    ) {
        guard height == machine.height else { return }
        let gone = assembly.refused.flatMap { mempool.drop($0) }
        if !gone.isEmpty { effects.append(.report(.dropped(gone, reason: "no-longer-valid"))) }
        guard let block = assembly.block else {
            // What came in meanwhile was not tried; what comes in later asks again.
            building = nil
            if !mempool.isEmpty { serve(machine.requests, &effects) }
            return
        }
        guard machine.requests.contains(.build(round: round)) else { return }
        keep(block.block)
        executed[block.block.hash] = block
        effects.append(.journalValue(block.block.encoded, height: height))
        feed(.built(round: round, value: block.block.hash), &effects)
    }

    mutating func take(
        judgement result: Result<ExecutedBlock, BlockRejection>, of hash: Hash256,
        _ effects: inout [ReactorEffect]
    ) {
        guard judging.remove(hash) != nil else { return }
        switch result {
        case .success(let block):
            executed[hash] = block
            effects.append(.journalValue(block.block.encoded, height: machine.height))
            feed(.verdict(hash, isValid: true), &effects)
            if machine.decision != nil { finish(&effects) }
        case .failure(let rejection):
            effects.append(.report(.refusedValue(hash, rejection)))
            feed(.verdict(hash, isValid: false), &effects)
        }
    }

    // MARK: - Signing

    mutating func note(_ signed: SignedPosition) {
        guard state.validators.index(of: signed.signer) != nil else { return }
        if let known = positions[signed.signer], known.position >= signed.position { return }
        positions[signed.signer] = signed
    }

    func ask(for peer: PeerKey, _ effects: inout [ReactorEffect]) {
        guard let own, gate?.state == .asking else { return }
        effects.append(.send(.positionQuery(own, nonce: nonce), to: peer))
    }

    mutating func takeAnswer(
        from member: PublicKey, _ highest: SignedPosition?, _ effects: inout [ReactorEffect]
    ) {
        guard gate?.state == .asking else { return }
        gate?.answer(from: member, highest: highest)
        switch gate?.state {
        case .open:
            effects.append(.report(.signingOpen))
            sign(machine.outstanding, &effects)
            serve(machine.requests, &effects)
        case .contradicted(let position, let witness):
            stopSigning(
                "\(witness) holds a foreign signature of this key, at height \(position.height): the "
                    + "signer's record is old, or another instance signs with the same key", &effects)
        default: break
        }
    }

    mutating func stopSigning(_ reason: String, _ effects: inout [ReactorEffect]) {
        guard signingStopped == nil else { return }
        signingStopped = reason
        effects.append(.stopSigning(reason))
    }

    // MARK: - Restart

    /// Puts back what the journal holds of the height being decided. What the replay would do was done
    /// before the
    /// crash, or is done again from the facts by ``resume(at:)``.
    mutating func replay(
        values: [CheckedBlock], records: [JournalRecord], check: SignatureCheck = .ed25519
    ) {
        for block in values where block.header.height == machine.height {
            keep(block)
        }
        for record in records {
            let input = record.input(validators: state.validators, chain: state.votingChain, check: check)
            guard let input else { continue }
            _ = machine.handle(input)
            switch input {
            case .vote(let vote): note(.vote(vote.signed))
            case .proposal(let proposal, _): note(.proposal(proposal.signed))
            default: break
            }
        }
        reportedRound = machine.round
    }

    /// The first effects after a start.
    mutating func resume(at now: Moment) -> [ReactorEffect] {
        var effects: [ReactorEffect] = [.timers(armed(machine.timers))]
        sign(machine.outstanding, &effects)
        serve(machine.requests, &effects)
        if machine.decision != nil { finish(&effects) }
        startIfDue(now, &effects)
        progress.note(machine, at: now.instant)
        return effects
    }

    // MARK: - Transactions

    mutating func admit(_ admissions: [Admission], _ now: Moment, _ effects: inout [ReactorEffect]) {
        var accepted: [CheckedTransaction] = []
        for admission in admissions where admission.height == state.height {
            let checked = admission.verified.spendable.checked
            let arrived = now.instant.milliseconds - min(now.instant.milliseconds, admission.age)
            guard
                let evicted = try? mempool.admit(
                    admission.verified, proof: admission.proof, at: Instant(milliseconds: arrived))
            else { continue }
            accepted.append(checked)
            if !evicted.isEmpty { effects.append(.report(.dropped(evicted, reason: "evicted"))) }
        }
        guard !accepted.isEmpty else { return }
        effects.append(.report(.accepted(accepted.map(\.txid))))
        effects.append(.relay(accepted))
        if building == nil { serve(machine.requests, &effects) }
    }
}

extension ConsensusMachine {
    /// The machine of the height after a state.
    package init(on state: ChainState, own: PublicKey?) {
        self.init(
            height: state.height + 1, validators: state.validators, seed: state.seed,
            chain: state.votingChain,
            own: own,
            parameters: ConsensusParameters(state.parameters))
    }
}
