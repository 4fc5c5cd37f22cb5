// Four members in one process decide five values: real signatures, virtual time; one of them starts again.
// What is durable is an array here: a program appends to a file, and syncs it before it goes on.
import TimeCoinConsensus
import TimeCoinCore

let chain = Blake2b.hash256(.block, Array("EmbedConsensus".utf8))
let keys = (1...4).compactMap { SigningKey(seed: [UInt8](repeating: $0, count: 32)) }
let validators = try ValidatorSet(keys.map { Member(operatorKey: $0.publicKey, weight: 1) })
let times = ConsensusParameters(propose: 500, prevote: 250, precommit: 250, increment: 100)
var now: UInt64 = 0
var agenda: [(time: UInt64, host: Host, height: Height, event: JournalRecord)] = []

@MainActor final class Host {
    private let key: SigningKey
    private(set) var machine: ConsensusMachine, decisions: [Decision] = []
    private var journal: [JournalRecord] = [], record: [SignerRecord] = []  // Durable.
    private var positions = SignerPositions(), armed: [Timeout] = []

    init(_ key: SigningKey) { (self.key, machine) = (key, Host.machine(of: 1, key)) }
    private static func machine(of height: Height, _ key: SigningKey) -> ConsensusMachine {
        ConsensusMachine(
            height: height, validators: validators, seed: chain, chain: chain, own: key.publicKey,
            parameters: times)
    }
    /// Lets something happen to this member later.
    func later(_ milliseconds: UInt64, _ event: JournalRecord, at height: Height) {
        let place = agenda.firstIndex { $0.time > now + milliseconds } ?? agenda.endIndex
        agenda.insert((now + milliseconds, self, height, event), at: place)
    }
    /// Whatever happens, in the form of the journal; `input` verifies signatures with the set of the height.
    func take(_ event: JournalRecord, at height: Height) {
        if height > machine.height { return later(10, event, at: height) }
        guard height == machine.height, let input = event.input(validators: validators, chain: chain)
        else { return }
        let effects = machine.handle(input)
        guard effects.refusal == nil else { return }
        journal += effects.records  // 1. Durable before anything below.
        effects.toSign.forEach(say)  // 2. Signed, recorded, sent.
        for certificate in effects.toSend { send(.certificate(certificate)) }
        if let votes = effects.toJustify { send(.roundCertificate(votes)) }
        follow(effects.timers, effects.requests)
        guard let decision = effects.decision else { return }
        decisions.append(decision)  // 5. Durable; then the journal of the height is over.
        (journal, armed, machine) = ([], [], Host.machine(of: height + 1, key))
        later(100, .start, at: height + 1)
    }
    /// 3. Timers, 4. requests: what is wanted now. What was asked for before is on its way.
    private func follow(_ timers: [Timeout], _ requests: [ConsensusRequest]) {
        let height = machine.height
        for timer in timers where !armed.contains(timer) {
            later(times.duration(of: timer), .elapsed(timer), at: height)
        }
        armed = timers
        for case .judge(let value) in requests { later(1, .verdict(value, isValid: true), at: height) }
        for case .build(let round) in requests {
            let value = Blake2b.hash256(.block, Array("\(height) \(round) \(key.publicKey)".utf8))
            later(1, .built(round: round, value: value), at: height)
        }
    }
    private func say(_ message: OwnMessage) {
        let (position, bytes) = (SignerPosition(message), message.signedBytes(chain: chain))
        let entry = SignerRecord(position: position, bytes: bytes, signature: key.sign(bytes))
        let answer = positions.answer(position, bytes: bytes)
        if answer == .refuse { return }  // Never two messages at one position.
        if answer == .sign { record.append(entry) }  // Durable before the signature leaves.
        positions.note(entry)
        let (own, tag) = (key.publicKey, entry.signature)
        switch message {
        case .vote(let vote): send(.vote(SignedVote(vote: vote, member: own, signature: tag)))
        case .proposal(let new):
            send(.proposal(SignedProposal(proposal: new, proposer: own, signature: tag), isTimely: true))
        }
    }
    private func send(_ message: JournalRecord) {
        for host in hosts { host.later(10, message, at: machine.height) }
    }
    /// The process has ended; this is the next one. In a network of machines it asks a `SigningGate` first.
    func restart() {
        (machine, positions, armed) = (Host.machine(of: machine.height, key), SignerPositions(), [])
        for entry in record { positions.note(entry) }
        let inputs = journal.compactMap { $0.input(validators: validators, chain: chain) }
        for input in inputs { _ = machine.handle(input) }
        machine.outstanding.forEach(say)
        follow(machine.timers, machine.requests)
    }
}

let hosts = keys.map(Host.init)
for host in hosts { host.take(.start, at: 1) }
while hosts.contains(where: { $0.decisions.count < 5 }) {
    let next = agenda.removeFirst()
    now = next.time
    next.host.take(next.event, at: next.height)
    if now == 11 { hosts[2].restart() }
}
for height in 0..<5 {
    let values = Set(hosts.map { "\($0.decisions[height].value)" })
    print("height \(height + 1): \(values.sorted().joined(separator: " or "))")
}
