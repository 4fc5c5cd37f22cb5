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

    private struct Hearing {
        var voices: [Voice]
        /// Who prevoted a value in a round, one bit a member.
        var prevoters: [Statement: UInt64] = [:]
        /// Who proposed a value in a round, one bit a member.
        var proposers: [Statement: UInt64] = [:]
        var decided: Hash256?
    }

    private let validators: ValidatorSet
    private let isCorrect: [Bool]
    private let seed: Hash256
    /// Seeds of proposers, where they are not always the same.
    private var seeds: [Height: Hash256] = [:]
    private var hearings: [Height: Hearing] = [:]
    private(set) var counts = SimulationCounts()
    private(set) var violation: Violation?
    var now: UInt64 = 0

    /// - Parameter isCorrect: by place in the set.
    init(validators: ValidatorSet, seed: Hash256, isCorrect: [Bool]) {
        self.validators = validators
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

    private mutating func change(_ height: Height, _ body: (inout Hearing) -> Void) {
        let empty = Hearing(voices: [Voice](repeating: Voice(), count: validators.members.count))
        body(&hearings[height, default: empty])
    }

    /// Heights below are over for all.
    mutating func forget(below height: Height) {
        for old in hearings.keys.sorted() where old < height { hearings[old] = nil }
    }

    private func isQuorum(_ mask: UInt64) -> Bool {
        var weight: UInt64 = 0
        for (place, member) in validators.members.enumerated() where mask & (1 << UInt64(place)) != 0 {
            weight += member.weight
        }
        return 3 * weight > 2 * validators.totalWeight
    }

    // MARK: - Signatures made

    /// A member has signed, whether or not anybody will hear of it; correct members are judged here, in the
    /// order of their signatures.
    mutating func signed(_ message: OwnMessage, by place: Int) {
        if isCorrect[place] { judge(message, by: place) }
        switch message {
        case .vote(let vote):
            guard vote.type == .prevote, vote.value != nil else { return }
            change(vote.height) {
                $0.prevoters[Statement(round: vote.round, value: vote.value), default: 0] |=
                    1 << UInt64(place)
            }
        case .proposal(let proposal):
            change(proposal.height) {
                $0.proposers[Statement(round: proposal.round, value: proposal.value), default: 0] |=
                    1 << UInt64(place)
            }
        }
    }

    private mutating func judge(_ message: OwnMessage, by place: Int) {
        let position = SignerPosition(message)
        let voice = hearings[message.height]?.voices[place] ?? Voice()
        if let known = voice.signed[position] {
            // The same bytes again are no new signature.
            if known != message { fail(.position, "member \(place) signed \(message) and \(known)") }
            return
        }
        if let last = voice.last, position < last {
            fail(.position, "member \(place) signed at \(position) after \(last)")
        }
        change(message.height) { hearing in
            hearing.voices[place].signed[position] = message
            hearing.voices[place].last = position
        }
        guard let hearing = hearings[message.height] else { return }
        switch message {
        case .vote(let vote) where vote.type == .prevote: judge(prevote: vote, by: place, hearing)
        case .vote(let vote): judge(precommit: vote, by: place, hearing)
        case .proposal(let proposal): judge(proposal: proposal, by: place, hearing)
        }
    }

    /// L14 to L19.
    private mutating func judge(proposal: Proposal, by place: Int, _ hearing: Hearing) {
        guard let validRound = proposal.validRound else { return }
        let statement = Statement(round: validRound, value: proposal.value)
        if validRound >= proposal.round || !isQuorum(hearing.prevoters[statement] ?? 0) {
            fail(.locking, "member \(place) proposes again without a polka: \(proposal)")
        }
    }

    /// L22 and L28.
    private mutating func judge(prevote vote: Vote, by place: Int, _ hearing: Hearing) {
        guard let value = vote.value else { return }
        let turn = validators.proposer(height: vote.height, round: vote.round, seed: seed(of: vote.height))
        let proposer = validators.index(of: turn.operatorKey).map { 1 << UInt64($0) } ?? UInt64(0)
        let proposers = hearing.proposers[Statement(round: vote.round, value: value)] ?? 0
        if proposers & proposer == 0 {
            fail(.locking, "member \(place) prevotes what nobody proposed: \(vote)")
        }
        if let validRound = vote.validRound {
            let mask = hearing.prevoters[Statement(round: validRound, value: value)] ?? 0
            if validRound >= vote.round || !isQuorum(mask) {
                fail(.locking, "member \(place) prevotes by a polka that there is not: \(vote)")
            }
        }
        if let lock = hearing.voices[place].lock, lock.value != value {
            if vote.validRound.map({ $0 < lock.round }) ?? true {
                fail(.locking, "member \(place) locked in round \(lock.round) prevotes against it: \(vote)")
            }
        }
    }

    /// L36.
    private mutating func judge(precommit vote: Vote, by place: Int, _ hearing: Hearing) {
        guard let value = vote.value else { return }
        if !isQuorum(hearing.prevoters[Statement(round: vote.round, value: value)] ?? 0) {
            fail(.locking, "member \(place) precommits without a polka: \(vote)")
        }
        counts[.lock] += 1
        if let lock = hearing.voices[place].lock, lock.value != value { counts[.relock] += 1 }
        change(vote.height) { $0.voices[place].lock = (vote.round, value) }
    }

    // MARK: - Messages let go

    /// A member lets a message of its own go. Only the first time of each counts.
    mutating func sent(_ message: OwnMessage, by place: Int) {
        var fresh = true
        var doubled = false
        change(message.height) { hearing in
            switch message {
            case .vote(let vote):
                let known = hearing.voices[place].votes[vote.type]?[vote.round]
                fresh = known == nil
                doubled = known != nil && known != vote
                if fresh { hearing.voices[place].votes[vote.type]?[vote.round] = vote }
            case .proposal(let proposal):
                let known = hearing.voices[place].proposals[proposal.round]
                fresh = known == nil
                doubled = known != nil && known != proposal
                if fresh { hearing.voices[place].proposals[proposal.round] = proposal }
            }
        }
        if doubled {
            if case .vote = message { counts[.doubleVote] += 1 } else { counts[.doubleProposal] += 1 }
            if isCorrect[place] { fail(.position, "member \(place) said two things: \(message)") }
        }
        if isCorrect[place] {
            if hearings[message.height]?.voices[place].signed[SignerPosition(message)] != message {
                fail(.position, "member \(place) sends what it has not signed: \(message)")
            }
        } else if fresh {
            note(message, by: place)
        }
    }

    /// What a member gone bad says is only counted.
    private mutating func note(_ message: OwnMessage, by place: Int) {
        guard case .vote(let vote) = message, let value = vote.value else { return }
        change(vote.height) { hearing in
            if vote.type == .precommit { hearing.voices[place].lock = (vote.round, value) }
        }
        guard vote.type == .prevote, let lock = hearings[vote.height]?.voices[place].lock else { return }
        if lock.value != value, vote.round > lock.round, vote.validRound.map({ $0 < lock.round }) ?? true {
            counts[.amnesia] += 1
        }
    }

    // MARK: - Decisions

    /// A correct member decides. The certificate is checked again, vote by vote.
    mutating func decided(
        _ value: Hash256, _ certificate: Certificate, at height: Height, by place: Int,
        isValid: Bool, chain: Hash256, check: SignatureCheck
    ) {
        if !isValid { fail(.validity, "member \(place) decides an invalid value at height \(height)") }
        var weight: UInt64 = 0
        var signatures = certificate.signatures[...]
        for (index, member) in validators.members.enumerated() {
            guard index >> 3 < certificate.bitmap.count,
                certificate.bitmap[index >> 3] & (1 << UInt8(index & 7)) != 0,
                let signature = signatures.popFirst()
            else { continue }
            let vote = Vote(
                type: .precommit, height: height, round: certificate.round, value: value, validRound: nil)
            if check.verifies(signature, of: member.operatorKey, over: vote.signedBytes(chain: chain)) {
                weight += member.weight
            }
        }
        if certificate.kind != .commit || certificate.value != value || certificate.height != height
            || 3 * weight <= 2 * validators.totalWeight
        {
            fail(.certificate, "member \(place) decides height \(height) by a certificate that does not hold")
        }
        var first: Hash256?
        change(height) { hearing in
            first = hearing.decided
            if hearing.decided == nil { hearing.decided = value }
        }
        if let first {
            if first != value {
                fail(.agreement, "member \(place) decides \(value) at height \(height), others \(first)")
            }
        } else {
            counts.heights += 1
            counts.rounds[SimulationCounts.place(of: certificate.round)] += 1
        }
    }

    /// A node says that a member misbehaved.
    mutating func blamed(_ place: Int?, by witness: Int) {
        counts[.evidence] += 1
        guard let place, !isCorrect[place] else {
            return fail(.evidence, "member \(witness) holds evidence against correct member \(place ?? -1)")
        }
    }

    /// What a member let go at a height, for whoever looks at its files after a crash.
    func statements(of place: Int, at height: Height) -> [OwnMessage] {
        guard let voice = hearings[height]?.voices[place] else { return [] }
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
