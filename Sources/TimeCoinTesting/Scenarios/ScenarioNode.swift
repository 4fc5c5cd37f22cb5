import TimeCoinConsensus
import TimeCoinCore

/// One machine with what a host gives it: a journal, a record of signatures, verdicts on values.
///
/// The order is that of a node: an input's record is written, then each signature's, then a message leaves.
struct ScenarioNode: Sendable {
    /// `nil` for an observer.
    let member: Int?
    let world: ScenarioWorld
    private(set) var machine: ConsensusMachine
    /// What happened in the present step.
    var observed: [ScenarioOutput] = []
    /// What happened on entering a round that a later `New` names.
    var carried: [ScenarioOutput] = []
    private(set) var sent: [Certificate] = []
    private(set) var justified: [Round] = []
    private(set) var evidenceCount = 0
    /// Everything that this machine said.
    private(set) var said: [ConsensusInput] = []
    /// What it said and has not come back.
    private(set) var away: [ConsensusInput] = []
    private(set) var isStopped = false
    var writesUntilFailure: Int?
    /// Whether values are valid, as far as the host knows.
    private(set) var verdicts: [Hash256: Bool] = [:]
    private var names: [Hash256: String] = [:]

    private var journal: [[UInt8]] = []
    private var signatures: [[UInt8]] = []
    private var signer = SignerPositions()
    /// The machine at its last written record.
    private var durable: ConsensusMachine
    private var armed: Set<Timeout> = []
    private var asked: Round?

    /// Inputs that follow from one input at most; more is a loop.
    private static let cascadeMax = 1000

    init(_ member: Int?, in world: ScenarioWorld) throws(ScenarioImpossible) {
        self.member = member
        self.world = world
        machine = try world.machine(member)
        durable = machine
    }

    mutating func beginStep() {
        observed = []
        sent = []
        justified = []
    }

    mutating func learn(_ value: String) { names[world.hash(value)] = value }

    /// The first verdict on a value stays: validity is a function of the value.
    mutating func judge(_ value: String, _ isValid: Bool) {
        let hash = world.hash(value)
        if verdicts[hash] == nil { verdicts[hash] = isValid }
    }

    /// Takes over what another host knows of values: content travels with the messages about it.
    mutating func learn(from other: ScenarioNode) {
        names.merge(other.names) { own, _ in own }
        verdicts.merge(other.verdicts) { own, _ in own }
    }

    func name(_ value: Hash256) -> String { names[value] ?? "?" }

    /// Feeds one input and all that follows from it inside this node.
    ///
    /// - Parameter hidesRefusals: for what comes in bulk and may be known.
    mutating func feed(_ first: ConsensusInput, hidesRefusals: Bool = false) throws(ScenarioImpossible) {
        guard !isStopped else { throw ScenarioImpossible(reason: "the process has stopped; 'crash' first") }
        var queue = [first]
        var count = 0
        while !queue.isEmpty, !isStopped {
            count += 1
            guard count <= ScenarioNode.cascadeMax else {
                throw ScenarioImpossible(
                    reason: "more than \(ScenarioNode.cascadeMax) inputs follow from one")
            }
            let input = queue.removeFirst()
            queue += try step(input, hidesRefusals: hidesRefusals || count > 1)
        }
    }

    private mutating func step(
        _ input: ConsensusInput, hidesRefusals: Bool
    ) throws(ScenarioImpossible) -> [ConsensusInput] {
        let before = machine
        let effects = machine.handle(input)
        if let refusal = effects.refusal {
            guard machine == before else {
                throw ScenarioImpossible(reason: "refused as \(refusal.rawValue), yet the machine changed")
            }
            if !hidesRefusals { observed.append(.refused(refusal.rawValue)) }
            return []
        }
        for record in effects.records where !isStopped {
            if writes() { journal.append(record.encoded) }
        }
        guard !isStopped else { return [] }
        durable = machine
        observe(effects, since: before)
        var following: [ConsensusInput] = []
        for message in effects.toSign where !isStopped { following += try sign(message) }
        return following + answers(to: effects.requests)
    }

    /// Whether a write succeeds; the one that does not stops the process.
    private mutating func writes() -> Bool {
        guard let left = writesUntilFailure else { return true }
        writesUntilFailure = left > 1 ? left - 1 : nil
        guard left <= 1 else { return true }
        isStopped = true
        observed.append(.stopped)
        return false
    }

