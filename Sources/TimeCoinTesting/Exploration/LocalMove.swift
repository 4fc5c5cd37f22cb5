import TimeCoinConsensus
import TimeCoinCore

/// One input of a machine as data, so that it can be played again with members and values exchanged.
enum LocalInput: Hashable, Sendable {
    case said(Saying)
    /// A certificate of these prevotes.
    case polka([Saying])
    /// A round certificate of these precommits, for the round behind them.
    case ending([Saying])
    case elapsed(TimeoutKind)
    case built(Int)

    func permuted(_ symmetry: Symmetry, _ universe: ExplorationUniverse) -> LocalInput {
        switch self {
        case .said(let saying): .said(symmetry.saying(saying, universe))
        case .polka(let sayings): .polka(sayings.map { symmetry.saying($0, universe) })
        case .ending(let sayings): .ending(sayings.map { symmetry.saying($0, universe) })
        case .elapsed: self
        case .built(let value): .built(symmetry.swapsValues ? 1 - value : value)
        }
    }

    func input(for machine: ConsensusMachine, _ universe: ExplorationUniverse) -> ConsensusInput? {
        switch self {
        case .said(let saying): return universe.input(saying)
        case .polka(let sayings):
            return VerifiedCertificate(.polka, of: universe.votes(sayings), validators: universe.set)
                .map { .certificate($0) }
        case .ending(let sayings):
            let votes = universe.votes(sayings)
            guard let round = votes.first?.vote.round else { return nil }
            return VerifiedRoundCertificate(
                justifying: round + 1, at: 1, by: votes, validators: universe.set
            ).map { .roundCertificate($0) }
        case .elapsed(let kind): return .elapsed(Timeout(kind: kind, round: machine.round))
        case .built(let value): return .built(round: machine.round, value: universe.values[value])
        }
    }
}

/// Inputs that arrive together and make a rule fire, and who must have said what for them to be there.
struct LocalMove: Sendable {
    let inputs: [LocalInput]
    /// By member, statements that must have been sent; a faulty one can always have sent anything.
    let needs: SIMD4<UInt64>
    /// The state that it leads to; -1 before that was tried.
    var target: Int32 = -1

    init(_ inputs: [LocalInput], _ universe: ExplorationUniverse) {
        self.inputs = inputs
        var needs = SIMD4<UInt64>()
        for input in inputs {
            switch input {
            case .said(let saying): LocalMove.add(saying, to: &needs, universe)
            case .polka(let sayings), .ending(let sayings):
                for saying in sayings { LocalMove.add(saying, to: &needs, universe) }
            case .elapsed, .built: break
            }
        }
        self.needs = needs
    }

    private static func add(
        _ saying: Saying, to needs: inout SIMD4<UInt64>, _ universe: ExplorationUniverse
    ) {
        if !universe.isFaulty(saying.member) { needs[saying.member] |= 1 << UInt64(saying.statement) }
    }
}

extension ExplorationUniverse {
    /// Every way to make a machine in this state do something, but decide: see `Docs/Exploration.md`.
    func moves(of member: Int, _ key: LocalKey) -> [LocalMove] {
        let (round, step) = (Int(key.round), key.step)
        guard key.decided.value < 0 else { return [] }
        var moves: [[LocalInput]] = []
        if key.awaitsValue { moves += [[.built(0)], [.built(1)]] }
        let proposals = proposals(in: round, for: member)
        if step == ConsensusStep.propose.rawValue {
            moves.append([.elapsed(.propose)])
            for (input, value, validRound) in proposals {
                moves.append([input])
                if let validRound {
                    moves += polkas(validRound, value, member, key.sent).map { [.polka($0), input] }
                }
            }
        } else {
            for value in values.indices {
                let known = [[]] + proposals.filter { $0.value == value }.map { [$0.input] }
                for polka in polkas(round, value, member, key.sent) {
                    moves += known.map { $0 + [.polka(polka)] }
                }
            }
        }
        let others = (0..<ExplorationUniverse.members).filter { $0 != member }
        if step == ConsensusStep.prevote.rawValue {
            let said = others.map { other in
                [nil, 0, 1].flatMap { prevotes(of: other, round, $0) }.map {
                    Saying(member: other, statement: $0)
                }
            }
            moves += subsets(of: said, sizes: 1...2).flatMap { votes -> [[LocalInput]] in
                let inputs = votes.map { LocalInput.said($0) }
                return [inputs, inputs + [.elapsed(.prevote)]]
            }
            moves.append([.elapsed(.prevote)])
        }
        if round + 1 < rounds {
            let said = others.map { other in
                precommits(round).map { Saying(member: other, statement: $0) }
            }
            moves += subsets(of: said, sizes: 1...3).map { $0.map { .said($0) } + [.elapsed(.precommit)] }
            moves.append([.elapsed(.precommit)])
        }
        for higher in rounds > round + 1 ? Array(round + 1..<rounds) : [] {
            moves += entrances(to: higher, others)
        }
        return moves.map { LocalMove($0, self) }
    }

    /// Ways into a higher round: a vote in it of a correct member and of as many faulty ones as there are, or
    /// precommits that end the one before. The faulty precommit nil: that takes nothing from what follows.
    private func entrances(to round: Int, _ others: [Int]) -> [[LocalInput]] {
        let faulty = others.filter(isFaulty).count
        let voted = others.map { other in
            (isFaulty(other)
                ? [place(.precommit(round: round, value: nil))].compactMap { $0 }
                : [nil, 0, 1].flatMap { prevotes(of: other, round, $0) } + precommits(round))
                .map { Saying(member: other, statement: $0) }
        }
        let ended = others.map { other in
            precommits(round - 1).map { Saying(member: other, statement: $0) }
        }
        return subsets(of: voted, sizes: 2...2)
            .filter { votes in votes.filter { isFaulty($0.member) }.count == min(2, faulty) }
            .map { $0.map { .said($0) } }
            + subsets(of: ended, sizes: 3...3).map { [.ending($0)] }
    }

    /// Proposals of a round that can reach a member.
    private func proposals(
        in round: Int, for member: Int
    ) -> [(input: LocalInput, value: Int, validRound: Int?)] {
        // Member k proposes in round k.
        guard round != member else { return [] }
        return statements.enumerated().compactMap { place, statement in
            guard case .proposal(round, let value, let validRound) = statement else { return nil }
            return (.said(Saying(member: round, statement: place)), value, validRound)
        }
    }

    /// Every three prevotes for a value; of the member's own only what it said.
    private func polkas(_ round: Int, _ value: Int, _ member: Int, _ sent: UInt64) -> [[Saying]] {
        let said = (0..<ExplorationUniverse.members).map { other in
            prevotes(of: other, round, value)
                .filter { other != member || sent & 1 << UInt64($0) != 0 }
                .map { Saying(member: other, statement: $0) }
        }
        return subsets(of: said, sizes: 3...3)
    }

    /// Choices of one element each from some of the lists.
    private func subsets(of lists: [[Saying]], sizes: ClosedRange<Int>) -> [[Saying]] {
        var found: [[Saying]] = [[]]
        for list in lists {
            found += found.flatMap { chosen in
                chosen.count < sizes.upperBound ? list.map { chosen + [$0] } : []
            }
        }
        return found.filter { sizes.contains($0.count) }
    }
}
