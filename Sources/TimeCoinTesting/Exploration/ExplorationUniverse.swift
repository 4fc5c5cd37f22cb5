import TimeCoinConsensus
import TimeCoinCore

/// What a member can say in the explored rounds; values are numbered 0 and 1.
enum Statement: Hashable, Sendable {
    case proposal(round: Int, value: Int, validRound: Int?)
    case prevote(round: Int, value: Int?, validRound: Int?)
    case precommit(round: Int, value: Int?)

    /// The same about the other value.
    var swapped: Statement {
        switch self {
        case .proposal(let round, let value, let validRound):
            .proposal(round: round, value: 1 - value, validRound: validRound)
        case .prevote(let round, let value, let validRound):
            .prevote(round: round, value: value.map { 1 - $0 }, validRound: validRound)
        case .precommit(let round, let value): .precommit(round: round, value: value.map { 1 - $0 })
        }
    }

    var text: String {
        func name(_ value: Int?) -> String { value.map { $0 == 0 ? "a" : "b" } ?? "nil" }
        func at(_ validRound: Int?) -> String { validRound.map { " vr=\($0)" } ?? "" }
        return switch self {
        case .proposal(let round, let value, let validRound):
            "Prop \(round) \(name(value))\(at(validRound))"
        case .prevote(let round, let value, let validRound):
            "pv \(round) \(name(value))\(at(validRound))"
        case .precommit(let round, let value): "pc \(round) \(name(value))"
        }
    }
}

/// A statement of a member.
struct Saying: Hashable, Sendable {
    let member: Int
    let statement: Int
}

/// Four members of equal weight, of whom member k proposes in round k, and every message that they can send,
/// signed and verified once.
struct ExplorationUniverse: Sendable {
    let rounds: Int
    let correct: [Int]
    let set: ValidatorSet
    let statements: [Statement]
    let values: [Hash256]
    /// One bit a statement.
    let swappedStatement: [Int]
    private let faulty: Set<Int>
    private let keys: [SigningKey]
    private let chain = Blake2b.hash256(.block, Array("exploration".utf8))
    private let inputs: [[ConsensusInput?]]
    private let places: [Statement: Int]

    static let members = 4
    /// So many that statements fit in one word.
    static let roundsMax = 3

    init?(rounds: Int, faulty: Set<Int>) {
        guard (1...ExplorationUniverse.roundsMax).contains(rounds) else { return nil }
        self.rounds = rounds
        self.faulty = faulty
        correct = (0..<ExplorationUniverse.members).filter { !faulty.contains($0) }
        var keys = (1...ExplorationUniverse.members).compactMap {
            SigningKey(seed: [UInt8](repeating: UInt8($0), count: SigningKey.seedByteCount))
        }
        guard let set = try? ValidatorSet(keys.map { Member(operatorKey: $0.publicKey, weight: 1) })
        else {
            return nil
        }
        self.set = set
        let order = keys.indices.map {
            set.proposer(height: 1, round: Round($0), seed: .zero).operatorKey
        }
        keys = order.compactMap { key in keys.first { $0.publicKey == key } }
        self.keys = keys
        values = ["a", "b"].map { Blake2b.hash256(.block, Array($0.utf8)) }
        let statements = ExplorationUniverse.statements(rounds)
        self.statements = statements
        let places = Dictionary(uniqueKeysWithValues: statements.enumerated().map { ($1, $0) })
        self.places = places
        swappedStatement = statements.map { places[$0.swapped] ?? 0 }
        var inputs: [[ConsensusInput?]] = []
        for member in keys.indices {
            inputs.append([])
            for statement in statements {
                inputs[member].append(
                    ExplorationUniverse.input(
                        statement, by: member, keys[member], values, set, chain))
            }
        }
        self.inputs = inputs
    }

