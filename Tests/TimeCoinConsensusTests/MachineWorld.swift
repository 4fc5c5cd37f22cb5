import Testing
import TimeCoinCore

@testable import TimeCoinConsensus

/// Deterministic randomness for tests.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed &+ 0x9e37_79b9_7f4a_7c15
    }

    mutating func next() -> UInt64 {
        state = state &+ 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}

/// Members with known keys at one height.
struct Members {
    let keys: [SigningKey]
    let set: ValidatorSet
    let chain = Blake2b.hash256(.block, [42])
    let seed = Hash256.zero

    init(_ weights: [UInt64]) throws {
        keys = try weights.indices.map {
            try #require(SigningKey(seed: [UInt8](repeating: UInt8($0 + 1), count: 32)))
        }
        set = try ValidatorSet(zip(keys, weights).map { Member(operatorKey: $0.publicKey, weight: $1) })
    }

    func machine(_ index: Int?, earlyEnd: Bool = false) -> ConsensusMachine {
        ConsensusMachine(
            height: 1, validators: set, seed: seed, chain: chain, own: index.map { keys[$0].publicKey },
            parameters: ConsensusParameters(
                propose: 300, prevote: 100, precommit: 100, increment: 50, earlyEnd: earlyEnd))
    }

    func value(_ byte: UInt8) -> Hash256 { Blake2b.hash256(.block, [byte]) }

    func proposer(_ round: Round) throws -> Int {
        let key = set.proposer(height: 1, round: round, seed: seed).operatorKey
        return try #require(keys.firstIndex { $0.publicKey == key })
    }

    func vote(
        _ index: Int, _ type: VoteType, _ round: Round, _ value: Hash256?, validRound: Round? = nil
    ) throws -> ConsensusInput {
        let vote = Vote(type: type, height: 1, round: round, value: value, validRound: validRound)
        let signed = SignedVote(
            vote: vote, member: keys[index].publicKey,
            signature: keys[index].sign(vote.signedBytes(chain: chain)))
        return .vote(try #require(VerifiedVote(signed, validators: set, chain: chain)))
    }

    func proposal(_ round: Round, _ value: Hash256, validRound: Round? = nil) throws -> ConsensusInput {
        let proposal = Proposal(height: 1, round: round, value: value, validRound: validRound)
        let key = keys[try proposer(round)]
        let signed = SignedProposal(
            proposal: proposal, proposer: key.publicKey,
            signature: key.sign(proposal.signedBytes(chain: chain)))
        return .proposal(
            try #require(VerifiedProposal(signed, validators: set, chain: chain)), isTimely: true)
    }

    /// Signs what a machine has to say, as the input that comes back.
    func sign(_ message: OwnMessage, by index: Int) throws -> ConsensusInput {
        switch message {
        case .vote(let vote):
            try self.vote(index, vote.type, vote.round, vote.value, validRound: vote.validRound)
        case .proposal(let proposal):
            try self.proposal(proposal.round, proposal.value, validRound: proposal.validRound)
        }
    }
}
