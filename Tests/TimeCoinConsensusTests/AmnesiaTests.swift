import Testing
import TimeCoinCore

@testable import TimeCoinConsensus

@Suite("Forgotten locks")
struct AmnesiaTests {
    /// Four members of which one machine is nobody's proposer in rounds 0 to 2.
    private func setting() throws -> (members: Members, own: Int, others: [Int]) {
        let members = try Members([1, 1, 1, 1])
        let proposers = try (0...2 as ClosedRange<Round>).map { try members.proposer($0) }
        let own = try #require((0..<4).first { !proposers.contains($0) })
        return (members, own, (0..<4).filter { $0 != own })
    }

    /// Ends round 0 by precommits that decide nothing.
    private func endRoundZero(_ machine: inout ConsensusMachine, _ members: Members, by others: [Int]) throws
    {
        for other in others {
            _ = machine.handle(
                try members.vote(other, .precommit, 0, other == others[0] ? members.value(1) : nil))
        }
        _ = machine.handle(.elapsed(Timeout(kind: .precommit, round: 0)))
    }

    @Test(
        "a prevote that forgets a precommit is evidence, in whatever order both come",
        arguments: [false, true])
    func found(isEarly: Bool) throws {
        let (members, own, others) = try setting()
        var machine = members.machine(own)
        _ = machine.handle(.start)
        var found: [Misbehaviour] = []
        let prevote = try members.vote(others[0], .prevote, 1, members.value(2))
        if isEarly { found += machine.handle(prevote).misbehaviour }
        for other in others {
            let value = other == others[0] ? members.value(1) : nil
            found += machine.handle(try members.vote(other, .precommit, 0, value)).misbehaviour
        }
        found += machine.handle(.elapsed(Timeout(kind: .precommit, round: 0))).misbehaviour
        #expect(machine.round == 1)
        if !isEarly { found += machine.handle(prevote).misbehaviour }
        #expect(found.count == 1)
        #expect(found.first?.kind == "amnesia")
        #expect(found.first?.member == members.keys[others[0]].publicKey)
        let evidence = try #require(found.first.flatMap { Evidence($0, validators: members.set) })
        let anchor = TrustAnchor(chain: members.chain, validators: members.set.hash)
        #expect(try evidence.verify(against: anchor).operatorKey == members.keys[others[0]].publicKey)
    }

    @Test("a prevote that names a polka since is none")
    func justified() throws {
        let (members, own, others) = try setting()
        var machine = members.machine(own)
        _ = machine.handle(.start)
        try endRoundZero(&machine, members, by: others)
        let prevote = try members.vote(others[0], .prevote, 1, members.value(2), validRound: 0)
        #expect(machine.handle(prevote).misbehaviour.isEmpty)
    }

    @Test("K10: a polka older than the lock does not open it, a newer one does", arguments: [false, true])
    func onlyNewerPolkas(isNewer: Bool) throws {
        let (members, own, others) = try setting()
        let (first, second) = (members.value(1), members.value(2))
        var machine = members.machine(own)
        _ = machine.handle(.start)
        _ = machine.handle(.verdict(first, isValid: true))
        _ = machine.handle(.verdict(second, isValid: true))
        // In one of the rounds 0 and 1 it locks the first value, in the other it hears a polka for the
        // second without its proposal.
        for round in 0...1 as ClosedRange<Round> {
            let isLocking = (round == 0) == isNewer
            if isLocking { _ = machine.handle(try members.proposal(round, first)) }
            let value = isLocking ? first : second
            for other in others { _ = machine.handle(try members.vote(other, .prevote, round, value)) }
            if !isLocking { _ = machine.handle(.elapsed(Timeout(kind: .propose, round: round))) }
            for other in others { _ = machine.handle(try members.vote(other, .precommit, round, nil)) }
            _ = machine.handle(.elapsed(Timeout(kind: .precommit, round: round)))
        }
        #expect(machine.round == 2)
        #expect(machine.locked == .init(value: first, round: isNewer ? 0 : 1))
        let answer = machine.handle(try members.proposal(2, second, validRound: isNewer ? 1 : 0)).toSign
        let value = isNewer ? second : nil
        #expect(
            answer == [
                .vote(
                    Vote(type: .prevote, height: 1, round: 2, value: value, validRound: isNewer ? 1 : nil))
            ])
    }

    @Test("whose lock has moved names the polka that moved it, also where the proposal does not")
    func movedLock() throws {
        let (members, own, others) = try setting()
        let (first, second) = (members.value(1), members.value(2))
        var machine = members.machine(own)
        var said: [Vote] = []
        func feed(_ input: ConsensusInput) throws {
            var waiting = [input]
            while let next = waiting.popLast() {
                let effects = machine.handle(next)
                for message in effects.toSign {
                    if case .vote(let vote) = message { said.append(vote) }
                    waiting.append(try members.sign(message, by: own))
                }
            }
        }
        try feed(.start)
        try feed(.verdict(first, isValid: true))
        try feed(.verdict(second, isValid: true))
        try feed(try members.proposal(0, first))
        for other in others.prefix(2) { try feed(try members.vote(other, .prevote, 0, first)) }
        #expect(machine.locked?.value == first)
        for other in others { try feed(try members.vote(other, .precommit, 0, nil)) }
        try feed(.elapsed(Timeout(kind: .precommit, round: 0)))
        // Locked on the first value, it says nil; the others have a polka for the second.
        try feed(try members.proposal(1, second))
        for other in others { try feed(try members.vote(other, .prevote, 1, second)) }
        #expect(machine.locked == .init(value: second, round: 1))
        for other in others { try feed(try members.vote(other, .precommit, 1, nil)) }
        try feed(.elapsed(Timeout(kind: .precommit, round: 1)))
        // A traitor proposes the second value as if it were fresh.
        try feed(try members.proposal(2, second))
        let precommit = try #require(said.first { $0.type == .precommit && $0.round == 0 })
        let prevote = try #require(said.first { $0.type == .prevote && $0.round == 2 })
        #expect(precommit.value == first && prevote.value == second)
        #expect(prevote.validRound == 1)
        #expect(!precommit.forgets(prevote))
    }
}
