import Testing
import TimeCoinCore

@testable import TimeCoinConsensus

/// What the machine says of itself to people who ask.
@Suite("Status of the machine")
struct StatusTests {
    private func members() throws -> Members { try Members([40, 30, 20, 10]) }

    /// Places in the world of tests of the members that a status names.
    private func places(_ voters: [ConsensusStatus.Voter], _ members: Members) -> Set<Int> {
        Set(voters.compactMap { voter in members.keys.firstIndex { $0.publicKey == voter.key } })
    }

    @Test("it follows a height: start, proposal, block, prevotes, precommits, decided")
    func follows() throws {
        let members = try members()
        let value = members.value(1)
        var machine = members.machine(nil)
        var awaited: [ConsensusStatus.Awaited] = [machine.status.awaited]
        var inputs: [ConsensusInput] = [
            .start, try members.proposal(0, value), .verdict(value, isValid: true),
        ]
        inputs += try (0..<3).map { try members.vote($0, .prevote, 0, value) }
        inputs += try (0..<2).map { try members.vote($0, .precommit, 0, value) }
        for input in inputs {
            _ = machine.handle(input)
            awaited.append(machine.status.awaited)
        }
        #expect(
            awaited == [
                .start, .proposal, .block, .prevotes, .prevotes, .precommits, .precommits, .precommits,
                .nothing,
            ])
        #expect(machine.status.locked?.value == value && machine.status.proposal == .valid)
        #expect(machine.status.proposedValue == value && machine.status.timers.isEmpty)
    }

    @Test("weights and names by what was said: for a value, nil, missing")
    func counts() throws {
        let members = try members()
        var machine = members.machine(nil)
        _ = machine.handle(.start)
        _ = machine.handle(try members.proposal(0, members.value(1)))
        _ = machine.handle(.verdict(members.value(1), isValid: true))
        _ = machine.handle(try members.vote(1, .prevote, 0, members.value(1)))
        _ = machine.handle(try members.vote(3, .prevote, 0, nil))
        let status = machine.status
        #expect(status.awaited == .prevotes && status.step == .prevote)
        #expect(status.count(.prevote) == ConsensusStatus.Count(values: 30, nothing: 10, missing: 60))
        #expect(status.count(.precommit) == ConsensusStatus.Count(values: 0, nothing: 0, missing: 100))
        #expect(places(status.missing, members) == [0, 2])
        #expect(places(status.voters(saying: .nothing, .prevote), members) == [3])
        #expect(places(status.voters(saying: .value(members.value(1)), .prevote), members) == [1])
        // 67 of 100 are the least that is more than two thirds.
        #expect(status.quorumWeight == 67 && status.weightLacking(.prevote) == 27)
        #expect(status.timers.isEmpty)
        _ = machine.handle(try members.vote(0, .prevote, 0, nil))
        #expect(machine.status.weightLacking(.prevote) == 0)
        #expect(machine.status.timers == [Timeout(kind: .prevote, round: 0)])
    }

    @Test("the least quorum is exact at every total weight")
    func quorum() throws {
        let most = ValidatorSet.totalWeightMax
        for weights in [[1], [1, 1, 1], [1, 1, 1, 1], [33, 33, 34], [most]] as [[UInt64]] {
            let members = try Members(weights)
            let least = members.machine(nil).status.quorumWeight
            #expect(members.set.isQuorum(least) && !members.set.isQuorum(least - 1), "\(weights)")
        }
    }

    @Test("a proposer waits for its own block")
    func ownBlock() throws {
        let members = try members()
        var machine = members.machine(try members.proposer(0))
        _ = machine.handle(.start)
        #expect(machine.status.awaited == .ownBlock)
        #expect(machine.status.proposer == machine.own)
        _ = machine.handle(.built(round: 0, value: members.value(1)))
        // Now its own words have to come back, signed.
        #expect(machine.status.awaited == .proposal)
    }

    @Test("votes without the proposal wait for it; a certificate waits for the block")
    func proposalAndBlock() throws {
        let members = try members()
        let value = members.value(1)
        var machine = members.machine(nil)
        _ = machine.handle(.start)
        _ = machine.handle(.elapsed(Timeout(kind: .propose, round: 0)))
        for index in 0..<2 { _ = machine.handle(try members.vote(index, .prevote, 0, value)) }
        #expect(machine.status.awaited == .proposal && machine.status.proposal == .missing)
        _ = machine.handle(try members.proposal(0, value))
        #expect(machine.status.awaited == .block && machine.status.proposal == .unjudged)
        var other = members.machine(nil)
        for index in 0..<2 { _ = other.handle(try members.vote(index, .precommit, 0, value)) }
        #expect(other.status.awaited == .block && other.status.awaitedBlock == value)
    }

    @Test("a value proposed again waits for the prevotes that its proposer goes by")
    func earlierPrevotes() throws {
        let members = try members()
        let value = members.value(1)
        var machine = members.machine(nil)
        for index in 0..<2 { _ = machine.handle(try members.vote(index, .prevote, 2, nil)) }
        #expect(machine.status.round == 2)
        _ = machine.handle(try members.proposal(2, value, validRound: 1))
        _ = machine.handle(.verdict(value, isValid: true))
        #expect(machine.status.awaited == .earlierPrevotes)
    }
}
