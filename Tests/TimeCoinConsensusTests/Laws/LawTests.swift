import Testing
import TimeCoinCore

@testable import TimeCoinConsensus

@Suite("Laws of the machine")
struct LawTests {
    /// A run of random inputs; with `lies` members say two things at one position.
    private func run(_ seed: UInt64, steps: Int, lies: Bool, check: (inout LawWorld) throws -> Void) throws
        -> LawWorld
    {
        var generator = Seeded(seed)
        let weights: [UInt64] = [[1, 1, 1, 1], [2, 3, 2], [1, 2, 3, 2], [1, 1, 1, 1]][Int(seed % 4)]
        let members = try Members(weights)
        let own = Int.random(in: 0..<weights.count, using: &generator)
        var world = try LawWorld(members, weights: weights, own: own, label: "seed \(seed)")
        var script = LawScript(members: members, own: own, lies: lies, generator: generator)
        try world.feed(.start)
        for _ in 0..<steps where world.machine.decision == nil {
            guard let input = try script.next(world.machine, away: &world.away) else { continue }
            try world.feed(input)
            try check(&world)
        }
        return world
    }

    @Test(
        "K11: the paper allows every state, the journal leads to it, what is refused changes nothing",
        arguments: 0..<120 as Range<UInt64>)
    func random(seed: UInt64) throws {
        let world = try run(seed, steps: 70, lies: true) { _ in }
        for misbehaviour in world.evidence {
            #expect(world.member(misbehaviour.member) != world.own, "\(world.label): blames itself")
        }
    }

    @Test("without lies no rule of the paper is left that has to fire", arguments: 500..<580 as Range<UInt64>)
    func quiescent(seed: UInt64) throws {
        let world = try run(seed, steps: 50, lies: false) { world in
            // Votes of rounds before the previous one are forgotten; they come back as a certificate.
            if world.machine.round <= 1, !world.isQuiescent {
                Issue.record("\(world.label): a rule of the paper waits: \(world.waiting)")
            }
        }
        // Members that vote at random forget their locks, but say one thing at one position.
        #expect(world.evidence.allSatisfy { $0.kind == "amnesia" })
    }

    @Test("the random runs reach what they are for")
    func reach() throws {
        var (decided, locked, higher, refused, relocked) = (0, 0, 0, 0, 0)
        for seed in UInt64(0)..<60 {
            let world = try run(seed, steps: 70, lies: seed % 2 == 0) { _ in }
            if world.machine.decision != nil { decided += 1 }
            if world.machine.locked != nil { locked += 1 }
            if world.machine.round > 0 { higher += 1 }
            if world.refusals > 0 { refused += 1 }
            if let round = world.machine.locked?.round, round > 0 { relocked += 1 }
        }
        #expect(decided > 5 && locked > 10 && higher > 20 && refused > 20 && relocked > 2)
    }

    /// Calls with every order of the elements.
    private func permutations<Element>(_ elements: [Element], _ call: ([Element]) throws -> Void) rethrows {
        func go(_ prefix: [Element], _ rest: [Element]) throws {
            guard !rest.isEmpty else { return try call(prefix) }
            for index in rest.indices {
                var left = rest
                try go(prefix + [left.remove(at: index)], left)
            }
        }
        try go([], elements)
    }

