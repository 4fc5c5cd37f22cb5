import TimeCoinConsensus
import TimeCoinCore

/// Walks through every state that four members can reach together, each correct one a shipping machine.
///
/// What is explored and what is not is in `Docs/Exploration.md`.
public struct Exploration: Sendable {
    public struct Setting: Hashable, Sendable {
        /// Rounds 0 to this − 1; at most 3.
        public var rounds: Int
        /// Members that say anything to anybody at any time. Member k proposes in round k.
        public var faulty: Set<Int>
        /// States after which it ends, whether or not there are more.
        public var statesMax: Int
        /// Chooses which of the open states comes next; closed explorations do not depend on it.
        public var seed: UInt64

        public init(rounds: Int, faulty: Set<Int>, statesMax: Int, seed: UInt64 = 1) {
            self.rounds = rounds
            self.faulty = faulty
            self.statesMax = statesMax
            self.seed = seed
        }
    }

    public struct Report: Hashable, Sendable, CustomStringConvertible {
        /// Joint states met, those alike by symmetry counted once.
        public var states = 0
        public var transitions = 0
        /// States of single machines.
        public var localStates = 0
        /// Joint states in which some value could be decided.
        public var decidable = 0
        /// Joint states in which some machine is locked in a round above 0.
        public var lockedLater = 0
        /// Whether no state was left open.
        public var isClosed = false
        /// What must not be, with what was said.
        public var violation: String?

        public var description: String {
            let joint = "\(states) states (\(decidable) decidable, \(lockedLater) locked in a later round)"
            let end = violation ?? (isClosed ? "closed" : "not closed")
            return "\(joint), \(transitions) transitions, \(localStates) local states, \(end)"
        }
    }

    private let setting: Setting
    private let universe: ExplorationUniverse
    private var tables: [LocalStates]
    private let symmetries: [Symmetry]
    private var known = StateSet()
    private var open: [UInt64] = []
    private var report = Report()
    private var generator: UInt64
    /// By round and value.
    private let commits: [[VerifiedCertificate]]

    private static let placeBits: UInt64 = 21

    /// `nil` for rounds or faulty members that cannot be.
    public init?(_ setting: Setting) {
        guard let universe = ExplorationUniverse(rounds: setting.rounds, faulty: setting.faulty),
            (1...3).contains(universe.correct.count)
        else { return nil }
        self.setting = setting
        self.universe = universe
        generator = setting.seed
        let symmetries = Exploration.symmetries(universe)
        self.symmetries = symmetries
        tables = universe.correct.map { LocalStates($0, universe, symmetries: symmetries.count) }
        var commits: [[VerifiedCertificate]] = []
        for round in 0..<universe.rounds {
            commits.append(
                universe.values.indices.compactMap { value in
                    let place = universe.place(.precommit(round: round, value: value)) ?? 0
                    let votes = universe.votes((0..<3).map { Saying(member: $0, statement: place) })
                    return VerifiedCertificate(.commit, of: votes, validators: universe.set)
                })
        }
        self.commits = commits
    }

    /// The values, and correct members that propose in none of the rounds, can be exchanged.
    private static func symmetries(_ universe: ExplorationUniverse) -> [Symmetry] {
        let all = Array(0..<ExplorationUniverse.members)
        let alike = universe.correct.filter { $0 >= universe.rounds }
        var orders = [all]
        if alike.count == 2 {
            var exchanged = all
            exchanged.swapAt(alike[0], alike[1])
            orders.append(exchanged)
        }
        return orders.flatMap { order in
            [false, true].map { Symmetry(members: order, swapsValues: $0) }
        }.filter { $0.swapsValues || $0.members != all }
    }

    /// Explores until nothing is open, something is wrong, or there are states enough.
    public mutating func run() -> Report {
        var start: [Int32] = []
        for _ in tables { start.append(0) }
        visit(start)
        while report.violation == nil, known.count < setting.statesMax, !open.isEmpty {
            expand(take())
        }
        report.states = known.count
        report.isClosed = open.isEmpty && report.violation == nil
        report.localStates = tables.reduce(0) { $0 + $1.states.count }
        return report
    }

    /// One of the open states by chance, so that a bounded walk goes wide and deep.
    private mutating func take() -> UInt64 {
        generator = generator &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let place = Int(generator >> 33) % open.count
        open.swapAt(place, open.count - 1)
        return open.removeLast()
    }

    private func unpack(_ word: UInt64) -> [Int32] {
        tables.indices.map {
            Int32(word >> (Exploration.placeBits * UInt64($0)) & (1 << Exploration.placeBits - 1))
        }
    }

