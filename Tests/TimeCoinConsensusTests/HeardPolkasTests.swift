import Testing
import TimeCoinCore

@testable import TimeCoinConsensus

@Suite("Polkas that were heard")
struct HeardPolkasTests {
    @Test("beyond the ballots that are kept higher rounds are passed over, and lower ones take their place")
    func bounded() throws {
        let members = try Members([1, 1, 1, 1])
        let value = members.value(1)
        let highest = Round(HeardPolkas.ballotsMax)
        var heard = HeardPolkas(height: 1, validators: members.set)
        for round in 1...highest { heard.take(try members.vote(0, .prevote, round, value)) }
        func hear(_ indices: Range<Int>, _ round: Round) throws -> [Round] {
            for index in indices { heard.take(try members.vote(index, .prevote, round, value)) }
            return heard.polkas.map(\.certificate.round)
        }
        let full = try hear(0..<4, highest + 1)
        #expect(full == [], "there is no room above")
        let going = try hear(1..<3, 7)
        #expect(going == [7], "what is kept goes on")
        let lower = try hear(0..<3, 0)
        #expect(lower == [0, 7], "a lower round takes the place of the highest")
        let gone = try hear(1..<3, highest)
        #expect(gone == [0, 7], "whose vote is gone")
        let next = try hear(1..<3, highest - 1)
        #expect(next == [0, 7, highest - 1])
    }

    @Test(
        "prevotes of another height, for nil, and precommits are none; a round certificate has prevotes too")
    func others() throws {
        let members = try Members([1, 1, 1, 1])
        let value = members.value(1)
        var other = HeardPolkas(height: 2, validators: members.set)
        var heard = HeardPolkas(height: 1, validators: members.set)
        var votes: [SignedVote] = []
        for index in 0..<3 {
            let vote = try members.vote(index, .prevote, 4, value)
            other.take(vote)
            heard.take(try members.vote(index, .prevote, 1, nil))
            heard.take(try members.vote(index, .precommit, 2, value))
            if case .vote(let verified) = vote { votes.append(verified.signed) }
        }
        #expect(other.polkas.isEmpty && heard.polkas.isEmpty)
        heard.take(
            .roundCertificate(
                try VerifiedRoundCertificate(
                    RoundCertificate(height: 1, round: 4, votes: votes), validators: members.set,
                    chain: members.chain)))
        #expect(heard.polkas.map(\.certificate.round) == [4])
    }
}