    private mutating func observe(_ effects: ConsensusEffects, since before: ConsensusMachine) {
        if machine.round != before.round { observed.append(.entered(machine.round)) }
        for timer in effects.timers where armed.insert(timer).inserted {
            observed.append(.timer(timer.kind, timer.round))
        }
        armed.formIntersection(effects.timers)
        for misbehaviour in effects.misbehaviour {
            evidenceCount += 1
            observed.append(.evidence(world.number(of: misbehaviour.member), misbehaviour.kind))
        }
        sent += effects.toSend
        if let round = effects.toJustify?.round { justified.append(round) }
        if let decision = effects.decision {
            observed.append(.decided(round: decision.round, value: name(decision.value)))
        }
        if let value = effects.certifiedInvalid { observed.append(.alarm(name(value))) }
    }

    /// Signs once a position, or gives the stored signature again.
    private mutating func sign(_ message: OwnMessage) throws(ScenarioImpossible) -> [ConsensusInput] {
        guard let member else { return [] }
        let bytes = message.signedBytes(chain: world.chain)
        let key = try ScenarioWorld.key(member)
        let position = SignerPosition(message)
        let signature: Signature
        switch signer.answer(position, bytes: bytes) {
        case .reuse(let stored): signature = stored
        case .refuse: throw ScenarioImpossible(reason: "asks for a second signature at \(position)")
        case .sign:
            signature = key.sign(bytes)
            let record = SignerRecord(position: position, bytes: bytes, signature: signature)
            guard writes() else { return [] }
            signatures.append(record.encoded)
            signer.note(record)
        }
        guard let input = input(message, of: key.publicKey, signature) else {
            throw ScenarioImpossible(reason: "an own message does not verify")
        }
        observed.append(said(message))
        said.append(input)
        guard world.setting.ownReturns else {
            away.append(input)
            return []
        }
        return [input]
    }

    private func input(_ message: OwnMessage, of key: PublicKey, _ signature: Signature) -> ConsensusInput? {
        switch message {
        case .vote(let vote):
            VerifiedVote(
                SignedVote(vote: vote, member: key, signature: signature), validators: world.set,
                chain: world.chain
            ).map { .vote($0) }
        case .proposal(let proposal):
            VerifiedProposal(
                SignedProposal(proposal: proposal, proposer: key, signature: signature),
                validators: world.set, chain: world.chain
            ).map { .proposal($0, isTimely: true) }
        }
    }

    private func said(_ message: OwnMessage) -> ScenarioOutput {
        switch message {
        case .vote(let vote): .vote(vote.type, round: vote.round, value: vote.value.map(name))
        case .proposal(let proposal):
            .proposal(
                round: proposal.round, value: name(proposal.value), validRound: proposal.validRound)
        }
    }

    /// Verdicts that the host knows, and the question for a value to the scenario.
    private mutating func answers(to requests: [ConsensusRequest]) -> [ConsensusInput] {
        var answers: [ConsensusInput] = []
        for request in requests {
            switch request {
            case .judge(let value):
                if let isValid = verdicts[value] { answers.append(.verdict(value, isValid: isValid)) }
            case .build(let round):
                if asked != round { observed.append(.askValue) }
                asked = round
            }
        }
        return answers
    }

    /// Takes what the machine said off the way, to let it come back: all, or the first of a kind.
    mutating func returning(_ kind: ScenarioMessage.Kind?) throws(ScenarioImpossible) -> [ConsensusInput] {
        guard let kind else {
            defer { away = [] }
            return away
        }
        let place = away.firstIndex { input in
            switch input {
            case .proposal: kind == .proposal
            case .vote(let vote): kind == (vote.vote.type == .prevote ? .prevote : .precommit)
            default: false
            }
        }
        guard let place else {
            throw ScenarioImpossible(reason: "no such own message is on its way; 'own withheld' keeps them")
        }
        return [away.remove(at: place)]
    }

    /// Ends the process and starts it again from what was written.
    mutating func crash() throws(ScenarioImpossible) {
        machine = try world.machine(member)
        signer = SignerPositions()
        (isStopped, writesUntilFailure, away, asked) = (false, nil, [], nil)
        var records: [JournalRecord] = []
        do {
            for bytes in journal { records.append(try JournalRecord(decoding: bytes)) }
            for bytes in signatures { signer.note(try SignerRecord(decoding: bytes)) }
        } catch {
            throw ScenarioImpossible(reason: "a written record cannot be read: \(error)")
        }
        for record in records {
            guard let input = record.input(validators: world.set, chain: world.chain) else {
                throw ScenarioImpossible(reason: "a written record does not verify: \(record)")
            }
            _ = machine.handle(input)
        }
        guard machine == durable else {
            throw ScenarioImpossible(reason: "the journal does not lead to the machine before the crash")
        }
        armed = Set(machine.timers)
        var following: [ConsensusInput] = []
        for message in machine.outstanding { following += try sign(message) }
        following += answers(to: machine.requests)
        for input in following { try feed(input, hidesRefusals: true) }
    }
}
