public import TimeCoinCore

/// The three steps of a round.
public enum ConsensusStep: UInt8, Hashable, Sendable {
    case propose = 0
    case prevote = 1
    case precommit = 2
}

/// The algorithm of arXiv 1807.04938 for one height: a value, one synchronous entry, effects out.
///
/// It is level-triggered: facts are kept, and after each input the rules are evaluated over the facts until
/// nothing
/// more fires. Then no order of arrival can lead to another decision. Line numbers are those of the paper.
///
/// | rule | when | then |
/// | --- | --- | --- |
/// | L49 | value with more than two thirds of the precommits of a round, found valid | decide |
/// | L36 | step ≥ prevote, proposal with polka, found valid | lock, precommit; it is the valid value |
/// | L22 | step propose, fresh proposal | prevote it, or nil if invalid, late, or locked on another |
/// | L28 | step propose, proposal with valid round and its polka | prevote it unless locked later |
/// | L34 | step prevote, two thirds of any prevotes | arm the prevote timeout |
/// | L44 | step prevote, polka for nil | precommit nil |
/// | L47 | two thirds of any precommits | arm the precommit timeout |
/// | L55 | more than a third vote in one higher round, or a round certificate for it | enter it |
/// | L57, L61, L65 | timeout of the step | prevote nil, precommit nil, next round |
///
/// A rejected input leaves the machine equal. Memory is O(members), whatever a third of them sends: votes
/// are kept for
/// the current, previous, locked and valid rounds, and one highest future vote a member and type.
public struct ConsensusMachine: Hashable, Sendable {
    public let height: Height
    public let validators: ValidatorSet
    public let chain: Hash256
    public let seed: Hash256
    public let parameters: ConsensusParameters
    /// `nil` for an observer.
    public let own: PublicKey?

    public internal(set) var hasStarted = false
    public internal(set) var round: Round = 0
    public internal(set) var step: ConsensusStep = .propose
    public internal(set) var locked: ValidValue?
    public internal(set) var valid: ValidValue?
    public internal(set) var decision: Decision?

    /// A value and the round in which it had its polka.
    public struct ValidValue: Hashable, Sendable {
        public let value: Hash256
        public let round: Round
    }

    /// Polkas of past rounds kept; beyond the newest few they matter to nobody.
    static let polkasMax = 4
    /// Values of which a verdict is kept.
    static let verdictsMax = 64

    var rounds: [Round: RoundState] = [:]
    var futureVotes: [VoteType: [VerifiedVote?]]
    var futureProposals: [VerifiedProposal?]
    var futureTimely: [Bool]
    var verdicts: [Hash256: Bool] = [:]
    var polkas: [VerifiedCertificate] = []
    var commits: [VerifiedCertificate] = []
    /// The highest justification of a round that was received.
    var heardRound: VerifiedRoundCertificate?
    /// What justified the current round, for those who are behind; `nil` where a polka did.
    var enteredBy: VerifiedRoundCertificate?
    var elapsed: Set<TimeoutKind> = []
    /// Own messages of the current round, emitted and not yet come back.
    var unsigned: [OwnMessage] = []
    var awaitsValue = false
    var blamed: Set<Blame> = []

    struct Blame: Hashable, Sendable {
        let index: Int
        let round: Round
        /// 0 for proposals, else the type of the votes or ``ConsensusMachine/amnesiaBlame``.
        let type: UInt8
    }

    static let amnesiaBlame: UInt8 = 255

    public init(
        height: Height, validators: ValidatorSet, seed: Hash256, chain: Hash256, own: PublicKey?,
        parameters: ConsensusParameters
    ) {
        self.height = height
        self.validators = validators
        self.seed = seed
        self.chain = chain
        self.own = own.flatMap { validators.index(of: $0) == nil ? nil : $0 }
        self.parameters = parameters
        let members = validators.members.count
        let none = [VerifiedVote?](repeating: nil, count: members)
        futureVotes = [.prevote: none, .precommit: none]
        futureProposals = [VerifiedProposal?](repeating: nil, count: members)
        futureTimely = [Bool](repeating: false, count: members)
        rounds[0] = RoundState(members: members)
    }

    /// Takes one input. The rules do not read the time: timers are data, and whether a proposal came in time
    /// is said
    /// by the input.
    public mutating func handle(_ input: ConsensusInput) -> ConsensusEffects {
        var effects = ConsensusEffects()
        guard decision == nil else {
            effects.refusal = .alreadyDecided
            return effects
        }
        do {
            try accept(input, &effects)
        } catch {
            effects.refusal = error
            effects.timers = timers
            return effects
        }
        effects.records = [JournalRecord(input)]
        evaluate(&effects)
        if decision == nil {
            effects.timers = timers
            effects.requests = requests
        }
        effects.decision = decision
        return effects
    }

    /// Who proposes in a round of this height.
    public func proposer(of round: Round) -> PublicKey {
        validators.proposer(height: height, round: round, seed: seed).operatorKey
    }

    /// What this member decided to say and has not seen come back: what to sign again after a restart.
    public var outstanding: [OwnMessage] { unsigned }

    /// Timers that shall be armed in the present state.
    public var timers: [Timeout] {
        guard hasStarted, decision == nil, let state = rounds[round] else { return [] }
        var kinds: [TimeoutKind] = []
        if step == .propose { kinds.append(.propose) }
        // L34
        if step == .prevote, validators.isQuorum(state.prevotes.weight) { kinds.append(.prevote) }
        // L47
        if validators.isQuorum(state.precommits.weight) { kinds.append(.precommit) }
        return kinds.filter { !elapsed.contains($0) }.map { Timeout(kind: $0, round: round) }
    }

    /// What the host is asked for in the present state.
    public var requests: [ConsensusRequest] {
        guard decision == nil else { return [] }
        var wanted: [Hash256] = (rounds[round]?.proposals ?? []).map(\.proposal.value)
        wanted += commits.map(\.certificate.value)
        wanted += polkas.suffix(1).map(\.certificate.value)
        wanted += rounds.keys.sorted().compactMap { rounds[$0]?.precommits.quorumValue(validators) }
        var requests: [ConsensusRequest] = []
        for value in wanted where verdicts[value] == nil && !requests.contains(.judge(value)) {
            requests.append(.judge(value))
        }
        if awaitsValue { requests.append(.build(round: round)) }
        return requests
    }
}
