import BenchmarkSupport
import TimeCoinConsensus
import TimeCoinCore

/// Votes given to a member's machine, over whole heights, and votes that it refuses.
struct VoteBenchmark {
    let fixture: ConsensusFixture
    private let proposal: ConsensusInput
    private let prevotes: [ConsensusInput]
    private let precommits: [ConsensusInput]
    private let value: Hash256

    init(_ fixture: ConsensusFixture) throws {
        self.fixture = fixture
        value = fixture.value(1)
        proposal = try fixture.proposal(0, value)
        prevotes = try fixture.votes(.prevote, 0, value).map { .vote($0) }
        precommits = try fixture.votes(.precommit, 0, value).map { .vote($0) }
    }

    /// Votes a CPU-second that heights from the start to the decision take, everything else of the height
    /// included. The block is judged last, so that no vote is without effect.
    func taken(heights: Int) throws -> Double {
        var taken = 0
        let start = processorSeconds()
        for _ in 0..<heights {
            var machine = fixture.machine(own: 0)
            var refused = 0
            _ = machine.handle(.start)
            _ = machine.handle(proposal)
            for vote in prevotes where machine.handle(vote).refusal != nil { refused += 1 }
            for vote in precommits where machine.handle(vote).refusal != nil { refused += 1 }
            _ = machine.handle(.verdict(value, isValid: true))
            guard machine.decision?.value == value, refused == 0 else {
                throw ConsensusFixture.Failed(reason: "not decided, or \(refused) votes refused")
            }
            taken += prevotes.count + precommits.count
        }
        return Double(taken) / (processorSeconds() - start)
    }

    /// The same where the block is known to be valid first, so that the member votes as it goes, and the
    /// height ends with the quorum.
    func decided(heights: Int) throws -> Double {
        var taken = 0
        let start = processorSeconds()
        for _ in 0..<heights {
            var machine = fixture.machine(own: 0)
            _ = machine.handle(.start)
            _ = machine.handle(proposal)
            _ = machine.handle(.verdict(value, isValid: true))
            for vote in prevotes {
                taken += 1
                _ = machine.handle(vote)
            }
            for vote in precommits where machine.decision == nil {
                taken += 1
                _ = machine.handle(vote)
            }
            guard machine.decision?.value == value else {
                throw ConsensusFixture.Failed(reason: "not decided")
            }
        }
        return Double(taken) / (processorSeconds() - start)
    }

    /// Votes a CPU-second that are known already.
    func refused(turns: Int) throws -> Double {
        var machine = fixture.machine(own: 0)
        _ = machine.handle(.start)
        for vote in prevotes { _ = machine.handle(vote) }
        var refused = 0
        let start = processorSeconds()
        for _ in 0..<turns {
            for vote in prevotes where machine.handle(vote).refusal == .alreadyKnown { refused += 1 }
        }
        let elapsed = processorSeconds() - start
        guard refused == turns * prevotes.count else {
            throw ConsensusFixture.Failed(reason: "only \(refused) votes were refused")
        }
        return Double(refused) / elapsed
    }

    /// Votes a CPU-second of members short of a third that climb through rounds to come, each in another one.
    func future(rounds: Int) throws -> Double {
        var climbing: [ConsensusInput] = []
        for step in 0..<rounds {
            for member in fixture.faulty {
                let round = Round(1 + member + step * fixture.faulty.count)
                for type in VoteType.allCases {
                    climbing.append(.vote(try fixture.vote(member, type, round, nil)))
                }
            }
        }
        var taken = 0
        let start = processorSeconds()
        for _ in 0..<50 {
            var machine = fixture.machine(own: 0)
            _ = machine.handle(.start)
            for vote in climbing where machine.handle(vote).refusal == nil { taken += 1 }
        }
        let elapsed = processorSeconds() - start
        guard taken == 50 * climbing.count else {
            throw ConsensusFixture.Failed(reason: "only \(taken) votes were taken")
        }
        return Double(taken) / elapsed
    }
}
