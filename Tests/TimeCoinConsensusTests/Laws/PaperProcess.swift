/// Process p of algorithm 1 of arXiv 1807.04938, for one height, as it stands there.
///
/// Messages are a plain set and are counted anew for every guard; nothing is shared with the machine. A rule
/// may fire whenever its guard holds, so there are many states that the same messages may lead to: `outcomes`
/// gives them all. Two things are not in the paper: `valid(v)` is told from outside (`verdicts`), and the
/// proposal of line 49 may be any knowledge of the value, since a value is fetched by its hash.
struct PaperProcess: Hashable {
    enum Step: Int { case propose, prevote, precommit }

    enum Message: Hashable {
        case proposal(from: Int, round: Int, value: String, validRound: Int)
        /// `nil` is the value of a vote for none.
        case prevote(from: Int, round: Int, value: String?)
        case precommit(from: Int, round: Int, value: String?)

        var from: Int {
            switch self {
            case .proposal(let from, _, _, _), .prevote(let from, _, _), .precommit(let from, _, _): from
            }
        }

        var round: Int {
            switch self {
            case .proposal(_, let round, _, _), .prevote(_, let round, _), .precommit(_, let round, _): round
            }
        }
    }

    enum Timeout: Hashable {
        case propose(Int)
        case prevote(Int)
        case precommit(Int)
    }

    struct Point: Hashable {
        var value: String
        var round: Int
    }

    // Lines 1 to 9.
    var round = 0
    var step = Step.propose
    var decision: Point?
    var locked: Point?
    var valid: Point?

    var messages: Set<Message> = []
    var sent: Set<Message> = []
    var scheduled: Set<Timeout> = []
    /// Rounds in which line 36 has fired: "for the first time".
    var lockRuleFired: Set<Int> = []
    var verdicts: [String: Bool] = [:]
    var hasStarted = false
    /// In this round `getValue()` is waited for.
    var wantsValue: Int?

    let own: Int
    let weights: [Int]
    /// By round, and then again.
    let proposers: [Int]

    init(own: Int, weights: [Int], proposers: [Int]) {
        self.own = own
        self.weights = weights
        self.proposers = proposers
    }

    func proposer(_ round: Int) -> Int { proposers[round % proposers.count] }

    private func weight(where isCounted: (Message) -> Bool) -> Int {
        Set(messages.filter(isCounted).map(\.from)).reduce(0) { $0 + weights[$1] }
    }

    /// "2f + 1": more than two thirds.
    private func isQuorum(_ weight: Int) -> Bool { 3 * weight > 2 * weights.reduce(0, +) }

    private func prevotes(_ round: Int, _ value: String?) -> Bool {
        isQuorum(
            weight {
                if case .prevote(_, round, value) = $0 { true } else { false }
            })
    }

    private func anyPrevotes(_ round: Int) -> Bool {
        isQuorum(
            weight {
                if case .prevote(_, round, _) = $0 { true } else { false }
            })
    }

    private func precommits(_ round: Int, _ value: String) -> Bool {
        isQuorum(
            weight {
                if case .precommit(_, round, value) = $0 { true } else { false }
            })
    }

    private func anyPrecommits(_ round: Int) -> Bool {
        isQuorum(
            weight {
                if case .precommit(_, round, _) = $0 { true } else { false }
            })
    }

    private func proposals(_ round: Int) -> [(value: String, validRound: Int)] {
        messages.compactMap {
            guard case .proposal(let from, round, let value, let validRound) = $0, from == proposer(round)
            else { return nil }
            return (value, validRound)
        }
    }

    /// Lines 11 to 21.
    mutating func startRound(_ next: Int) {
        round = next
        step = .propose
        wantsValue = nil
        if proposer(round) == own {
            if let valid {
                sent.insert(
                    .proposal(from: own, round: round, value: valid.value, validRound: valid.round))
            } else {
                wantsValue = round
            }
        }
        scheduled.insert(.propose(round))
    }

    /// Line 18, when the value is there.
    mutating func getValue(_ value: String, for built: Int) {
        guard wantsValue == built, built == round else { return }
        wantsValue = nil
        verdicts[value] = true
        sent.insert(.proposal(from: own, round: round, value: value, validRound: -1))
    }

