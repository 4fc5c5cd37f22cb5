import TimeCoinConsensus
import TimeCoinCore
import TimeCoinNode
import TimeCoinStore

/// A simulated machine and what runs on it.
final class Seat {
    let number: Int
    let disk: SimulatedDisk
    var clock: SimulatedClock
    /// `nil` while the process is down, and for a member gone bad.
    var host: (any SimulatedHost)?
    var byzantine: ByzantineMember?
    /// Counts processes: what was asked by one is not answered to the next.
    var generation = 0
    var frozenUntil: UInt64 = 0
    var pulseAt: UInt64?
    /// Final values, durable: what a database holds.
    var chain: [Decided] = []
    /// The same of a whole node.
    var store: MemoryChainStore?
    /// Height up to which the blocks of that store were judged.
    var judged: Height = 0
    /// The machine that a replay must give again; `nil` when some of it may be lost.
    var expected: ConsensusMachine?
    var isRestarting = false

    struct Decided {
        let value: Hash256
        let certificate: Certificate
    }

    init(_ number: Int, seed: UInt64) {
        self.number = number
        disk = SimulatedDisk(seed: seed, number: number)
        clock = SimulatedClock(number: number)
    }
}

/// One run: virtual time, machines, a network and what goes wrong with them.
final class SimulationWorld {
    enum Event {
        case deliver(Parcel, to: Int)
        case pulse(Int, generation: Int)
        indirect case job(SimulatedJob, of: Int, generation: Int)
        case trouble(FaultClass)
        case partitionEnds(Int)
        case roomAgain(Int)
        case restart(Int, generation: Int)
        case byzantine(Int)
        case payment
        case heal
        case deadline
    }

    enum Phase {
        case faults
        case healing(target: Height)
    }

    let plan: SimulationPlan
    let keys: SimulatedKeys
    let sets: SimulatedSets
    let chainHash: Hash256
    let proposerSeed: Hash256
    let parameters: ConsensusParameters
    /// `nil` in the profile without content.
    let nodes: NodeChain?
    let seats: [Seat]
    var now: UInt64 = 0
    var phase = Phase.faults
    var queue = EventQueue<Event>()
    var network: SimulatedNetwork
    var trouble: SimulatedTrouble
    var monitor: SafetyMonitor
    var counts = SimulationCounts()
    var trace = TraceHash()
    var samples: SimulationRandom
    var values: SimulationRandom
    var highestRound: Round = 0
    /// Told about every event, for people who look into one run.
    var narrator: ((String) -> Void)?

    /// One pulse of how many, about, has the size of its host looked at.
    private static let looksEvery: UInt64 = 32
    /// Events after which a run is given up as stalled.
    static let eventsMax: UInt64 = 20_000_000

    init?(_ plan: SimulationPlan) {
        let keys = SimulatedKeys(count: plan.weights.count, sleepers: plan.sleepers, isReal: plan.isReal)
        guard let keys, let sets = SimulatedSets(plan, keys) else { return nil }
        self.plan = plan
        self.keys = keys
        self.sets = sets
        if plan.options.profile == .node {
            guard let nodes = NodeChain(plan, keys) else { return nil }
            self.nodes = nodes
            chainHash = nodes.genesis.hash
            proposerSeed = nodes.genesis.state.seed
            parameters = ConsensusParameters(nodes.genesis.state.parameters)
        } else {
            nodes = nil
            chainHash = SimulationWorld.hash(plan.seed, 1)
            proposerSeed = SimulationWorld.hash(plan.seed, 2)
            parameters = ConsensusParameters(
                propose: 500, prevote: 250, precommit: 250, increment: 200, earlyEnd: plan.earlyEnd)
        }
        seats = plan.weights.indices.map { Seat($0, seed: plan.seed) }
        network = SimulatedNetwork(plan)
        trouble = SimulatedTrouble(plan)
        monitor = SafetyMonitor(
            sets: sets, seed: proposerSeed, isCorrect: plan.habits.map { $0 == nil })
        samples = SimulationRandom(seed: plan.seed, .samples)
        values = SimulationRandom(seed: plan.seed, .values)
    }

