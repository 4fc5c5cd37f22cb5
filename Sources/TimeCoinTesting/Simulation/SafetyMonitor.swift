import TimeCoinConsensus
import TimeCoinCore

/// Judges what members said against the rules of the paper, from messages alone.
///
/// It is written apart from the machine: it knows who signed what, never why, and holds every correct member
/// to the locking rules of arXiv 1807.04938.
struct SafetyMonitor {
    private struct Statement: Hashable {
        let round: Round
        let value: Hash256?
    }

    /// What one member said at one height.
    private struct Voice {
        /// What it has signed.
        var signed: [SignerPosition: OwnMessage] = [:]
        /// What it has let go.
        var proposals: [Round: Proposal] = [:]
        var votes: [VoteType: [Round: Vote]] = [.prevote: [:], .precommit: [:]]
        var last: SignerPosition?
        var lock: (round: Round, value: Hash256)?
    }

    /// What was said at one height.
    private final class Hearing {
        var voices: [Voice]
        /// Who prevoted a value in a round.
        var prevoters: [Statement: MemberMask] = [:]
        /// Who proposed a value in a round.
        var proposers: [Statement: MemberMask] = [:]
        var decided: Hash256?

        init(members: Int) {
            voices = [Voice](repeating: Voice(), count: members)
        }

        func prevoted(_ value: Hash256, in round: Round) -> MemberMask {
            prevoters[Statement(round: round, value: value)] ?? MemberMask()
        }
    }

    private let sets: SimulatedSets
    private let isCorrect: [Bool]
    private let seed: Hash256
    /// Seeds of proposers, where they are not always the same.
    private var seeds: [Height: Hash256] = [:]
    private var hearings: [Height: Hearing] = [:]
    /// Heights below this are forgotten.
    private var lowest: Height = 0
    /// The highest at which a correct member has signed.
    private var highest: Height = 0
    private(set) var counts = SimulationCounts()
    private(set) var violation: Violation?
    var now: UInt64 = 0

    /// - Parameters:
    ///   - isCorrect: by number.
    ///   - first: the height at which the run begins.
    init(sets: SimulatedSets, seed: Hash256, isCorrect: [Bool], first: Height = 1) {
        self.sets = sets
        highest = first
        self.seed = seed
        self.isCorrect = isCorrect
    }

    /// Tells from what the proposers of a height are drawn.
    mutating func setSeed(_ seed: Hash256, of height: Height) {
        seeds[height] = seed
    }

    func seed(of height: Height) -> Hash256 { seeds[height] ?? seed }

    mutating func fail(_ law: Violation.Law, _ message: String) {
        guard violation == nil else { return }
        violation = Violation(law: law, message: message, time: now)
    }

    mutating func takeCounts() -> SimulationCounts {
        defer { counts = SimulationCounts() }
        return counts
    }

    private mutating func hearing(at height: Height) -> Hearing {
        if let known = hearings[height] { return known }
        let fresh = Hearing(members: isCorrect.count)
        hearings[height] = fresh
        return fresh
    }

    /// Whether what is said at a height can matter: who went bad speaks of heights that nobody will reach.
    private mutating func isNear(_ height: Height, _ number: Int) -> Bool {
        if isCorrect[number] { highest = max(highest, height) }
        return height >= lowest && height <= highest + 2
    }

    /// Heights below are over for all.
    mutating func forget(below height: Height) {
        guard height > lowest else { return }
        lowest = height
        for old in hearings.keys.sorted() where old < height { hearings[old] = nil }
    }

    // MARK: - Signatures made

    /// A member has signed, whether or not anybody will hear of it; correct members are judged here, in the
    /// order of their signatures.
    mutating func signed(_ message: OwnMessage, by number: Int) {
        guard isNear(message.height, number) else { return }
        if isCorrect[number] { judge(message, by: number) }
        let hearing = hearing(at: message.height)
        switch message {
        case .vote(let vote):
            guard vote.type == .prevote, vote.value != nil else { return }
            hearing.prevoters[Statement(round: vote.round, value: vote.value), default: MemberMask()]
                .insert(number)
        case .proposal(let proposal):
            let statement = Statement(round: proposal.round, value: proposal.value)
            hearing.proposers[statement, default: MemberMask()].insert(number)
        }
    }

