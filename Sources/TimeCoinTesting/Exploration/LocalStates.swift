import TimeCoinConsensus
import TimeCoinCore

/// The states of one correct member's machine that were met, each once, with what moves it on.
///
/// Every move is played by the shipping machine, once; afterwards it is a number.
struct LocalStates: Sendable {
    struct State: Sendable {
        let key: LocalKey
        let machine: ConsensusMachine
        /// Where it was met first, and by which inputs.
        let parent: Int32
        let inputs: [LocalInput]
        var moves: [LocalMove]?
        /// Commit certificates, by round and value, on which the machine is known to decide.
        var decides: UInt64 = 0
    }

    let member: Int
    private(set) var states: [State] = []
    private var places: [LocalKey: Int32] = [:]
    /// By symmetry and state, the place in the table of who takes this member's place; -1 before it is known.
    var images: [[Int32]] = []
    /// What was wrong with a state.
    private(set) var violation: String?

    /// States of a member at most: three places fit in one word.
    static let statesMax = 1 << 21

    init(_ member: Int, _ universe: ExplorationUniverse, symmetries: Int) {
        self.member = member
        images = [[Int32]](repeating: [], count: symmetries)
        var machine = universe.machine(member)
        var sent: UInt64 = 0
        // Both values are known to be valid; the round has begun.
        play(
            universe.values.map { .verdict($0, isValid: true) } + [.start], on: &machine, &sent, universe)
        _ = keep(LocalKey(machine, sent: sent, universe), machine, parent: -1, [])
    }

    func sent(_ place: Int) -> UInt64 { states[place].key.sent }

    private mutating func keep(
        _ key: LocalKey, _ machine: ConsensusMachine, parent: Int32, _ inputs: [LocalInput]
    ) -> Int32 {
        if let place = places[key] { return place }
        let place = Int32(states.count)
        places[key] = place
        states.append(State(key: key, machine: machine, parent: parent, inputs: inputs))
        for index in images.indices { images[index].append(-1) }
        if states.count >= LocalStates.statesMax { violation = "more local states than fit in a word" }
        return place
    }

    /// Feeds inputs; own messages come back at once.
    private mutating func play(
        _ inputs: [ConsensusInput], on machine: inout ConsensusMachine, _ sent: inout UInt64,
        _ universe: ExplorationUniverse
    ) {
        var queue = inputs
        while !queue.isEmpty {
            let effects = machine.handle(queue.removeFirst())
            for message in effects.toSign {
                guard let statement = universe.statement(message),
                    let input = universe.input(Saying(member: member, statement: statement))
                else {
                    violation = "says something that nobody can say: \(message)"
                    continue
                }
                sent |= 1 << UInt64(statement)
                queue.insert(input, at: 0)
            }
        }
    }

    /// Makes sure that the moves of a state are listed.
    mutating func list(_ place: Int, _ universe: ExplorationUniverse) {
        guard states[place].moves == nil else { return }
        states[place].moves = universe.moves(of: member, states[place].key)
        checkWords(states[place].key.sent, universe)
    }

    /// Where a move leads to; the state itself if nothing comes of it.
    mutating func target(of place: Int, _ move: Int, _ universe: ExplorationUniverse) -> Int32 {
        guard let known = states[place].moves?[move] else { return Int32(place) }
        if known.target >= 0 { return known.target }
        let target = reach(Int32(place), known.inputs, universe)
        states[place].moves?[move].target = target
        return target
    }

    private mutating func reach(
        _ parent: Int32, _ inputs: [LocalInput], _ universe: ExplorationUniverse
    ) -> Int32 {
        var machine = states[Int(parent)].machine
        var sent = states[Int(parent)].key.sent
        for input in inputs {
            guard let input = input.input(for: machine, universe) else { continue }
            play([input], on: &machine, &sent, universe)
        }
        // What would go beyond the explored rounds is left out.
        guard Int(machine.round) < universe.rounds else { return parent }
        let key = LocalKey(machine, sent: sent, universe)
        // What makes no rule fire can as well arrive later, together with what does.
        guard key.hasActed(since: states[Int(parent)].key) else { return parent }
        return keep(key, machine, parent: parent, inputs)
    }

    /// The inputs from the beginning.
    func path(to place: Int32) -> [[LocalInput]] {
        var path: [[LocalInput]] = []
        var place = place
        while place > 0 {
            path.append(states[Int(place)].inputs)
            place = states[Int(place)].parent
        }
        return path.reversed()
    }

    /// The place of a key; where it is new, the path of another member is played with parts exchanged.
    mutating func place(
        of key: LocalKey, playing path: @autoclosure () -> [[LocalInput]],
        _ universe: ExplorationUniverse
    ) -> Int32 {
        if let place = places[key] { return place }
        var place: Int32 = 0
        for inputs in path() { place = reach(place, inputs, universe) }
        if states[Int(place)].key != key { violation = "the machine is not symmetric: \(key)" }
        return place
    }

    /// Whether the machine decides a value on its commit certificate; tried once a round and value.
    mutating func decides(
        _ place: Int, _ value: Int, on commit: VerifiedCertificate, bit: UInt64,
        _ universe: ExplorationUniverse
    ) -> Bool {
        let state = states[place]
        if state.decides & bit != 0 { return true }
        if state.key.decided.value >= 0 { return Int(state.key.decided.value) == value }
        var machine = state.machine
        let decision = machine.handle(.certificate(commit)).decision
        guard decision?.value == universe.values[value] else { return false }
        states[place].decides |= bit
        return true
    }

    /// One vote a position, and nothing that looks like amnesia.
    private mutating func checkWords(_ sent: UInt64, _ universe: ExplorationUniverse) {
        let words = universe.statements.indices.filter { sent & 1 << UInt64($0) != 0 }.map {
            universe.statements[$0]
        }
        for (index, one) in words.enumerated() {
            for other in words[(index + 1)...] {
                switch (one, other) {
                case (.prevote(let round, _, _), .prevote(let again, _, _)) where round == again,
                    (.precommit(let round, _), .precommit(let again, _)) where round == again,
                    (.proposal(let round, _, _), .proposal(let again, _, _)) where round == again:
                    violation = "member \(member) says \(one.text) and \(other.text)"
                case (.precommit(let round, let value?), .prevote(let later, let new?, let validRound))
                where later > round && new != value && validRound ?? -1 < round:
                    violation = "member \(member) forgets \(one.text) with \(other.text)"
                default: break
                }
            }
        }
    }
}