    @Test(
        "every order of a small set decides the same or nothing, and reaches what the paper allows",
        arguments: 0..<6)
    func orders(variant: Int) throws {
        let members = try Members([1, 1, 1, 1])
        let proposer = try members.proposer(0)
        let own = (proposer + 1) % 4
        let others = (0..<4).filter { $0 != own }
        let (a, b) = (members.value(97), members.value(98))
        let sets: [[ConsensusInput]] = [
            try [members.proposal(0, a)] + others.map { try members.vote($0, .precommit, 0, a) },
            try [members.proposal(0, a), members.proposal(0, b)]
                + others.map { try members.vote($0, .prevote, 0, b) },
            try [members.proposal(0, a), members.vote(others[0], .precommit, 0, b)]
                + others.map { try members.vote($0, .precommit, 0, a) },
            try [members.proposal(0, a), members.vote(others[0], .prevote, 0, a)]
                + others.dropFirst().map { try members.vote($0, .prevote, 0, nil) }
                + [members.vote(others[1], .precommit, 0, nil)],
            try others.prefix(2).map { try members.vote($0, .prevote, 1, a) }
                + [members.proposal(0, a), members.proposal(1, a, validRound: 0)]
                + [members.vote(others[2], .prevote, 0, a)],
            try others.prefix(2).flatMap {
                [try members.vote($0, .prevote, 0, a), try members.vote($0, .precommit, 0, a)]
            } + [members.proposal(0, a)],
        ]
        var decisions: Set<Hash256> = []
        var orders = 0
        try permutations(sets[variant]) { order in
            orders += 1
            // The paper is walked beside one order in seven: the walk is what costs.
            let isCompared = orders % 7 == 0
            var world = try LawWorld(members, weights: [1, 1, 1, 1], own: own, label: "order \(orders)")
            var machine = members.machine(own)
            var queue: [ConsensusInput] = [.start, .verdict(a, isValid: true), .verdict(b, isValid: true)]
            queue += order
            while !queue.isEmpty, machine.decision == nil {
                let input = queue.removeFirst()
                let effects = machine.handle(input)
                if isCompared { try world.feed(input) }
                queue = try effects.toSign.map { try members.sign($0, by: own) } + queue
            }
            if let decision = machine.decision { decisions.insert(decision.value) }
        }
        #expect(orders >= 24)
        #expect(decisions.count <= 1, "two orders decide differently")
        if [0, 2, 5].contains(variant) { #expect(decisions == [a]) }
    }

    @Test(
        "four members, one of whom lies to each what it likes: whatever order, all decide the same",
        arguments: 0..<40 as Range<UInt64>)
    func agreement(seed: UInt64) throws {
        var generator = Seeded(seed)
        let members = try Members([1, 1, 1, 1])
        let liar = Int(seed % 4)
        let (a, b) = (members.value(97), members.value(98))
        var machines = (0..<4).map { members.machine($0) }
        var wires: [(to: Int, input: ConsensusInput)] = (0..<4).map { ($0, .start) }
        var decisions: Set<Hash256> = []
        for _ in 0..<1500 {
            let dice = Int.random(in: 0..<100, using: &generator)
            let to = (liar + Int.random(in: 1..<4, using: &generator)) % 4
            var next: (to: Int, input: ConsensusInput)?
            if dice < 70, !wires.isEmpty {
                next = wires.remove(at: Int.random(in: 0..<wires.count, using: &generator))
            } else if dice < 80 {
                next = machines[to].timers.randomElement(using: &generator).map { (to, .elapsed($0)) }
            } else {
                let value = [a, b, nil].randomElement(using: &generator) ?? nil
                let round = machines[to].round
                if dice < 85, let value, try members.proposer(round) == liar {
                    next = (to, try members.proposal(round, value))
                } else {
                    let type = VoteType.allCases[Int.random(in: 0..<2, using: &generator)]
                    next = (to, try members.vote(liar, type, round, value))
                }
            }
            guard let (to, input) = next, to != liar else { continue }
            let effects = machines[to].handle(input)
            if let decision = effects.decision { decisions.insert(decision.value) }
            for misbehaviour in effects.misbehaviour {
                guard case .votes(let vote, _) = misbehaviour else { continue }
                #expect(
                    vote.member == members.keys[liar].publicKey, "seed \(seed): a correct member is blamed")
            }
            for message in effects.toSign {
                let signed = try members.sign(message, by: to)
                for other in 0..<4 { wires.append((other, signed)) }
            }
            for request in effects.requests {
                switch request {
                case .judge(let value): wires.append((to, .verdict(value, isValid: true)))
                case .build(let round): wires.append((to, .built(round: round, value: seed % 2 == 0 ? a : b)))
                }
            }
        }
        #expect(decisions.count <= 1, "seed \(seed): \(decisions)")
    }

    @Test("a member that moved its lock says so in its prevote: it must not look amnesiac")
    func movedLock() throws {
        let members = try Members([1, 1, 1, 1])
        let own = try members.proposer(3)
        let others = (0..<4).filter { $0 != own }
        let (a, b) = (members.value(97), members.value(98))
        var machine = members.machine(own)
        func play(_ inputs: [ConsensusInput]) throws -> [OwnMessage] {
            var said: [OwnMessage] = []
            for input in inputs {
                let effects = machine.handle(input)
                for message in effects.toSign { _ = machine.handle(try members.sign(message, by: own)) }
                said += effects.toSign
            }
            return said
        }
        for (round, value) in [(Round(0), a), (1, b)] {
            let polka = try others.map { try members.vote($0, .prevote, round, value) }
            let proposal = try members.proposal(round, value)
            let end = try others.map { try members.vote($0, .precommit, round, nil) }
            _ = try play(
                [.start, .verdict(a, isValid: true), .verdict(b, isValid: true), proposal] + polka + end)
            #expect(machine.locked?.value == value && machine.locked?.round == round)
            _ = try play([.elapsed(Timeout(kind: .precommit, round: round))])
        }
        let said = try play([members.proposal(2, b)])
        #expect(
            said == [.vote(Vote(type: .prevote, height: 1, round: 2, value: b, validRound: 1))],
            "the lock of round 1 justifies it")
    }

    @Test("after a decision nothing is left: no timer, no wish, no word, and the next height begins as any")
    func afterDecision() throws {
        var decided = 0
        for seed in UInt64(0)..<60 {
            var world = try run(seed, steps: 70, lies: false) { _ in }
            let others = world.members.keys.indices.filter { $0 != world.own }
            // Own words are on their way when the others decide.
            try world.feed(.verdict(world.members.value(97), isValid: true))
            for other in others {
                try world.feed(
                    try world.members.vote(other, .precommit, world.machine.round, world.hash("a")))
            }
            var machine = world.machine
            guard machine.decision != nil else { continue }
            decided += 1
            #expect(machine.timers.isEmpty && machine.requests.isEmpty && machine.outstanding.isEmpty)
            let inputs: [ConsensusInput] = [
                .start, try world.members.vote(0, .prevote, 9, nil),
                .verdict(world.members.value(7), isValid: true),
                .elapsed(Timeout(kind: .propose, round: machine.round)),
            ]
            for input in inputs {
                let before = machine
                #expect(machine.handle(input).refusal == .alreadyDecided)
                #expect(machine == before)
            }
            func next() -> ConsensusMachine {
                ConsensusMachine(
                    height: machine.height + 1, validators: machine.validators, seed: machine.seed,
                    chain: machine.chain, own: machine.own, parameters: machine.parameters)
            }
            let fresh = next()
            #expect(fresh.round == 0 && fresh.step == .propose && !fresh.hasStarted)
            #expect(fresh.locked == nil && fresh.valid == nil && fresh == next())
            // What was of the height before is refused by it.
            var other = fresh
            #expect(other.handle(try world.members.vote(0, .prevote, 0, nil)).refusal == .otherHeight)
            #expect(other == fresh)
        }
        #expect(decided > 20)
    }
}
