import TimeCoinConsensus
import TimeCoinCore

/// One height of a small network: the shipping machines of its correct members, messages between them, and
/// everything that anybody has signed.
final class ForkHeight {
    let height: Height
    let validators: ValidatorSet
    let chain: Hash256
    let keys: SimulatedKeys
    /// By place in the set.
    let isCorrect: [Bool]
    private(set) var machines: [ConsensusMachine?]
    /// What each correct member has heard.
    private(set) var heard: [HeardPolkas]
    /// Whether a message of one correct member reaches another.
    var passes: (Int, Int) -> Bool = { _, _ in true }
    private(set) var monitor: SafetyMonitor
    /// Whose key each place of the set has; the monitor knows members by it.
    private let numbers: [Int]
    private(set) var trace = TraceHash()
    /// Prevotes of everybody, told or not.
    private(set) var prevotes: HeardPolkas
    private(set) var proposals: [(proposal: VerifiedProposal, reached: Set<Int>)] = []
    private var precommits: [WantedPolka: [Int: VerifiedVote]] = [:]
    private var queue: [(target: Int, input: ConsensusInput)] = []
    private var random: SimulationRandom

    private static let seed = Hash256.zero

    init(
        height: Height, validators: ValidatorSet, chain: Hash256, keys: SimulatedKeys, isCorrect: [Bool],
        random: SimulationRandom
    ) {
        self.height = height
        self.validators = validators
        self.chain = chain
        self.keys = keys
        self.isCorrect = isCorrect
        self.random = random
        let members = validators.members
        machines = members.indices.map { place in
            guard isCorrect[place] else { return nil }
            return ConsensusMachine(
                height: height, validators: validators, seed: ForkHeight.seed, chain: chain,
                own: members[place].operatorKey,
                parameters: ConsensusParameters(propose: 3, prevote: 1, precommit: 1, increment: 1))
        }
        prevotes = HeardPolkas(height: height, validators: validators)
        heard = members.map { _ in HeardPolkas(height: height, validators: validators) }
        let electorate = Electorate(validators, keys: keys)
        numbers = electorate.numbers
        var isCorrectByNumber = keys.keys.map { _ in false }
        for (place, number) in numbers.enumerated() { isCorrectByNumber[number] = isCorrect[place] }
        monitor = SafetyMonitor(
            sets: SimulatedSets(constant: electorate, keys: keys), seed: ForkHeight.seed,
            isCorrect: isCorrectByNumber, first: height)
    }

    func start() {
        for place in machines.indices where machines[place] != nil { feed(place, .start) }
    }

    /// Commit certificates of everybody's precommits, known to somebody or not, by round and value.
    var commits: [VerifiedCertificate] {
        precommits.keys.sorted().compactMap { ballot in
            VerifiedCertificate(
                .commit, of: Array((precommits[ballot] ?? [:]).values), validators: validators)
        }
    }

    var decisions: [Decision] { machines.compactMap { $0?.decision } }

    func proposer(of round: Round) -> Int? {
        validators.index(
            of: validators.proposer(height: height, round: round, seed: ForkHeight.seed).operatorKey)
    }

    // MARK: - Messages

    /// Delivers one message that is under way, whichever; false when there is none.
    func deliver() -> Bool {
        guard !queue.isEmpty else { return false }
        let place = random.below(queue.count)
        queue.swapAt(place, queue.count - 1)
        guard let (target, input) = queue.popLast() else { return false }
        feed(target, input)
        return true
    }

    /// Lets a timer of some member run out; false when none is armed.
    func elapse() -> Bool {
        let waiting = machines.indices.filter { !(machines[$0]?.timers.isEmpty ?? true) }
        guard let place = random.pick(waiting), let timer = random.pick(machines[place]?.timers ?? []) else {
            return false
        }
        feed(place, .elapsed(timer))
        return true
    }