    /// Lines 57 to 67.
    mutating func onTimeout(_ timeout: Timeout) {
        guard scheduled.contains(timeout) else { return }
        switch timeout {
        case .propose(round) where step == .propose:
            sent.insert(.prevote(from: own, round: round, value: nil))
            step = .prevote
        case .prevote(round) where step == .prevote:
            sent.insert(.precommit(from: own, round: round, value: nil))
            step = .precommit
        case .precommit(round): startRound(round + 1)
        default: break
        }
    }

    /// Every state that one rule leads to.
    func successors() -> [PaperProcess] {
        guard hasStarted, decision == nil else { return hasStarted ? [] : decided() }
        return decided() + answered() + locking() + skipped()
    }

    /// Lines 22 to 33.
    private func answered() -> [PaperProcess] {
        guard step == .propose else { return [] }
        return proposals(round).compactMap { value, validRound in
            guard let isValid = verdicts[value] ?? (mayRefuse(value, validRound) ? false : nil) else {
                return nil
            }
            var next = self
            next.step = .prevote
            if validRound == -1 {
                let isFree = locked == nil || locked?.value == value
                next.sent.insert(.prevote(from: own, round: round, value: isValid && isFree ? value : nil))
                return next
            }
            guard validRound >= 0, validRound < round, prevotes(validRound, value) else { return nil }
            let isFree = (locked?.round ?? -1) <= validRound || locked?.value == value
            next.sent.insert(.prevote(from: own, round: round, value: isValid && isFree ? value : nil))
            return next
        }
    }

    /// Whether the answer is nil whatever the value is worth.
    private func mayRefuse(_ value: String, _ validRound: Int) -> Bool {
        guard let locked, locked.value != value else { return false }
        return validRound == -1 || locked.round > validRound
    }

    /// Lines 36 to 46.
    private func locking() -> [PaperProcess] {
        var found: [PaperProcess] = []
        if step != .propose, !lockRuleFired.contains(round) {
            for (value, _) in proposals(round) where verdicts[value] == true && prevotes(round, value) {
                var next = self
                next.lockRuleFired.insert(round)
                if step == .prevote {
                    next.locked = Point(value: value, round: round)
                    next.sent.insert(.precommit(from: own, round: round, value: value))
                    next.step = .precommit
                }
                next.valid = Point(value: value, round: round)
                found.append(next)
            }
        }
        if step == .prevote, prevotes(round, nil) {
            var next = self
            next.sent.insert(.precommit(from: own, round: round, value: nil))
            next.step = .precommit
            found.append(next)
        }
        return found
    }

    /// Lines 34, 35, 47 and 48. To schedule a timeout only adds to what may happen, so it is done at once;
    /// one of a round that was left does nothing.
    mutating func schedule() {
        guard hasStarted else { return }
        if step == .prevote, anyPrevotes(round) { scheduled.insert(.prevote(round)) }
        if anyPrecommits(round) { scheduled.insert(.precommit(round)) }
        scheduled.formIntersection([.propose(round), .prevote(round), .precommit(round)])
    }

    /// Lines 49 to 54.
    private func decided() -> [PaperProcess] {
        guard decision == nil else { return [] }
        let rounds = Set(messages.map(\.round))
        return rounds.sorted().flatMap { round in
            verdicts.filter { $0.value && precommits(round, $0.key) }.keys.map { value in
                var next = self
                next.decision = Point(value: value, round: round)
                return next
            }
        }
    }

    /// Lines 55 and 56.
    private func skipped() -> [PaperProcess] {
        Set(messages.map(\.round)).filter { $0 > round }.sorted().compactMap { higher in
            guard 3 * weight(where: { $0.round == higher }) > weights.reduce(0, +) else { return nil }
            var next = self
            next.startRound(higher)
            return next
        }
    }

    /// This state and every one that rules may lead to from it.
    func outcomes() -> Set<PaperProcess> {
        var first = self
        first.schedule()
        var found: Set<PaperProcess> = [first]
        var open = [first]
        while let state = open.popLast() {
            for var next in state.successors() {
                next.schedule()
                if found.insert(next).inserted { open.append(next) }
            }
        }
        return found
    }
}