    private static func statements(_ rounds: Int) -> [Statement] {
        (0..<rounds).flatMap { round -> [Statement] in
            let validRounds: [Int?] = [nil] + (0..<round).map { $0 }
            let valued = [0, 1].flatMap { value in
                validRounds.flatMap { validRound -> [Statement] in
                    [
                        .proposal(round: round, value: value, validRound: validRound),
                        .prevote(round: round, value: value, validRound: validRound),
                    ]
                }
            }
            return valued + [.prevote(round: round, value: nil, validRound: nil)]
                + [nil, 0, 1].map { .precommit(round: round, value: $0) }
        }
    }

    private static func input(
        _ statement: Statement, by member: Int, _ key: SigningKey, _ values: [Hash256],
        _ set: ValidatorSet,
        _ chain: Hash256
    ) -> ConsensusInput? {
        let vote: Vote
        switch statement {
        case .proposal(let round, let value, let validRound):
            guard round == member else { return nil }
            let proposal = Proposal(
                height: 1, round: Round(round), value: values[value],
                validRound: validRound.map { Round($0) })
            let signed = SignedProposal(
                proposal: proposal, proposer: key.publicKey,
                signature: key.sign(proposal.signedBytes(chain: chain)))
            return VerifiedProposal(signed, validators: set, chain: chain).map {
                .proposal($0, isTimely: true)
            }
        case .prevote(let round, let value, let validRound):
            vote = Vote(
                type: .prevote, height: 1, round: Round(round), value: value.map { values[$0] },
                validRound: validRound.map { Round($0) })
        case .precommit(let round, let value):
            vote = Vote(
                type: .precommit, height: 1, round: Round(round), value: value.map { values[$0] })
        }
        let signed = SignedVote(
            vote: vote, member: key.publicKey, signature: key.sign(vote.signedBytes(chain: chain)))
        return VerifiedVote(signed, validators: set, chain: chain).map { .vote($0) }
    }

    func machine(_ member: Int) -> ConsensusMachine {
        ConsensusMachine(
            height: 1, validators: set, seed: .zero, chain: chain, own: keys[member].publicKey,
            parameters: ConsensusParameters(
                propose: 1, prevote: 1, precommit: 1, increment: 1, earlyEnd: false))
    }

    func isFaulty(_ member: Int) -> Bool { faulty.contains(member) }

    func place(_ statement: Statement) -> Int? { places[statement] }

    func input(_ saying: Saying) -> ConsensusInput? { inputs[saying.member][saying.statement] }

    func votes(_ sayings: [Saying]) -> [VerifiedVote] {
        sayings.compactMap { saying in
            if case .vote(let vote)? = input(saying) { vote } else { nil }
        }
    }

    func member(_ key: PublicKey) -> Int? { keys.firstIndex { $0.publicKey == key } }

    func value(_ hash: Hash256?) -> Int? { hash.flatMap { values.firstIndex(of: $0) } }

    func statement(_ message: OwnMessage) -> Int? {
        switch message {
        case .proposal(let proposal):
            value(proposal.value).flatMap {
                place(
                    .proposal(
                        round: Int(proposal.round), value: $0, validRound: proposal.validRound.map { Int($0) }
                    ))
            }
        case .vote(let vote):
            place(
                vote.type == .precommit
                    ? .precommit(round: Int(vote.round), value: value(vote.value))
                    : .prevote(
                        round: Int(vote.round), value: value(vote.value),
                        validRound: vote.validRound.map { Int($0) }))
        }
    }

    /// Statements that say this, whatever the valid round. A faulty member needs no valid round.
    func prevotes(of member: Int, _ round: Int, _ value: Int?) -> [Int] {
        let validRounds: [Int?] =
            [nil] + (value == nil || isFaulty(member) ? [] : (0..<round).map { $0 })
        return validRounds.compactMap { place(.prevote(round: round, value: value, validRound: $0)) }
    }

    func precommits(_ round: Int) -> [Int] {
        [nil, 0, 1].compactMap { place(.precommit(round: round, value: $0)) }
    }
}
