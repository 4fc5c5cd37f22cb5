import TimeCoinCore

@testable import TimeCoinConsensus

/// Draws what happens next to a machine: mostly plausible, sometimes late, doubled, early or false.
struct LawScript {
    let members: Members
    let own: Int
    let lies: Bool
    var generator: Seeded
    /// What members said, so that they say nothing else unless they lie.
    private var sayings: [Position: Hash256?] = [:]
    private var history: [ConsensusInput] = []

    struct Position: Hashable {
        let member: Int
        let round: Round
        let type: VoteType
    }

    init(members: Members, own: Int, lies: Bool, generator: Seeded) {
        self.members = members
        self.own = own
        self.lies = lies
        self.generator = generator
    }

    private var roundsMax: Round { lies ? 3 : 1 }

    mutating func next(_ machine: ConsensusMachine, away: inout [OwnMessage]) throws -> ConsensusInput? {
        if !away.isEmpty, chance(60) {
            return try members.sign(away.removeFirst(), by: own)
        }
        if let request = machine.requests.randomElement(using: &generator), chance(50) {
            switch request {
            // The second value is bad in every third run.
            case .judge(let value):
                return .verdict(value, isValid: value == members.value(97) || own % 3 != 0)
            case .build(let round): return .built(round: round, value: members.value(97))
            }
        }
        if let timer = machine.timers.randomElement(using: &generator), chance(12) { return .elapsed(timer) }
        if chance(6) { return noise(machine) }
        if lies, chance(6), let again = history.randomElement(using: &generator) { return again }
        let input = try message(machine)
        if let input { history.append(input) }
        return input
    }

    private mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &generator) < percent
    }

    private mutating func message(_ machine: ConsensusMachine) throws -> ConsensusInput? {
        var round = machine.round
        if chance(25) { round = Round.random(in: 0...roundsMax, using: &generator) }
        guard round <= roundsMax else { return nil }
        if chance(20), try members.proposer(round) != own {
            let isJustified = round > 0 && chance(50)
            let value = members.value(chance(lies ? 70 : 100) ? 97 : 98)
            let validRound = isJustified ? Round.random(in: 0..<round, using: &generator) : nil
            if !lies {
                // One proposal a round.
                let position = Position(member: try members.proposer(round), round: round, type: .prevote)
                let key = Position(member: -1 - position.member, round: round, type: .prevote)
                guard sayings.updateValue(value, forKey: key) == nil else { return nil }
            }
            return try members.proposal(round, value, validRound: validRound)
        }
        if lies, chance(8) { return try certificate(round) }
        let member = Int.random(in: 0..<members.keys.count, using: &generator)
        guard member != own else { return nil }
        let type: VoteType = chance(50) ? .prevote : .precommit
        var value: Hash256? = chance(70) ? members.value(97) : chance(50) ? members.value(98) : nil
        if !lies || chance(85) {
            let position = Position(member: member, round: round, type: type)
            if let known = sayings[position] { value = known } else { sayings[position] = .some(value) }
        }
        return try members.vote(member, type, round, value)
    }

    /// What the host should not say, or not again.
    private mutating func noise(_ machine: ConsensusMachine) -> ConsensusInput {
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: .built(round: machine.round + 1, value: members.value(98))
        case 1: .elapsed(Timeout(kind: .prevote, round: machine.round + 1))
        case 2: .start
        default: .elapsed(Timeout(kind: .propose, round: 9))
        }
    }

    private mutating func certificate(_ round: Round) throws -> ConsensusInput? {
        let kind: CertificateKind = chance(80) ? .polka : .commit
        let value = members.value(kind == .commit || chance(50) ? 97 : 98)
        let votes: [VerifiedVote] = try members.keys.indices.filter { $0 != own }.compactMap { member in
            let type: VoteType = kind == .polka ? .prevote : .precommit
            let input = try members.vote(member, type, round, value)
            return if case .vote(let vote) = input { vote } else { nil }
        }
        return VerifiedCertificate(kind, of: votes, validators: members.set).map { .certificate($0) }
    }
}
