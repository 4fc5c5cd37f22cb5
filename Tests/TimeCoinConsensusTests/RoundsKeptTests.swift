import Testing
import TimeCoinCore

@testable import TimeCoinConsensus

@Suite("Rounds that are kept")
struct RoundsKeptTests {
    private func finish(
        _ round: Round, _ machine: inout ConsensusMachine, _ members: Members, by others: [Int]
    ) throws {
        for other in others { _ = machine.handle(try members.vote(other, .precommit, round, nil)) }
        _ = machine.handle(.elapsed(Timeout(kind: .precommit, round: round)))
    }

    @Test("K15: without a lock only the round before is kept beside the current one")
    func plain() throws {
        let members = try Members([1, 1, 1, 1])
        var machine = members.machine(0)
        _ = machine.handle(.start)
        for round in 0..<20 as Range<Round> {
            try finish(round, &machine, members, by: [1, 2, 3])
            #expect(machine.rounds.map(\.number) == [round, round + 1])
        }
    }

    @Test("K15: the rounds of the lock and of the valid value stay, and no others")
    func lockedAndValid() throws {
        let members = try Members([1, 1, 1, 1])
        let proposers = try [members.proposer(0), members.proposer(1)]
        let own = try #require((0..<4).first { !proposers.contains($0) })
        let others = (0..<4).filter { $0 != own }
        let (first, second) = (members.value(1), members.value(2))
        var machine = members.machine(own)
        func feed(_ input: ConsensusInput) throws {
            for message in machine.handle(input).toSign { try feed(try members.sign(message, by: own)) }
        }
        try feed(.start)
        try feed(.verdict(first, isValid: true))
        try feed(.verdict(second, isValid: true))
        try feed(try members.proposal(0, first))
        for other in others { try feed(try members.vote(other, .prevote, 0, first)) }
        try finish(0, &machine, members, by: others)
        // In round 1 the polka for the second value comes when the prevote timeout is over.
        try feed(try members.proposal(1, second))
        for other in others.prefix(2) { try feed(try members.vote(other, .prevote, 1, second)) }
        try feed(.elapsed(Timeout(kind: .prevote, round: 1)))
        try feed(try members.vote(others[2], .prevote, 1, second))
        #expect(machine.locked == .init(value: first, round: 0))
        #expect(machine.valid == .init(value: second, round: 1))
        for round in 1..<12 as Range<Round> {
            try finish(round, &machine, members, by: others)
            let kept = Set([0, 1, round, round + 1]).sorted()
            #expect(machine.rounds.map(\.number) == kept)
        }
    }
}