    func send(_ input: ConsensusInput, to places: [Int]) {
        for place in places where machines[place] != nil { queue.append((place, input)) }
        if case .proposal(let proposal, _) = input {
            proposals.append((proposal, Set(places)))
        }
    }

    /// Signs for a member, correct or not; what is signed is known to the monitor and to the bad at once.
    func sign(_ vote: Vote, by place: Int) -> VerifiedVote? {
        let key = validators.members[place].operatorKey
        let number = numbers[place]
        let signed = SignedVote(
            vote: vote, member: key, signature: keys.sign(vote.signedBytes(chain: chain), by: number))
        guard
            let verified = VerifiedVote(signed, validators: validators, chain: chain, check: keys.check)
        else { return nil }
        monitor.signed(.vote(vote), by: number)
        switch vote.type {
        case .prevote: prevotes.take(.vote(verified))
        case .precommit:
            guard let value = vote.value else { break }
            precommits[WantedPolka(round: vote.round, value: value), default: [:]][place] = verified
        }
        trace.combine(UInt64(place) << 40 | UInt64(vote.round) << 8 | UInt64(vote.type.rawValue))
        trace.combine(vote.value?.leadingWord ?? 0)
        return verified
    }

    func sign(_ proposal: Proposal, by place: Int) -> VerifiedProposal? {
        let key = validators.members[place].operatorKey
        let number = numbers[place]
        let signed = SignedProposal(
            proposal: proposal, proposer: key,
            signature: keys.sign(proposal.signedBytes(chain: chain), by: number))
        monitor.signed(.proposal(proposal), by: number)
        return VerifiedProposal(signed, validators: validators, chain: chain, check: keys.check)
    }

    func freshValue(by place: Int) -> Hash256 {
        SimulatedValue.make(
            by: place, at: Timestamp(milliseconds: height), isValid: true, salt: random.next())
    }

    // MARK: - Machines

    private func feed(_ place: Int, _ first: ConsensusInput) {
        var inputs = [first]
        while let input = inputs.popLast() {
            guard let effects = machines[place]?.handle(input), effects.refusal == nil else { continue }
            heard[place].take(input)
            trace.combine(UInt64(place))
            for message in effects.toSign {
                guard let own = signed(message, by: place) else { continue }
                inputs.append(own)
                send(own, to: listeners(of: place))
            }
            for certificate in effects.toSend {
                guard let verified = verify(certificate) else { continue }
                send(.certificate(verified), to: listeners(of: place))
            }
            for misbehaviour in effects.misbehaviour {
                monitor.blamed(keys.number(of: misbehaviour.member), by: numbers[place])
            }
            for request in effects.requests {
                switch request {
                case .judge(let value): inputs.append(.verdict(value, isValid: true))
                case .build(let round): inputs.append(.built(round: round, value: freshValue(by: place)))
                }
            }
            if let decision = effects.decision {
                // Who has decided tells the others.
                send(.certificate(decision.certificate), to: listeners(of: place))
            }
        }
    }

    private func listeners(of place: Int) -> [Int] {
        machines.indices.filter { $0 != place && machines[$0] != nil && passes(place, $0) }
    }

    private func signed(_ message: OwnMessage, by place: Int) -> ConsensusInput? {
        switch message {
        case .vote(let vote): sign(vote, by: place).map { .vote($0) }
        case .proposal(let proposal): sign(proposal, by: place).map { .proposal($0, isTimely: true) }
        }
    }

    func verify(_ certificate: Certificate) -> VerifiedCertificate? {
        try? VerifiedCertificate(certificate, validators: validators, chain: chain, check: keys.check)
    }

    /// Notes decisions of correct members with the monitor, which then judges whether they agree.
    func judgeDecisions() {
        for (place, machine) in machines.enumerated() {
            guard let decision = machine?.decision else { continue }
            monitor.decided(
                decision.value, decision.certificate.certificate, at: height, by: numbers[place],
                isValid: true, chain: chain, check: keys.check)
        }
    }
}