    private static func hash(_ seed: UInt64, _ number: UInt8) -> Hash256 {
        var random = SimulationRandom(seed: seed, .values, Int(number))
        return Hash256((0..<32).map { _ in UInt8(truncatingIfNeeded: random.next()) }) ?? .zero
    }

    // MARK: - Running

    /// Those of every height in the profile of whole nodes, where they never change.
    var validators: ValidatorSet { sets.electorate(of: 1).validators }

    func validators(of height: Height) -> ValidatorSet { sets.electorate(of: height).validators }

    var correct: [Seat] { seats.filter { plan.habits[$0.number] == nil } }

    /// Runs until the network has healed and decided, or a law is broken.
    func run() -> SimulationOutcome {
        begin()
        while monitor.violation == nil, !isOver, let (time, event) = queue.pop() {
            now = time
            monitor.now = time
            counts.events += 1
            handle(event)
            if counts.events > SimulationWorld.eventsMax {
                monitor.fail(.liveness, "\(SimulationWorld.eventsMax) events and no end")
            }
        }
        if monitor.violation == nil, !isOver { monitor.fail(.liveness, "nothing happens any more") }
        // Hosts know the world: the circle is cut.
        for seat in seats {
            seat.host = nil
            seat.byzantine = nil
        }
        counts += monitor.takeCounts()
        counts += network.counts
        counts += sets.counts
        for seat in seats {
            counts[.diskError] += UInt64(seat.disk.errors)
            counts[.fullDisk] += UInt64(seat.disk.refusals)
        }
        counts.highestRounds[SimulationCounts.place(of: highestRound)] += 1
        return SimulationOutcome(
            seed: plan.seed, nodes: seats.count, counts: counts, trace: trace.value,
            violation: monitor.violation)
    }

    private var isOver: Bool {
        guard case .healing(let target) = phase else { return false }
        return correct.allSatisfy { ($0.host?.tip ?? 0) >= target }
    }

    private func begin() {
        for seat in seats {
            if let habits = plan.habits[seat.number] {
                seat.byzantine = ByzantineMember(self, seat.number, habits)
                if habits.contains(.silent) { counts[.silentMember] += 1 }
                queue.push(.byzantine(seat.number), at: 50)
            } else {
                SimulatedFiles.create(on: seat.disk, number: seat.number)
                if let drift = trouble.drawDrift() {
                    seat.clock.setDrift(drift, at: 0)
                    counts[.clockDrift] += 1
                }
                start(seat)
            }
        }
        for (fault, time) in trouble.firsts() { queue.push(.trouble(fault), at: time) }
        if nodes != nil { queue.push(.payment, at: 20) }
        queue.push(.heal, at: plan.faultsUntil)
    }

    private func handle(_ event: Event) {
        switch event {
        case .deliver(let parcel, let to): deliver(parcel, to: to)
        case .pulse(let number, let generation):
            let seat = seats[number]
            guard seat.generation == generation, let host = seat.host else { return }
            guard !postponed(event, for: seat) else { return }
            seat.pulseAt = nil
            trace.combine(now << 8 | UInt64(number))
            call(seat) { host.pulse() }
            watch(host, seat)
        case .job(let job, let number, let generation):
            let seat = seats[number]
            guard seat.generation == generation, let host = seat.host else { return }
            guard !postponed(event, for: seat) else { return }
            trace.combine(now << 9 | UInt64(number))
            call(seat) { host.finish(job) }
        case .trouble(let fault):
            guard case .faults = phase else { return }
            cause(fault)
            if let time = trouble.next(fault, after: now) { queue.push(event, at: time) }
        case .partitionEnds(let number): network.endPartition(number)
        case .roomAgain(let number): seats[number].disk.setFull(false)
        case .restart(let number, let generation):
            if seats[number].generation == generation, seats[number].host == nil { start(seats[number]) }
        case .byzantine(let number):
            seats[number].byzantine?.tick()
            queue.push(event, at: now + 50 + trouble.byzantine.below(150))
        case .payment: pay()
        case .heal:
            if case .faults = phase { heal() }
        case .deadline:
            if !isOver { monitor.fail(.liveness, standing) }
        }
    }

