import TimeCoinConsensus
import TimeCoinCore
import TimeCoinNode
import TimeCoinStore

/// A node of values without content: the consensus machine, the signing gate and the durable files are those
/// of the product; what is between them is as small as it can be.
final class ConsensusHost: SimulatedHost {
    /// A message of the next height: who decides that, and so what it is worth, is known when this one is
    /// over.
    private struct Early {
        let peer: Int
        let message: WireMessage
    }

    private let world: SimulationWorld
    private let seat: Seat
    private let own: PublicKey
    private let journal: StoredJournal
    private let signer: Signer
    private let nonce: Hash256
    private(set) var machine: ConsensusMachine
    private var gate: SigningGate
    /// Those who are asked before the first signature.
    private let asked: ValidatorSet
    private(set) var hasFault = false
    private var isStopped = false
    private var signsAbove: Height
    private var timers: [(timeout: Timeout, deadline: Instant)] = []
    private var startAt: Instant?
    private var statusAt: Instant
    private var judging: Set<Hash256> = []
    private var building: Round?
    private var early: [Early] = []
    private var positions: [SignedPosition?]
    private var ownInputs: [(ConsensusInput, WireMessage)] = []
    private var isDraining = false

    private static let statusInterval: UInt64 = 500
    /// Messages of the next height kept of each peer.
    private static let earlyMax = 12

    /// Starts from the disk, as the program does.
    init(_ world: SimulationWorld, _ seat: Seat) throws {
        self.world = world
        self.seat = seat
        own = world.keys.keys[seat.number]
        journal = try SimulatedFiles.journal(on: seat.disk)
        let record = try StoredSignRecord(opening: SimulatedFiles.record, files: seat.disk)
        let keys = world.keys
        let number = seat.number
        signer = Signer(key: own, chain: world.chainHash, record: record) {
            keys.sign($0, by: number)
        }
        let height = Height(seat.chain.count) + 1
        machine = world.freshMachine(seat, height)
        asked = machine.validators
        gate = SigningGate(
            own: own, record: signer.signedAtStart, validators: asked, chain: world.chainHash)
        nonce = SimulatedValue.make(
            by: number, at: seat.clock.wall(at: world.now), isValid: true, salt: world.values.next())
        let now = seat.clock.instant(at: world.now)
        statusAt = now
        startAt = now.advanced(byMilliseconds: world.values.below(200))
        positions = [SignedPosition?](repeating: nil, count: world.seats.count)
        let entries = try journal.entries(of: height)
        signsAbove = max(
            journal.damagedUpTo ?? 0,
            NodeRecovery.lostHeight(entries, signer.signedAtStart.last, above: height - 1) ?? 0)
        var said: Set<OwnMessage> = []
        for case .record(let record) in entries {
            let input = record.input(
                validators: machine.validators, chain: world.chainHash, check: world.keys.check)
            guard let input else { continue }
            said.formUnion(machine.handle(input).toSign)
            note(input)
        }
        world.judgeRecovery(of: seat, machine, said: said, signsAbove: signsAbove)
    }

    var tip: Height { Height(seat.chain.count) }
    var round: Round { machine.round }
    var isMute: Bool { isStopped }
    var footprint: Int { machine.footprint + early.count + judging.count }

    private var now: Instant { seat.clock.instant(at: world.now) }
    private var isVoting: Bool { !isStopped && gate.state == .open && machine.height > signsAbove }

    var nextDeadline: Instant? {
        var next = statusAt
        for timer in timers { next = min(next, timer.deadline) }
        if let startAt, !machine.hasStarted { next = min(next, startAt) }
        return next
    }

    // MARK: - Events

    func resume() {
        arm(machine.timers)
        sign(machine.outstanding)
        serve(machine.requests)
        if let decision = machine.decision { commit(decision) }
        drain()
    }

    func connected(_ peer: Int) {
        guard gate.state == .asking else { return }
        world.send(.positionQuery(own, nonce: nonce), from: seat.number, to: peer)
    }

    func gone(_ peer: Int) {}

    func pulse() {
        let now = now
        for timer in timers where timer.deadline <= now {
            feed(.elapsed(timer.timeout))
        }
        timers.removeAll { $0.deadline <= now }
        if let start = startAt, start <= now {
            startAt = nil
            feed(.start)
        }
        if statusAt <= now {
            statusAt = now.advanced(byMilliseconds: ConsensusHost.statusInterval)
            world.broadcast(.status(status), from: seat.number)
            if gate.state == .asking {
                world.counts[.signerQuestion] += 1
                world.broadcast(.positionQuery(own, nonce: nonce), from: seat.number)
            }
        }
        drain()
    }

