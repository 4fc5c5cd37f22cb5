import CAllocationCount
import TimeCoinConsensus
import TimeCoinCore

/// What a machine holds, by the allocator's account.
struct MemoryBenchmark {
    let fixture: ConsensusFixture

    /// Bytes that stay allocated for a machine to which some inputs were given.
    private func live(_ inputs: [ConsensusInput], reaching round: Round) throws -> Int {
        let before = allocation_live_bytes()
        var machine = fixture.machine(own: nil)
        for input in inputs { _ = machine.handle(input) }
        let live = Int(allocation_live_bytes()) - Int(before)
        guard machine.round == round else {
            throw ConsensusFixture.Failed(reason: "in round \(machine.round), not \(round)")
        }
        return live
    }

    /// A height as it should be: one round, everybody votes; before the decision empties it.
    func normal() throws -> Int {
        let value = fixture.value(1)
        var inputs: [ConsensusInput] = [.start, try fixture.proposal(0, value)]
        inputs += try fixture.votes(.prevote, 0, value).map { .vote($0) }
        inputs += try fixture.votes(.precommit, 0, value).map { .vote($0) }
        return try live(inputs, reaching: 0)
    }

    /// Six rounds with a polka each: locked in the first, another value valid since the second, later ones
    /// without their proposals, so that four rounds are kept. Members short of a third precommit a value of
    /// their own each in every round, say everything twice, propose twice, and vote and propose far ahead.
    func worst() throws -> Int {
        let last: Round = 5
        var inputs: [ConsensusInput] = [.start]
        for round in 0...last {
            inputs += try proposals(round)
            inputs += try prevotes(round)
            if round < last { inputs += try precommits(round) }
        }
        // More verdicts than are kept.
        inputs += (0..<100).map { .verdict(fixture.value(1000 + $0), isValid: false) }
        for round in last + 1..<last + 1 + Round(fixture.keys.count) {
            let proposer = fixture.validators.proposer(height: 1, round: round, seed: fixture.seed)
            guard let place = fixture.validators.index(of: proposer.operatorKey),
                fixture.faulty.contains(place)
            else { continue }
            inputs.append(try fixture.proposal(round, fixture.value(2000)))
        }
        for member in fixture.faulty {
            for type in VoteType.allCases {
                let round = Round(100 + 2 * member) + Round(type.rawValue)
                inputs.append(.vote(try fixture.vote(member, type, round, nil)))
            }
        }
        return try live(inputs, reaching: last)
    }

    private func proposals(_ round: Round) throws -> [ConsensusInput] {
        let value = fixture.value(round < 2 ? Int(round) : 600 + Int(round))
        return [
            try fixture.proposal(round, value), .verdict(value, isValid: true),
            try fixture.proposal(round, fixture.value(500 + Int(round))),
        ]
    }

    /// Of all for the value of the round; from the second on only after the step is over.
    private func prevotes(_ round: Round) throws -> [ConsensusInput] {
        var votes: [ConsensusInput] = try fixture.votes(.prevote, round, fixture.value(Int(round)))
            .map { .vote($0) }
        guard round > 0 else { return votes }
        // One nil completes a quorum of any votes before there is one for the value.
        var least = 0
        while !fixture.validators.isQuorum(UInt64(least + 1)) { least += 1 }
        votes.insert(.elapsed(Timeout(kind: .prevote, round: round)), at: least)
        votes.insert(.vote(try fixture.vote(votes.count - 2, .prevote, round, nil)), at: least)
        return votes + (try doubled(.prevote, round))
    }

    private func precommits(_ round: Round) throws -> [ConsensusInput] {
        try doubled(.precommit, round)
            + fixture.keys.indices.map { member in
                let own = fixture.faulty.contains(member) ? fixture.value(3000 + member) : nil
                return .vote(try fixture.vote(member, .precommit, round, own))
            }
    }

    /// Another vote of each member that does what it wants.
    private func doubled(_ type: VoteType, _ round: Round) throws -> [ConsensusInput] {
        try fixture.faulty.map { .vote(try fixture.vote($0, type, round, fixture.value(4000 + $0))) }
    }
}
