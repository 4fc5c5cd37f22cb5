import TimeCoinConsensus
import TimeCoinCore

/// What can matter of one machine for what it will do, in few bytes, read through its public interface.
///
/// Left out is what is finished: tallies of rounds that were left, and prevotes once the machine
/// precommitted. From there votes act only as a quorum for a value, and such a quorum can come as a
/// certificate at any time.
struct LocalKey: Hashable, Sendable {
    /// A value and a round; -1 for none.
    struct Point: Hashable, Sendable {
        var value: Int8 = -1
        var round: Int8 = -1

        func swapped(_ isSwapped: Bool) -> Point {
            isSwapped && value >= 0 ? Point(value: 1 - value, round: round) : self
        }
    }

    var round: Int8
    var step: UInt8
    var awaitsValue: Bool
    var timers: UInt8
    var locked: Point
    var valid: Point
    var polka: Point
    var decided: Point
    /// By member: -1 unheard, 0 and 1 the values, 2 nil.
    var prevotes = SIMD4<Int8>(repeating: -1)
    var precommits = SIMD4<Int8>(repeating: -1)
    /// Proposals of this round: a bit each for value and valid round.
    var proposals: UInt16 = 0
    /// Everything that it said.
    var sent: UInt64

    private static let validRoundsMax = ExplorationUniverse.roundsMax

    init(_ machine: ConsensusMachine, sent: UInt64, _ universe: ExplorationUniverse) {
        func point(_ value: ConsensusMachine.ValidValue?) -> Point {
            value.map { Point(value: Int8(universe.value($0.value) ?? -1), round: Int8($0.round)) }
                ?? Point()
        }
        round = Int8(machine.round)
        step = machine.step.rawValue
        awaitsValue = machine.requests.contains(.build(round: machine.round))
        timers = machine.timers.reduce(0) { $0 | 1 << $1.kind.rawValue }
        locked = point(machine.locked)
        valid = point(machine.valid)
        polka = Point()
        decided = Point()
        self.sent = sent
        if let decision = machine.decision {
            decided.value = Int8(universe.value(decision.value) ?? -1)
            // A machine that decided says nothing more.
            (locked, valid, round, step, timers) = (Point(), Point(), 0, 0, 0)
            return
        }
        let held = machine.held(beyond: universe.machine(0).summary)
        for vote in held.votes where vote.vote.round == machine.round {
            guard let member = universe.member(vote.member) else { continue }
            let code = Int8(universe.value(vote.vote.value) ?? 2)
            if vote.vote.type == .precommit {
                precommits[member] = code
            } else if machine.step != .precommit {
                prevotes[member] = code
            }
        }
        for proposal in held.proposals.map(\.proposal) where proposal.round == machine.round {
            guard let value = universe.value(proposal.value) else { continue }
            let validRound = proposal.validRound.map { Int($0) + 1 } ?? 0
            proposals |= 1 << UInt16(validRound * 2 + value)
        }
        if let certificate = held.certificates.last(where: { $0.kind == .polka }) {
            polka = Point(
                value: Int8(universe.value(certificate.value) ?? -1), round: Int8(certificate.round))
        }
    }

    /// Whether a rule fired, more than a message having been heard.
    func hasActed(since earlier: LocalKey) -> Bool {
        round != earlier.round || step != earlier.step || locked != earlier.locked || valid != earlier.valid
            || sent != earlier.sent || decided != earlier.decided || awaitsValue != earlier.awaitsValue
    }

    /// The key of the member that takes this one's place when members and values are exchanged.
    func permuted(_ symmetry: Symmetry, _ universe: ExplorationUniverse) -> LocalKey {
        var key = self
        key.sent = symmetry.mask(sent, universe)
        for member in 0..<ExplorationUniverse.members {
            let other = symmetry.members[member]
            key.prevotes[other] = symmetry.code(prevotes[member])
            key.precommits[other] = symmetry.code(precommits[member])
        }
        guard symmetry.swapsValues else { return key }
        for point in [\LocalKey.locked, \.valid, \.polka, \.decided]
            as [WritableKeyPath<LocalKey, Point>]
        {
            key[keyPath: point] = self[keyPath: point].swapped(true)
        }
        // Bits of the two values stand beside each other.
        key.proposals = (proposals & 0x5555) << 1 | (proposals & 0xaaaa) >> 1
        return key
    }
}

/// An exchange of members that play the same part, and of the two values.
struct Symmetry: Sendable {
    /// Who takes the place of whom.
    let members: [Int]
    let swapsValues: Bool

    func mask(_ mask: UInt64, _ universe: ExplorationUniverse) -> UInt64 {
        guard swapsValues else { return mask }
        var result: UInt64 = 0
        var rest = mask
        while rest != 0 {
            result |= 1 << UInt64(universe.swappedStatement[rest.trailingZeroBitCount])
            rest &= rest - 1
        }
        return result
    }

    func code(_ code: Int8) -> Int8 { swapsValues && (code == 0 || code == 1) ? 1 - code : code }

    func saying(_ saying: Saying, _ universe: ExplorationUniverse) -> Saying {
        Saying(
            member: members[saying.member],
            statement: swapsValues ? universe.swappedStatement[saying.statement] : saying.statement)
    }
}
