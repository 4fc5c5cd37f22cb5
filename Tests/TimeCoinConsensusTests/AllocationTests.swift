import CAllocationMeter
import Testing
import TimeCoinCore

@testable import TimeCoinConsensus

/// What an input costs in memory, by the allocator's account of this thread.
@Suite("Allocations of the machine", .enabled(if: allocation_meter_works()))
struct AllocationTests {
    /// The most bytes that are live at once while an input is handled; the effects included.
    private func peak(
        _ machine: inout ConsensusMachine, _ input: ConsensusInput
    ) -> (Int, ConsensusRefusal?) {
        allocation_meter_reset()
        let effects = machine.handle(input)
        return (Int(allocation_meter_peak()), effects.refusal)
    }

    @Test("a refused input allocates nothing, in the largest set too", arguments: [4, 150])
    func refused(count: Int) throws {
        let members = try Members([UInt64](repeating: 7, count: count))
        let proposer = try members.proposer(1)
        let value = members.value(1)
        var inputs: [(String, ConsensusInput, ConsensusRefusal)] = [
            ("a second start", .start, .alreadyKnown),
            ("a known vote", try members.vote(1, .prevote, 1, value), .alreadyKnown),
            ("a third vote", try members.vote(1, .prevote, 1, members.value(4)), .conflicting),
            ("a known proposal", try members.proposal(1, value), .alreadyKnown),
            ("a known verdict", .verdict(value, isValid: true), .alreadyKnown),
            ("a vote below the one held", try members.vote(2, .precommit, 40, nil), .alreadyKnown),
            ("a vote held", try members.vote(2, .precommit, 50, nil), .alreadyKnown),
            ("a stale timer", .elapsed(Timeout(kind: .propose, round: 0)), .staleTimeout),
            ("a timer ahead", .elapsed(Timeout(kind: .propose, round: 9)), .staleTimeout),
            ("a value unasked for", .built(round: 1, value: value), .unasked),
        ]
        for round in [2, 3, Round.max] where try members.proposer(round) != proposer {
            inputs.append(("a stranger's proposal", try foreign(round, by: proposer, members), .notProposer))
        }
        var machine = members.machine(nil)
        _ = machine.handle(.start)
        for index in 0..<count { _ = machine.handle(try members.vote(index, .precommit, 0, nil)) }
        _ = machine.handle(.elapsed(Timeout(kind: .precommit, round: 0)))
        #expect(machine.round == 1)
        for input in [
            try members.vote(1, .prevote, 1, value), try members.vote(1, .prevote, 1, members.value(3)),
            try members.proposal(1, value), .verdict(value, isValid: true),
            try members.vote(2, .precommit, 50, nil),
        ] {
            let refusal = machine.handle(input).refusal
            #expect(refusal == nil)
        }

        // What the runtime sets up once is not the machine's.
        for (_, input, _) in inputs { _ = machine.handle(input) }
        for (name, input, expected) in inputs {
            let before = machine
            let (bytes, refusal) = peak(&machine, input)
            #expect(refusal == expected, "\(name)")
            #expect(bytes == 0, "\(name): \(bytes) bytes")
            #expect(machine == before, "\(name) changed something")
        }
    }

    /// A proposal of a member whose turn it is not.
    private func foreign(_ round: Round, by index: Int, _ members: Members) throws -> ConsensusInput {
        let proposal = Proposal(height: 1, round: round, value: members.value(1), validRound: nil)
        let signed = SignedProposal(
            proposal: proposal, proposer: members.keys[index].publicKey,
            signature: members.keys[index].sign(proposal.signedBytes(chain: members.chain)))
        let verified = VerifiedProposal(signed, validators: members.set, chain: members.chain)
        return .proposal(try #require(verified), isTimely: true)
    }

    @Test("a vote that fires no rule allocates the same few bytes in a set of 4 and of 150")
    func votes() throws {
        /// The record of the vote, and room for one value more.
        let bytesMax = 1024
        for count in [4, 150] {
            let members = try Members([UInt64](repeating: 7, count: count))
            var machine = members.machine(nil)
            _ = machine.handle(.start)
            let votes = try (0..<count / 2).map { try members.vote($0, .prevote, 0, members.value(1)) }
            // What the runtime sets up once is not the machine's.
            var other = machine
            for vote in votes { _ = other.handle(vote) }
            for vote in votes {
                let (bytes, refusal) = peak(&machine, vote)
                #expect(refusal == nil && bytes > 0 && bytes <= bytesMax, "\(bytes) bytes of \(count)")
            }
        }
    }
}
