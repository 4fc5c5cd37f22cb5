import Testing
import TimeCoinCore

@testable import TimeCoinConsensus

/// One machine beside all that the paper allows, and beside its own journal, on the same inputs.
struct LawWorld {
    let members: Members
    let own: Int
    let label: String
    private(set) var machine: ConsensusMachine
    /// States of the paper's process that look like the machine.
    private(set) var allowed: Set<PaperProcess>
    /// What the journal leads to.
    private var shadow: ConsensusMachine
    private(set) var said: Set<PaperProcess.Message> = []
    /// What the machine said and has not come back.
    var away: [OwnMessage] = []
    private(set) var refusals = 0
    private(set) var evidence: [Misbehaviour] = []

    static let names = ["a", "b"]

    init(_ members: Members, weights: [UInt64], own: Int, label: String) throws {
        self.members = members
        self.own = own
        self.label = label
        machine = members.machine(own)
        shadow = machine
        let proposers = try weights.indices.map { try members.proposer(Round($0)) }
        allowed = [PaperProcess(own: own, weights: weights.map { Int($0) }, proposers: proposers)]
    }

    func hash(_ name: String) -> Hash256 { members.value(name.utf8.first ?? 0) }

    func name(_ value: Hash256) -> String { LawWorld.names.first { hash($0) == value } ?? "?" }

    func member(_ key: PublicKey) -> Int { members.keys.firstIndex { $0.publicKey == key } ?? -1 }

    /// Hands an input to all three and compares them.
    @discardableResult
    mutating func feed(_ input: ConsensusInput) throws -> ConsensusEffects {
        let before = machine
        let effects = machine.handle(input)
        for message in effects.toSign {
            said.insert(read(message))
            away.append(message)
        }
        evidence += effects.misbehaviour
        if effects.refusal != nil {
            refusals += 1
            #expect(machine == before, "\(label): refused, yet changed: \(input)")
            #expect(effects.records.isEmpty && effects.toSign.isEmpty && effects.toSend.isEmpty, "\(label)")
            #expect(effects.decision == nil && effects.misbehaviour.isEmpty, "\(label)")
        }
        try checkJournal(effects, input)
        try checkCertificates(effects)
        checkPaper(input)
        return effects
    }

    /// What a machine says follows from its records alone, this input's included.
    private mutating func checkJournal(_ effects: ConsensusEffects, _ input: ConsensusInput) throws {
        guard effects.refusal == nil else { return }
        #expect(effects.records == [JournalRecord(input)], "\(label): what it took is not recorded")
        for record in effects.records {
            let decoded = try JournalRecord(decoding: record.encoded)
            let again = try #require(decoded.input(validators: members.set, chain: members.chain))
            let replayed = shadow.handle(again)
            #expect(replayed == effects, "\(label): the journal leads to other effects at \(input)")
        }
        #expect(shadow == machine, "\(label): the journal leads elsewhere at \(input)")
        #expect(shadow.outstanding == machine.outstanding, "\(label)")
    }