    private var status: NodeStatus {
        NodeStatus(
            tip: tip, tipHash: seat.chain.last?.value ?? .zero, clock: seat.clock.wall(at: world.now),
            round: machine.summary)
    }

    func finish(_ job: SimulatedJob) {
        switch job {
        case .verdict(let value, let isValid):
            if judging.remove(value) != nil { feed(.verdict(value, isValid: isValid)) }
        case .built(let value, let height, let round):
            if height == machine.height { feed(.built(round: round, value: value)) }
        case .core: break
        }
        drain()
    }

    func receive(_ message: WireMessage, from peer: Int) {
        take(message, from: peer)
        drain()
    }

    private func take(_ message: WireMessage, from peer: Int) {
        switch message {
        case .status(let status): take(status, from: peer)
        case .vote(let signed): take(message, of: signed.vote.height, from: peer)
        case .proposal(let signed, _): take(message, of: signed.proposal.height, from: peer)
        case .certificate(let certificate): take(message, of: certificate.height, from: peer)
        case .roundCertificate(let certificate): take(message, of: certificate.height, from: peer)
        case .positionQuery(let key, let nonce):
            let highest = world.keys.number(of: key).flatMap { $0 < positions.count ? positions[$0] : nil }
            let answer = signer.answer(about: key, nonce: nonce, highest: highest)
            world.send(.positionAnswer(answer), from: seat.number, to: peer)
        case .positionAnswer(let answer): take(answer)
        default: break
        }
    }

    /// Consensus messages of this height are verified, those of the next wait, others are dropped.
    private func take(_ message: WireMessage, of height: Height, from peer: Int) {
        if height == machine.height + 1 {
            guard early.count(where: { $0.peer == peer }) < ConsensusHost.earlyMax else { return }
            return early.append(Early(peer: peer, message: message))
        }
        guard height == machine.height else { return }
        guard let input = verified(message) else {
            return world.refused(message, from: peer, by: seat.number)
        }
        note(input)
        feed(input)
    }

    private func verified(_ message: WireMessage) -> ConsensusInput? {
        let (validators, chain, check) = (machine.validators, world.chainHash, world.keys.check)
        switch message {
        case .vote(let signed):
            return VerifiedVote(signed, validators: validators, chain: chain, check: check).map { .vote($0) }
        case .proposal(let signed, _):
            let isTimely = SimulatedValue.isTimely(
                signed.proposal.value, at: seat.clock.wall(at: world.now))
            return VerifiedProposal(signed, validators: validators, chain: chain, check: check)
                .map { .proposal($0, isTimely: isTimely) }
        case .certificate(let certificate):
            let verified = try? VerifiedCertificate(
                certificate, validators: validators, chain: chain, check: check)
            return verified.map { .certificate($0) }
        case .roundCertificate(let certificate):
            let verified = try? VerifiedRoundCertificate(
                certificate, validators: validators, chain: chain, check: check)
            return verified.map { .roundCertificate($0) }
        default: return nil
        }
    }

    /// What others ask for after they start again.
    private func note(_ input: ConsensusInput) {
        let seen: SignedPosition
        switch input {
        case .vote(let vote): seen = .vote(vote.signed)
        case .proposal(let proposal, _): seen = .proposal(proposal.signed)
        default: return
        }
        guard let number = world.keys.number(of: seen.signer) else { return }
        if let known = positions[number], known.position >= seen.position { return }
        positions[number] = seen
    }

    private func take(_ status: NodeStatus, from peer: Int) {
        if status.tip < tip {
            let missing = seat.chain[Int(status.tip)]
            world.counts[.caughtUp] += 1
            return world.send(.certificate(missing.certificate), from: seat.number, to: peer)
        }
        if status.tip > tip {
            // Nobody is believed; but asking costs nothing.
            guard status.tip > tip + 1 else { return }
            return world.send(.status(self.status), from: seat.number, to: peer)
        }
        let held = machine.held(beyond: status.round)
        for certificate in held.certificates {
            world.send(.certificate(certificate), from: seat.number, to: peer)
        }
        if let certificate = held.roundCertificate {
            world.send(.roundCertificate(certificate), from: seat.number, to: peer)
        }
        for proposal in held.proposals {
            world.send(.proposal(proposal, nil), from: seat.number, to: peer)
        }
        for vote in held.votes { world.send(.vote(vote), from: seat.number, to: peer) }
    }

    private func take(_ answer: PositionAnswer) {
        guard gate.state == .asking,
            answer.verifies(
                key: own, nonce: nonce, validators: asked, chain: world.chainHash,
                check: world.keys.check)
        else { return }
        gate.answer(from: answer.member, highest: answer.highest)
        switch gate.state {
        case .open:
            sign(machine.outstanding)
            serve(machine.requests)
        case .contradicted: isStopped = true
        case .asking: break
        }
    }

