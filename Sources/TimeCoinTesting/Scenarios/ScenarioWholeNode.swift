import TimeCoinConsensus
import TimeCoinCore
import TimeCoinNode
import TimeCoinStore

/// A whole node with what happened to it so far, as it can be seen from outside.
///
/// Its wall clock stands still, so that the time of a block fits whenever it is proposed; its other clock
/// goes on with every input, and to the deadline of a timer that shall elapse.
struct ScenarioWholeNode {
    let member: Int
    let chain: ScenarioChain
    var world: ScenarioWorld { chain.world }
    /// What happened in the present step.
    var observed: [ScenarioOutput] = []
    /// What happened on entering a round that a later `New` names.
    var carried: [ScenarioOutput] = []
    /// The round of the height that is decided.
    private(set) var round: Round = 0
    private(set) var evidenceCount = 0
    private(set) var decision: (value: String, round: Round)?
    /// Everything that this node itself said, in order.
    private(set) var said: [WireMessage] = []
    private(set) var sent: [Certificate] = []
    private(set) var justified: [Round] = []
    private(set) var host: ScenarioHost
    private(set) var peers: ScenarioPeers
    private(set) var isStopped = false

    private var machine: ScenarioHost.Machine
    private var armed: Set<Timeout> = []
    private var asked: Round?
    private var hasAlarm = false

    /// Between two inputs, milliseconds; timers of different inputs never elapse together.
    private static let interval: UInt64 = 100_000
    /// Until the node looks again at what it waits for, milliseconds.
    private static let tick: UInt64 = 100
    /// Turns until everything is answered at most.
    private static let turnsMax = 100

    init(_ member: Int, on chain: ScenarioChain) throws(ScenarioImpossible) {
        self.member = member
        self.chain = chain
        let key = try ScenarioWorld.key(member)
        let disk = SimulatedDisk(seed: 0, number: member)
        SimulatedFiles.create(on: disk, number: member)
        let before = Timestamp(milliseconds: chain.due.milliseconds - 1)
        machine = ScenarioHost.Machine(
            key: key, disk: disk, memory: chain.makeStore(),
            moment: MomentBox(Moment(instant: Instant(milliseconds: 1_000_000), clock: before)))
        peers = ScenarioPeers(of: member, key.publicKey, in: chain.world)
        host = try ScenarioWholeNode.process(chain, machine)
        try begin()
    }

    private static func process(
        _ chain: ScenarioChain, _ machine: ScenarioHost.Machine
    ) throws(ScenarioImpossible) -> ScenarioHost {
        do {
            return try ScenarioHost(chain, on: machine)
        } catch {
            throw ScenarioImpossible(reason: "the node does not start: \(error)")
        }
    }

    /// Starts the process and connects it.
    private mutating func begin() throws(ScenarioImpossible) {
        host.shell.resume()
        for peer in try peers.keys() { host.shell.deliver(.peerConnected(peer)) }
        try settle()
    }

    mutating func beginStep() {
        observed = []
        sent = []
        justified = []
    }

    /// What the node keeps of the vote.
    var consensus: ConsensusMachine { host.shell.reactor.machine }

    func name(_ value: Hash256) -> String { chain.blocks.first { $0.value.hash == value }?.key ?? "?" }

    // MARK: - What happens

    /// Round 0 is due.
    mutating func start() throws(ScenarioImpossible) {
        machine.moment.set(Moment(instant: machine.moment.value.instant, clock: chain.due))
        try settle()
    }

    /// A message of a peer, as the program takes it: decoded, of a near height, verified.
    ///
    /// - Parameter lateness: how far the wall clock is ahead while it comes, milliseconds.
    mutating func receive(
        _ message: WireMessage, from sender: Int?, lateness: UInt64 = 0
    ) throws(ScenarioImpossible) {
        let number = sender.flatMap { peers.numbers.contains($0) ? $0 : nil } ?? peers.numbers[0]
        let peer = try ScenarioWorld.key(number).publicKey
        let height = host.shell.reactor.state.height + 1
        guard let decoded = try? WireMessage(type: message.type, payload: message.payload),
            let other = decoded.votedHeight, other == height || other == height + 1,
            let event = ReactorEvent(
                verifying: decoded, from: peer, validators: world.set, chain: world.chain, check: .ed25519)
        else { return }
        let now = machine.moment.value
        machine.moment.set(
            Moment(instant: now.instant, clock: now.clock.advanced(byMilliseconds: lateness)))
        try deliver(event)
        machine.moment.set(Moment(instant: machine.moment.value.instant, clock: now.clock))
    }