    private func deliver(_ parcel: Parcel, to: Int) {
        let (seat, message, from) = (seats[to], parcel.message, parcel.from)
        guard !postponed(.deliver(parcel, to: to), for: seat) else { return }
        trace.combine(now << 16 | UInt64(from) << 8 | UInt64(to))
        trace.combine(message)
        if let narrator { narrator("\(now) \(from)>\(to) \(message.summary)") }
        if let byzantine = seat.byzantine { return byzantine.receive(message, from: from) }
        guard let host = seat.host else { return }
        call(seat) { host.receive(message, from: from) }
    }

    /// What comes while a machine stands still comes when it goes on.
    private func postponed(_ event: Event, for seat: Seat) -> Bool {
        guard seat.frozenUntil > now else { return false }
        queue.push(event, at: seat.frozenUntil)
        return true
    }

    /// Lets a host do something, and looks whether it has survived that.
    func call(_ seat: Seat, _ body: () -> Void) {
        body()
        settle(seat)
    }

    private func settle(_ seat: Seat) {
        guard let host = seat.host else { return }
        if seat.disk.isDead {
            die(seat)
        } else if host.hasFault {
            // The process ends by itself; what it wrote is with the system.
            down(seat, .killed, restartAfter: 1000)
        } else {
            if host.isMute { monitor.fail(.fault, "correct member \(seat.number) will never sign again") }
            if host.tip >= plan.heights, case .faults = phase { queue.push(.heal, at: now) }
            schedulePulse(seat)
        }
    }

    private func schedulePulse(_ seat: Seat) {
        guard let deadline = seat.host?.nextDeadline else { return }
        let time = now + seat.clock.wait(until: deadline, at: now)
        if let present = seat.pulseAt, present <= time { return }
        seat.pulseAt = time
        queue.push(.pulse(seat.number, generation: seat.generation), at: time)
    }

    private func watch(_ host: any SimulatedHost, _ seat: Seat) {
        highestRound = max(highestRound, host.round)
        guard counts.events % SimulationWorld.looksEvery == 0 else { return }
        let bound = 64 + 32 * max(seats.count, sets.membersMax)
        if host.footprint > bound {
            monitor.fail(.memory, "member \(seat.number) holds \(host.footprint) things, at most \(bound)")
        }
    }

    func schedule(_ job: SimulatedJob, of number: Int, after delay: UInt64) {
        queue.push(.job(job, of: number, generation: seats[number].generation), at: now + max(1, delay))
    }

    /// Heights, rounds and steps of all, for a message.
    var standing: String {
        seats.map { seat in
            guard let host = seat.host else { return seat.byzantine == nil ? "down" : "bad" }
            return "\(host.tip)/\(host.round)"
        }.joined(separator: " ")
    }
}

extension WireMessage {
    /// In a line, for people.
    var summary: String {
        switch self {
        case .status(let status): "status \(status.tip) round \(status.round.round)"
        case .vote(let signed):
            "\(signed.vote.type) \(signed.vote.height)/\(signed.vote.round) "
                + "\(signed.vote.value.map { String($0.description.prefix(12)) } ?? "nil") by "
                + "\(signed.member.description.prefix(6)) "
                + "valid \(signed.vote.validRound.map(String.init) ?? "-")"
        case .proposal(let signed, _):
            "proposal \(signed.proposal.height)/\(signed.proposal.round) "
                + "\(signed.proposal.value.description.prefix(12)) valid "
                + "\(signed.proposal.validRound.map(String.init) ?? "-")"
        case .certificate(let certificate):
            "\(certificate.kind) \(certificate.height)/\(certificate.round)"
        case .roundCertificate(let certificate): "round \(certificate.height)/\(certificate.round)"
        default: "\(type)"
        }
    }
}