    // MARK: - Consensus

    private func feed(_ input: ConsensusInput) {
        let height = machine.height
        let effects = machine.handle(input)
        guard effects.refusal == nil, !hasFault else { return }
        guard
            perform({
                for record in effects.records { try journal.append(.record(record), height: height) }
            })
        else { return }
        sign(effects.toSign)
        for certificate in effects.toSend {
            world.broadcast(.certificate(certificate), from: seat.number)
        }
        if let certificate = effects.toJustify {
            world.broadcast(.roundCertificate(certificate), from: seat.number)
        }
        arm(effects.timers)
        for misbehaviour in effects.misbehaviour {
            world.monitor.blamed(world.keys.number(of: misbehaviour.member), by: seat.number)
        }
        if let value = effects.certifiedInvalid {
            world.monitor.fail(.validity, "member \(seat.number): a certified value is invalid: \(value)")
        }
        serve(effects.requests)
        if let decision = effects.decision { commit(decision) }
    }

    /// Does something with files; after a failure nothing is done any more.
    private func perform(_ body: () throws -> Void) -> Bool {
        guard !hasFault else { return false }
        do {
            try body()
        } catch {
            hasFault = true
        }
        return !hasFault
    }

    private func sign(_ messages: [OwnMessage]) {
        guard isVoting, !messages.isEmpty, perform({ try journal.sync() }) else { return }
        let (validators, chain, check) = (machine.validators, world.chainHash, world.keys.check)
        for message in messages {
            var signature: Signature?
            guard perform({ signature = try signer.sign(message) }) else { return }
            guard let signature else { continue }
            world.monitor.signed(message, by: seat.number)
            switch message {
            case .vote(let vote):
                let signed = SignedVote(vote: vote, member: own, signature: signature)
                if let verified = VerifiedVote(signed, validators: validators, chain: chain, check: check) {
                    ownInputs.append((.vote(verified), .vote(signed)))
                }
            case .proposal(let proposal):
                let signed = SignedProposal(proposal: proposal, proposer: own, signature: signature)
                if let verified = VerifiedProposal(
                    signed, validators: validators, chain: chain, check: check)
                {
                    ownInputs.append((.proposal(verified, isTimely: true), .proposal(signed, nil)))
                }
            }
        }
    }

    /// Own messages come back as inputs and leave.
    private func drain() {
        guard !isDraining else { return }
        isDraining = true
        defer { isDraining = false }
        while !ownInputs.isEmpty, !hasFault {
            let (input, message) = ownInputs.removeFirst()
            note(input)
            feed(input)
            if !hasFault { world.broadcast(message, from: seat.number) }
        }
    }

    private func arm(_ wanted: [Timeout]) {
        let now = now
        timers = wanted.map { timeout in
            timers.first { $0.timeout == timeout }
                ?? (timeout, now.advanced(byMilliseconds: machine.parameters.duration(of: timeout)))
        }
    }

    private func serve(_ requests: [ConsensusRequest]) {
        for request in requests {
            switch request {
            case .judge(let value):
                guard judging.insert(value).inserted else { continue }
                var delay = 1 + world.values.below(5) as UInt64
                if world.plan.lateContent, world.values.chance(permille: 150), case .faults = world.phase {
                    delay += world.values.below(4000)
                    world.counts[.lateContent] += 1
                }
                world.schedule(
                    .verdict(value, isValid: SimulatedValue.isValid(value)), of: seat.number, after: delay)
            case .build(let round):
                guard building != round, isVoting else { continue }
                building = round
                let value = SimulatedValue.make(
                    by: seat.number, at: seat.clock.wall(at: world.now), isValid: true,
                    salt: world.values.next())
                world.schedule(
                    .built(value, height: machine.height, round: round), of: seat.number,
                    after: 1 + world.values.below(5))
            }
        }
    }

    private func commit(_ decision: Decision) {
        let certificate = decision.certificate.certificate
        guard perform({ try journal.sync() }), seat.disk.survives() else { return }
        world.monitor.decided(
            decision.value, certificate, at: machine.height, by: seat.number,
            isValid: SimulatedValue.isValid(decision.value), chain: world.chainHash, check: world.keys.check)
        seat.chain.append(Seat.Decided(value: decision.value, certificate: certificate))
        let height = machine.height + 1
        if height.isMultiple(of: 8), !perform({ try journal.prune(below: height - 2) }) { return }
        machine = world.freshMachine(seat, height)
        timers = []
        judging = []
        building = nil
        startAt = now.advanced(byMilliseconds: world.values.below(40))
        ownInputs = []
        let waiting = early
        early = []
        for early in waiting { take(early.message, from: early.peer) }
        world.forgetOldHeights()
    }
}