    mutating func deliver(_ event: ReactorEvent) throws(ScenarioImpossible) {
        guard !isStopped else { throw ScenarioImpossible(reason: "the process has stopped; 'crash' first") }
        host.shell.deliver(event)
        try settle()
    }

    /// Lets the clock go on until a timer falls due. One that is not armed comes as if it were on its way.
    mutating func elapse(_ timeout: Timeout) throws(ScenarioImpossible) {
        let timers = decision == nil ? host.shell.consensusReport().timers : []
        guard let timer = timers.first(where: { $0.timeout == timeout }) else {
            return try deliver(.timeout(timeout, height: world.setting.height))
        }
        let others = timers.filter { $0.timeout != timeout }
        guard others.allSatisfy({ $0.left > timer.left + ScenarioWholeNode.interval / 2 }) else {
            throw ScenarioImpossible(reason: "another timer falls due first", isOfNode: true)
        }
        advance(timer.left)
        try settle()
    }

    /// A block can be had from now on.
    mutating func makeAvailable(_ block: CheckedBlock) { peers.give(block) }

    /// The content of a value can be had from now on, and is sent to a node that waits for it.
    mutating func give(_ value: String) throws(ScenarioImpossible) {
        if let block = chain.blocks[value] { peers.give(block) }
        try settle()
    }

    /// The node has built the block that stands for a value.
    mutating func build(_ value: String, in round: Round) throws(ScenarioImpossible) {
        let assembly: BlockAssembly
        do {
            assembly = try chain.assembly(value, by: machine.key.publicKey, host.verifier)
        } catch {
            throw ScenarioImpossible(reason: "no block: \(error)")
        }
        if let block = assembly.block?.block { peers.give(block) }
        try deliver(.built(assembly, height: world.setting.height, round: round))
    }

    /// The process is killed, and starts again from its files.
    mutating func crash() throws(ScenarioImpossible) {
        _ = machine.disk.end(.killed)
        machine.writes.fail(at: nil)
        machine.processes += 1
        (isStopped, asked, armed, hasAlarm) = (false, nil, [], false)
        host = try ScenarioWholeNode.process(chain, machine)
        if decision == nil { round = host.shell.consensusReport().status.round }
        armed = Set(host.shell.consensusReport().status.timers)
        try begin()
    }

    func failWrite(_ number: Int) { machine.writes.fail(at: number) }

    private func advance(_ milliseconds: UInt64) {
        let now = machine.moment.value
        machine.moment.set(
            Moment(instant: now.instant.advanced(byMilliseconds: milliseconds), clock: now.clock))
    }

    /// Lets everything that was asked be answered, and the clock go on.
    private mutating func settle() throws(ScenarioImpossible) {
        for _ in 0..<ScenarioWholeNode.turnsMax {
            host.shell.pulse()
            observe()
            var isQuiet = true
            for job in host.shell.takeJobs() where try finish(job) { isQuiet = false }
            for letter in host.outbox.take() where try handle(letter) { isQuiet = false }
            for late in peers.lateAnswers() where take(late) { isQuiet = false }
            observe()
            if isQuiet {
                advance(ScenarioWholeNode.interval)
                return
            }
            advance(ScenarioWholeNode.tick)
        }
        throw ScenarioImpossible(reason: "the node does not come to rest")
    }

    /// Whether the job led to an event.
    private mutating func finish(_ job: CoreJob) throws(ScenarioImpossible) -> Bool {
        switch job {
        case .build(_, _, _, let round):
            guard decision == nil else { return false }
            if asked != round { observed.append(.askValue) }
            asked = round
            return false
        case .judge(let block, let parent):
            do {
                host.shell.deliver(.judged(block.hash, try host.verifier.judgeInTurn(block, on: parent)))
            } catch {
                throw ScenarioImpossible(reason: "a block cannot be judged: \(error)")
            }
            return true
        case .connect(var batch):
            do {
                try batch.judgeInTurn(host.verifier)
                host.shell.deliver(.connected(batch))
            } catch {
                throw ScenarioImpossible(reason: "blocks cannot be judged: \(error)")
            }
            return true
        }
    }