    private func pack(_ places: [Int32]) -> UInt64 {
        var word: UInt64 = 0
        for (index, place) in places.enumerated() {
            word |= UInt64(place) << (Exploration.placeBits * UInt64(index))
        }
        return word
    }

    private mutating func expand(_ word: UInt64) {
        var places = unpack(word)
        var sent = SIMD4<UInt64>()
        for (index, place) in places.enumerated() {
            sent[tables[index].member] = tables[index].sent(Int(place))
            tables[index].list(Int(place), universe)
        }
        for index in tables.indices {
            let place = places[index]
            let count = tables[index].states[Int(place)].moves?.count ?? 0
            for move in 0..<count {
                guard let known = tables[index].states[Int(place)].moves?[move],
                    known.needs & sent == known.needs
                else { continue }
                let target =
                    known.target >= 0 ? known.target : tables[index].target(of: Int(place), move, universe)
                guard target != place else { continue }
                report.transitions += 1
                let decided = Int(tables[index].states[Int(target)].key.decided.value)
                if decided >= 0 {
                    // A machine that decided says nothing more: it is silent in the states that are visited.
                    if !isDecidable(decided, sent) { fail("member decides without a quorum", places) }
                    continue
                }
                places[index] = target
                visit(places)
                places[index] = place
            }
            if let violation = tables[index].violation { fail(violation, places) }
        }
    }

    private mutating func visit(_ places: [Int32]) {
        let word = canonical(places)
        guard known.insert(word) else { return }
        open.append(word)
        check(unpack(word))
    }

    /// The least of all words that are alike.
    private mutating func canonical(_ places: [Int32]) -> UInt64 {
        var least = pack(places)
        for symmetry in symmetries.indices {
            var images = places
            for index in tables.indices {
                let (target, image) = image(of: index, Int(places[index]), symmetry)
                images[target] = image
            }
            least = min(least, pack(images))
        }
        return least
    }

    /// The table and place that a member's state takes under a symmetry.
    private mutating func image(of index: Int, _ place: Int, _ number: Int) -> (
        table: Int, place: Int32
    ) {
        let symmetry = symmetries[number]
        let member = symmetry.members[tables[index].member]
        let target = universe.correct.firstIndex(of: member) ?? index
        let known = tables[index].images[number][place]
        if known >= 0 { return (target, known) }
        let key = tables[index].states[place].key.permuted(symmetry, universe)
        let path = tables[index].path(to: Int32(place)).map { inputs in
            inputs.map { $0.permuted(symmetry, universe) }
        }
        let image = tables[target].place(of: key, playing: path, universe)
        tables[index].images[number][place] = image
        return (target, image)
    }

    /// Whether in some round correct members and the faulty ones make a quorum of precommits for a value.
    private func isDecidable(_ value: Int, _ sent: SIMD4<UInt64>) -> Bool {
        (0..<universe.rounds).contains { round in
            guard let place = universe.place(.precommit(round: round, value: value)) else { return false }
            let votes = universe.correct.filter { sent[$0] & 1 << UInt64(place) != 0 }.count
            return universe.set.isQuorum(UInt64(votes + setting.faulty.count))
        }
    }

    /// What must hold in every state.
    private mutating func check(_ places: [Int32]) {
        var decided: Set<Int> = []
        for round in 0..<universe.rounds {
            for value in universe.values.indices {
                guard let statement = universe.place(.precommit(round: round, value: value)) else {
                    continue
                }
                let bit: UInt64 = 1 << UInt64(statement)
                let votes = places.indices.reduce(0) { sum, index in
                    sum + (tables[index].sent(Int(places[index])) & bit != 0 ? 1 : 0)
                }
                guard universe.set.isQuorum(UInt64(votes + setting.faulty.count)) else { continue }
                decided.insert(value)
                for index in tables.indices
                where decided.count == 1
                    && !tables[index].decides(
                        Int(places[index]), value, on: commits[round][value], bit: bit, universe)
                {
                    fail("member \(tables[index].member) does not decide on a commit certificate", places)
                }
            }
        }
        if decided.count > 1 { fail("two values are decided", places) }
        if !decided.isEmpty { report.decidable += 1 }
        if places.indices.contains(where: { tables[$0].states[Int(places[$0])].key.locked.round > 0 }) {
            report.lockedLater += 1
        }
    }

    private mutating func fail(_ reason: String, _ places: [Int32]) {
        guard report.violation == nil else { return }
        let words = places.enumerated().map { index, place in
            let sent = tables[index].sent(Int(place))
            let said = universe.statements.indices.filter { sent & 1 << UInt64($0) != 0 }
                .map { universe.statements[$0].text }
            return "member \(tables[index].member) said \(said.joined(separator: ", "))"
        }
        report.violation = ([reason] + words).joined(separator: "; ")
    }
}