    private func checkCertificates(_ effects: ConsensusEffects) throws {
        var certificates = effects.toSend
        if let decision = effects.decision { certificates.append(decision.certificate.certificate) }
        let held = machine.held(beyond: members.machine(nil).summary)
        certificates += held.certificates
        for certificate in certificates {
            #expect(throws: Never.self, "\(label): \(certificate.kind) of round \(certificate.round)") {
                try VerifiedCertificate(certificate, validators: members.set, chain: members.chain)
            }
        }
        for certificate in [effects.toJustify, held.roundCertificate].compactMap({ $0 }) {
            #expect(throws: Never.self, "\(label): a justification of round \(certificate.round)") {
                try VerifiedRoundCertificate(certificate, validators: members.set, chain: members.chain)
            }
        }
    }

    /// The machine must look like one of the states that the paper allows.
    private mutating func checkPaper(_ input: ConsensusInput) {
        var reached: Set<PaperProcess> = []
        for state in allowed {
            // The paper takes a timeout while it is scheduled, which may need a rule first.
            for before in state.outcomes() {
                var next = before
                give(input, to: &next)
                reached.formUnion(next.outcomes())
            }
        }
        let alike = reached.filter(isAlike)
        #expect(!alike.isEmpty, "\(label): the paper does not allow \(look) after \(input)")
        if !alike.isEmpty { allowed = alike }
    }

    private func give(_ input: ConsensusInput, to process: inout PaperProcess) {
        switch input {
        case .start:
            guard !process.hasStarted else { return }
            process.hasStarted = true
            process.startRound(0)
        case .proposal(let verified, _):
            let proposal = verified.proposal
            process.messages.insert(
                .proposal(
                    from: member(verified.signed.proposer), round: Int(proposal.round),
                    value: name(proposal.value), validRound: proposal.validRound.map { Int($0) } ?? -1))
        case .vote(let vote): process.messages.insert(read(vote))
        case .certificate(let certificate):
            for vote in certificate.votes { process.messages.insert(read(vote)) }
        case .roundCertificate(let certificate):
            for vote in certificate.votes { process.messages.insert(read(vote)) }
        case .built(let round, let value): process.getValue(name(value), for: Int(round))
        case .verdict(let value, let isValid): process.verdicts[name(value)] = isValid
        case .elapsed(let timeout):
            let round = Int(timeout.round)
            switch timeout.kind {
            case .propose: process.onTimeout(.propose(round))
            case .prevote: process.onTimeout(.prevote(round))
            case .precommit: process.onTimeout(.precommit(round))
            }
        }
    }

    private func read(_ vote: VerifiedVote) -> PaperProcess.Message {
        let (from, round, value) = (
            member(vote.signed.member), Int(vote.vote.round), vote.vote.value.map(name)
        )
        return vote.vote.type == .prevote
            ? .prevote(from: from, round: round, value: value)
            : .precommit(from: from, round: round, value: value)
    }

    private func read(_ message: OwnMessage) -> PaperProcess.Message {
        switch message {
        case .proposal(let proposal):
            .proposal(
                from: own, round: Int(proposal.round), value: name(proposal.value),
                validRound: proposal.validRound.map { Int($0) } ?? -1)
        case .vote(let vote):
            vote.type == .prevote
                ? .prevote(from: own, round: Int(vote.round), value: vote.value.map(name))
                : .precommit(from: own, round: Int(vote.round), value: vote.value.map(name))
        }
    }

    private func isAlike(_ process: PaperProcess) -> Bool {
        guard process.decision == machine.decision.map({ point($0.value, $0.round) }) else { return false }
        guard process.sent == said, process.locked == machine.locked.map({ point($0.value, $0.round) }),
            process.valid == machine.valid.map({ point($0.value, $0.round) })
        else { return false }
        return process.hasStarted == machine.hasStarted && process.round == Int(machine.round)
            && process.step.rawValue == Int(machine.step.rawValue)
    }

    private func point(_ value: Hash256, _ round: Round) -> PaperProcess.Point {
        PaperProcess.Point(value: name(value), round: Int(round))
    }

    private var look: String {
        let (locked, valid) = (
            machine.locked.map { "\(name($0.value))@\($0.round)" } ?? "-",
            machine.valid.map { "\(name($0.value))@\($0.round)" } ?? "-"
        )
        return "round \(machine.round) step \(machine.step) locked \(locked) valid \(valid) said \(said)"
    }

    var waiting: String {
        let left = allowed.map { state in
            state.successors().filter { $0.round <= state.round }.map { next in
                "step \(next.step) says \(next.sent.subtracting(state.sent))"
            }
        }
        return "\(look); left: \(left); \(allowed.first.map { "\($0.messages)" } ?? "")"
    }

    /// Whether some state that looks like the machine has no rule left that has to fire: line 55 also counts
    /// proposals, which the machine does not.
    var isQuiescent: Bool {
        allowed.contains { state in state.successors().allSatisfy { $0.round > state.round } }
    }
}