    private mutating func judge(_ message: OwnMessage, by number: Int) {
        let position = SignerPosition(message)
        let hearing = hearing(at: message.height)
        if let known = hearing.voices[number].signed[position] {
            // The same bytes again are no new signature.
            if known != message { fail(.position, "member \(number) signed \(message) and \(known)") }
            return
        }
        if let last = hearing.voices[number].last, position < last {
            fail(.position, "member \(number) signed at \(position) after \(last)")
        }
        hearing.voices[number].signed[position] = message
        hearing.voices[number].last = position
        let electorate = sets.electorate(of: message.height)
        if electorate.weights[number] == 0 {
            fail(.position, "member \(number) is none of height \(message.height): \(message)")
        }
        switch message {
        case .vote(let vote) where vote.type == .prevote:
            judge(prevote: vote, by: number, hearing, electorate)
        case .vote(let vote): judge(precommit: vote, by: number, hearing, electorate)
        case .proposal(let proposal): judge(proposal: proposal, by: number, hearing, electorate)
        }
    }

    /// L14 to L19.
    private mutating func judge(
        proposal: Proposal, by number: Int, _ hearing: Hearing, _ electorate: Electorate
    ) {
        guard let validRound = proposal.validRound else { return }
        let prevoters = hearing.prevoted(proposal.value, in: validRound)
        if validRound >= proposal.round || !electorate.isQuorum(prevoters) {
            fail(.locking, "member \(number) proposes again without a polka: \(proposal)")
        }
    }

    /// L22 and L28.
    private mutating func judge(
        prevote vote: Vote, by number: Int, _ hearing: Hearing, _ electorate: Electorate
    ) {
        guard let value = vote.value else { return }
        let turn = electorate.validators.proposer(
            height: vote.height, round: vote.round, seed: seed(of: vote.height))
        let proposer = electorate.validators.index(of: turn.operatorKey).map { electorate.numbers[$0] }
        let proposers = hearing.proposers[Statement(round: vote.round, value: value)] ?? MemberMask()
        if !(proposer.map { proposers.contains($0) } ?? false) {
            fail(.locking, "member \(number) prevotes what nobody proposed: \(vote)")
        }
        if let validRound = vote.validRound {
            let prevoters = hearing.prevoted(value, in: validRound)
            if validRound >= vote.round || !electorate.isQuorum(prevoters) {
                fail(.locking, "member \(number) prevotes by a polka that there is not: \(vote)")
            }
        }
        if let lock = hearing.voices[number].lock, lock.value != value {
            if vote.validRound.map({ $0 < lock.round }) ?? true {
                fail(.locking, "member \(number) locked in round \(lock.round) prevotes against it: \(vote)")
            }
        }
    }

    /// L36.
    private mutating func judge(
        precommit vote: Vote, by number: Int, _ hearing: Hearing, _ electorate: Electorate
    ) {
        guard let value = vote.value else { return }
        if !electorate.isQuorum(hearing.prevoted(value, in: vote.round)) {
            fail(.locking, "member \(number) precommits without a polka: \(vote)")
        }
        counts[.lock] += 1
        if let lock = hearing.voices[number].lock, lock.value != value { counts[.relock] += 1 }
        hearing.voices[number].lock = (vote.round, value)
    }

    // MARK: - Messages let go

