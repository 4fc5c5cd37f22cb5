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
/// nothing more fires. Then no order of arrival can lead to another decision. Line numbers are those of the
/// paper.
///
/// | rule | when | then |
/// | --- | --- | --- |
/// | L11 | a round begins | its proposer proposes: the valid value (L16), else a fresh one (L18) |
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
/// A rejected input leaves the machine equal and allocates nothing. Memory is O(members), whatever a third of
/// them sends: votes are kept for the current, previous, locked and valid rounds, and one highest future vote
/// a member and type.
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
    /// Rounds, from 0 on, that may end early when all precommits are heard.
    static let hastyRoundsMax: Round = 10
    /// Positions of a height at which one member is blamed.
    static let blamesPerMember = 4
    /// Values of which a verdict is kept.
    static let verdictsMax = 64

    /// The kept rounds, lowest first: the last is the current one, before it the previous, the locked and the
    /// valid one as far as they differ. Changed in place.
    var rounds: [RoundState]
    var futureVotes: FutureVotes
    /// By place of the proposer, each one's of the highest round.
    var futureProposals: [KnownProposal?]
    var verdicts: [Hash256: Bool] = [:]
    var polkas: [VerifiedCertificate] = []
    var commits: [VerifiedCertificate] = []
    /// The highest justification of a round that was received.
    var heardRound: VerifiedRoundCertificate?
    /// What justified the current round, for those who are behind; `nil` where a polka did.
    var enteredBy: VerifiedRoundCertificate?
    var elapsed: TimeoutKinds = []
    /// Own messages of the current round, emitted and not yet come back.
    var unsigned: [OwnMessage] = []
    var awaitsValue = false
    var blamed: Set<Blame> = []
    /// Places of the proposers of the first rounds; the following rounds repeat them.
    private let proposers: [Int]
    /// Timers that shall be armed in the present state.
    public private(set) var timers: [Timeout] = []
    private var armed: TimeoutKinds = []

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
        proposers = validators.proposers(height: height, seed: seed)
        rounds = [RoundState(0, members: members)]
        futureVotes = FutureVotes(members: members)
        futureProposals = [KnownProposal?](repeating: nil, count: members)
    }

    /// Takes one input. The rules do not read the time: timers are data, and whether a proposal came in time
    /// is said by the input.
    public mutating func handle(_ input: ConsensusInput) -> ConsensusEffects {
        var effects = ConsensusEffects()
        guard decision == nil else {
            effects.refusal = .alreadyDecided
            return effects
        }
        if let refusal = accept(input, &effects) {
            effects.refusal = refusal
            effects.timers = timers
            return effects
        }
        effects.records = [JournalRecord(input)]
        evaluate(&effects)
        arm()
        effects.timers = timers
        effects.requests = requests
        effects.decision = decision
        return effects
    }

    /// Who proposes in a round of this height.
    public func proposer(of round: Round) -> PublicKey {
        validators.members[proposers[Int(round % Round(proposers.count))]].operatorKey
    }

    /// What this member decided to say and has not seen come back: what to sign again after a restart.
    public var outstanding: [OwnMessage] { unsigned }

    /// What the host is asked for in the present state.
    public var requests: [ConsensusRequest] {
        guard decision == nil else { return [] }
        var requests: [ConsensusRequest] = []
        func judge(_ value: Hash256?) {
            guard let value, verdicts[value] == nil, !requests.contains(.judge(value)) else { return }
            requests.append(.judge(value))
        }
        for known in rounds[current].proposals { judge(known.proposal.value) }
        for commit in commits { judge(commit.certificate.value) }
        judge(polkas.last?.certificate.value)
        for place in rounds.indices { judge(rounds[place].precommits.quorumValue(validators)) }
        if awaitsValue { requests.append(.build(round: round)) }
        return requests
    }

    /// The place of the current round in `rounds`.
    var current: Int { rounds.count - 1 }

    /// The place of a round in `rounds`; `nil` if it is not kept.
    func place(of round: Round) -> Int? {
        for place in rounds.indices where rounds[place].number == round { return place }
        return nil
    }

    /// Sets the timers after what is known; nothing is written while they stay as they are.
    private mutating func arm() {
        var wanted: TimeoutKinds = []
        if hasStarted, decision == nil {
            // L21
            if step == .propose { wanted.insert(TimeoutKinds(.propose)) }
            // L34
            if step == .prevote, validators.isQuorum(rounds[current].prevotes.weight) {
                wanted.insert(TimeoutKinds(.prevote))
            }
            // L47
            if validators.isQuorum(rounds[current].precommits.weight) {
                wanted.insert(TimeoutKinds(.precommit))
            }
            wanted.subtract(elapsed)
        }
        guard wanted != armed || timers.contains(where: { $0.round != round }) else { return }
        armed = wanted
        timers = TimeoutKind.allCases.filter { wanted.contains($0) }.map { Timeout(kind: $0, round: round) }
    }
}