    // MARK: - What is seen

    /// The certificates that it sends to a peer which says that it holds nothing.
    mutating func askForEverything() -> [Certificate] {
        guard let nothing = try? world.machine(nil).summary else { return [] }
        let answers = try? answers(to: nothing, of: peers.numbers[0])
        return (answers ?? []).compactMap { message in
            if case .certificate(let certificate) = message { certificate } else { nil }
        }
    }

    /// What it sends to a peer which says that it holds so much.
    mutating func answers(
        to summary: RoundSummary, of number: Int
    ) throws(ScenarioImpossible) -> [WireMessage] {
        let peer = try ScenarioWorld.key(number).publicKey
        let status = NodeStatus(
            tip: 0, tipHash: chain.genesis.hash, clock: machine.moment.value.clock, round: summary)
        host.shell.deliver(.status(status, from: peer))
        return host.outbox.take().filter { $0.peer == peer }.map(\.message)
    }

    /// What can be had for another node can be had for this one.
    mutating func learn(from other: ScenarioWholeNode) { peers.give(from: other.peers) }

    /// Whether the letter led to an event.
    private mutating func handle(_ letter: Outbox.Letter) throws(ScenarioImpossible) -> Bool {
        guard let peer = letter.peer else {
            see(letter.message)
            return false
        }
        guard let answer = try peers.answer(letter.message, by: peer) else { return false }
        return take(answer)
    }

    private mutating func take(_ answer: WireMessage) -> Bool {
        switch answer {
        case .positionAnswer(let answer):
            guard
                answer.verifies(
                    key: machine.key.publicKey, nonce: host.shell.reactor.nonce, validators: world.set,
                    chain: world.chain)
            else { return false }
            host.shell.deliver(.positionAnswer(member: answer.member, highest: answer.highest))
        case .value(let bytes):
            guard let block = try? CheckedBlock(decoding: bytes) else { return false }
            host.shell.deliver(.value(block))
        default: return false
        }
        return true
    }

    /// A message to everybody.
    private mutating func see(_ message: WireMessage) {
        peers.hear(message)
        switch message {
        case .vote(let signed) where signed.member == machine.key.publicKey:
            said.append(message)
            let vote = signed.vote
            observed.append(.vote(vote.type, round: vote.round, value: vote.value.map(name)))
        case .proposal(let signed, _) where signed.proposer == machine.key.publicKey:
            said.append(message)
            let proposal = signed.proposal
            observed.append(
                .proposal(
                    round: proposal.round, value: name(proposal.value), validRound: proposal.validRound))
        case .certificate(let certificate): sent.append(certificate)
        case .roundCertificate(let certificate): justified.append(certificate.round)
        default: break
        }
    }

    private mutating func observe() {
        for event in host.takeEvents() {
            switch event {
            case .round(world.setting.height, let entered):
                round = entered
                observed.append(.entered(entered))
            case .misbehaviour(let key):
                evidenceCount += 1
                observed.append(.evidence(world.number(of: key), nil))
            case .block(_, let hash, _, let round):
                decision = (name(hash), round)
                observed.append(.decided(round: round, value: name(hash)))
            default: break
            }
        }
        let timers = Set(decision == nil ? host.shell.consensusReport().timers.map(\.timeout) : [])
        for timer in timers.subtracting(armed) { observed.append(.timer(timer.kind, timer.round)) }
        armed = timers
        if let reason = host.shell.reactor.signingStopped, !hasAlarm {
            hasAlarm = true
            let value = chain.blocks.first { reason.contains("\($0.value.hash)") }?.key
            observed.append(.alarm(value ?? "?"))
        }
        if host.shell.fault != nil, !isStopped {
            isStopped = true
            observed.append(.stopped)
        }
    }
}