    /// A member lets a message of its own go. Only the first time of each counts.
    mutating func sent(_ message: OwnMessage, by number: Int) {
        guard isNear(message.height, number) else { return }
        let hearing = hearing(at: message.height)
        let fresh: Bool
        let doubled: Bool
        switch message {
        case .vote(let vote):
            let known = hearing.voices[number].votes[vote.type]?[vote.round]
            (fresh, doubled) = (known == nil, known != nil && known != vote)
            if fresh { hearing.voices[number].votes[vote.type]?[vote.round] = vote }
        case .proposal(let proposal):
            let known = hearing.voices[number].proposals[proposal.round]
            (fresh, doubled) = (known == nil, known != nil && known != proposal)
            if fresh { hearing.voices[number].proposals[proposal.round] = proposal }
        }
        if doubled {
            if case .vote = message { counts[.doubleVote] += 1 } else { counts[.doubleProposal] += 1 }
            if isCorrect[number] { fail(.position, "member \(number) said two things: \(message)") }
        }
        if isCorrect[number] {
            if hearing.voices[number].signed[SignerPosition(message)] != message {
                fail(.position, "member \(number) sends what it has not signed: \(message)")
            }
        } else if fresh {
            note(message, by: number, hearing)
        }
    }

    /// What a member gone bad says is only counted.
    private mutating func note(_ message: OwnMessage, by number: Int, _ hearing: Hearing) {
        guard case .vote(let vote) = message, let value = vote.value else { return }
        if vote.type == .precommit { hearing.voices[number].lock = (vote.round, value) }
        guard vote.type == .prevote, let lock = hearing.voices[number].lock else { return }
        if lock.value != value, vote.round > lock.round, vote.validRound.map({ $0 < lock.round }) ?? true {
            counts[.amnesia] += 1
        }
    }

    // MARK: - Decisions

    /// A correct member decides. The certificate is checked again, vote by vote.
    mutating func decided(
        _ value: Hash256, _ certificate: Certificate, at height: Height, by number: Int,
        isValid: Bool, chain: Hash256, check: SignatureCheck
    ) {
        if !isValid { fail(.validity, "member \(number) decides an invalid value at height \(height)") }
        let electorate = sets.electorate(of: height)
        var signers = MemberMask()
        var signatures = certificate.signatures[...]
        for (index, member) in electorate.validators.members.enumerated() {
            guard index >> 3 < certificate.bitmap.count,
                certificate.bitmap[index >> 3] & (1 << UInt8(index & 7)) != 0,
                let signature = signatures.popFirst()
            else { continue }
            let vote = Vote(
                type: .precommit, height: height, round: certificate.round, value: value, validRound: nil)
            if check.verifies(signature, of: member.operatorKey, over: vote.signedBytes(chain: chain)) {
                signers.insert(electorate.numbers[index])
            }
        }
        if certificate.kind != .commit || certificate.value != value || certificate.height != height
            || !electorate.isQuorum(signers)
        {
            fail(
                .certificate,
                "member \(number) decides height \(height) by a certificate that does not hold")
        }
        let hearing = hearing(at: height)
        if let first = hearing.decided {
            if first != value {
                fail(.agreement, "member \(number) decides \(value) at height \(height), others \(first)")
            }
        } else {
            hearing.decided = value
            counts.heights += 1
            counts.rounds[SimulationCounts.place(of: certificate.round)] += 1
        }
    }

    /// A node says that a member misbehaved.
    mutating func blamed(_ number: Int?, by witness: Int) {
        counts[.evidence] += 1
        guard let number, !isCorrect[number] else {
            return fail(.evidence, "member \(witness) holds evidence against correct member \(number ?? -1)")
        }
    }

    /// What a member let go at a height, for whoever looks at its files after a crash.
    func statements(of number: Int, at height: Height) -> [OwnMessage] {
        guard let voice = hearings[height]?.voices[number] else { return [] }
        var messages: [OwnMessage] = voice.proposals.keys.sorted().compactMap { round in
            voice.proposals[round].map { .proposal($0) }
        }
        for type in VoteType.allCases {
            let votes = voice.votes[type] ?? [:]
            messages += votes.keys.sorted().compactMap { round in votes[round].map { .vote($0) } }
        }
        return messages
    }
}
