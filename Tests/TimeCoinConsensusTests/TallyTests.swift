import Testing
import TimeCoinCore

@testable import TimeCoinConsensus

@Suite("Counting votes")
struct TallyTests {
    private func vote(
        _ members: Members, _ index: Int, _ type: VoteType, _ round: Round, _ value: Hash256?
    ) throws -> VerifiedVote {
        guard case .vote(let vote) = try members.vote(index, type, round, value) else {
            throw ConsensusRefusal.unasked
        }
        return vote
    }

    @Test("K1: a member counts once, whatever it says again")
    func once() throws {
        let members = try Members([3, 1, 1, 1])
        let (a, b) = (members.value(1), members.value(2))
        let heavy = try vote(members, 0, .prevote, 0, a)
        let weight = members.set.members[heavy.index].weight
        var tally = Tally(members: 4)
        tally.add(heavy, weight: weight)
        let before = tally
        for again in [heavy, try vote(members, 0, .prevote, 0, b), try vote(members, 0, .prevote, 0, nil)] {
            tally.add(again, weight: weight)
            #expect(tally == before && tally.weight == 3 && tally.nilWeight == 0)
            #expect(tally.quorumValue(members.set) == nil && !tally.isHopeless(members.set))
        }
        tally.add(try vote(members, 1, .prevote, 0, a), weight: 1)
        #expect(tally.quorumValue(members.set) == nil, "four of six are not more than two thirds")
        tally.add(try vote(members, 2, .prevote, 0, a), weight: 1)
        #expect(tally.quorumValue(members.set) == a && tally.weight == 5)
    }

    @Test("a step is hopeless once neither a value nor nil can still reach a quorum, and not before")
    func hopeless() throws {
        let members = try Members([1, 1, 1, 1])
        let (a, b, c) = (members.value(1), members.value(2), members.value(3))
        for (values, isHopeless) in [
            ([], false), ([a], false), ([a, b], false), ([a, nil], false), ([nil, nil, a], false),
            ([a, a, b], false), ([a, b, c], true), ([a, b, nil], true), ([a, a, b, b], true),
            ([a, a, nil, nil], true), ([a, a, a, b], false), ([nil, nil, nil, b], false),
        ] as [([Hash256?], Bool)] {
            var tally = Tally(members: 4)
            for (index, value) in values.enumerated() {
                tally.add(try vote(members, index, .precommit, 0, value), weight: 1)
            }
            #expect(tally.isHopeless(members.set) == isHopeless, "\(values)")
            #expect(tally.weight == UInt64(values.count))
        }
    }

    @Test("L55: a member counts once in a higher round, where it voted last")
    func higherRounds() throws {
        let members = try Members([1, 1, 1, 1])
        var votes = FutureVotes(members: 4)
        votes.take(try vote(members, 0, .prevote, 5, nil), members.set)
        votes.take(try vote(members, 0, .precommit, 5, nil), members.set)
        #expect(votes.roundOfThird == nil, "one of four is no third")
        votes.take(try vote(members, 1, .precommit, 5, nil), members.set)
        #expect(votes.roundOfThird == 5)
        // One goes on: only its precommit is left in round 5, and then nothing.
        votes.take(try vote(members, 0, .prevote, 7, nil), members.set)
        #expect(votes.roundOfThird == 5)
        votes.take(try vote(members, 0, .precommit, 7, nil), members.set)
        #expect(votes.roundOfThird == nil)
        // Who is still in round 5 counts there.
        votes.take(try vote(members, 3, .prevote, 5, nil), members.set)
        #expect(votes.roundOfThird == 5)
        votes.take(try vote(members, 2, .prevote, 7, nil), members.set)
        #expect(votes.roundOfThird == 7 && votes.count == 5)
        var heard: [Round] = []
        votes.leave(upTo: 5, members.set) { heard.append($0.vote.round) }
        #expect(heard == [5, 5] && votes.roundOfThird == 7 && votes.count == 3)
        votes.leave(upTo: 7, members.set) { heard.append($0.vote.round) }
        #expect(heard == [5, 5, 7, 7, 7] && votes.roundOfThird == nil && votes.count == 0)
    }
}
