import TimeCoinConsensus
import TimeCoinCore

/// Members of equal weight with known keys, and what they say at one height, signed and verified.
struct ConsensusFixture {
    let keys: [SigningKey]
    let validators: ValidatorSet
    let chain = Blake2b.hash256(.block, [1])
    let seed = Blake2b.hash256(.block, [2])
    let height: Height = 1

    struct Failed: Error { let reason: String }

    init(members: Int) throws {
        var keys: [PublicKey: SigningKey] = [:]
        for number in 0..<members {
            var seed = [UInt8](repeating: 3, count: SigningKey.seedByteCount)
            seed[0] = UInt8(number & 255)
            guard let key = SigningKey(seed: seed) else { throw Failed(reason: "no key") }
            keys[key.publicKey] = key
        }
        validators = try ValidatorSet(keys.keys.map { Member(operatorKey: $0, weight: 1) })
        self.keys = validators.members.compactMap { keys[$0.operatorKey] }
    }

    /// Members who can do what they want without being a third of the weight: the first ones.
    var faulty: Range<Int> {
        var count = 0
        while !validators.isThird(UInt64(count + 1)) { count += 1 }
        return 0..<count
    }

    func machine(own: Int?) -> ConsensusMachine {
        ConsensusMachine(
            height: height, validators: validators, seed: seed, chain: chain,
            own: own.map { keys[$0].publicKey },
            parameters: ConsensusParameters(propose: 3000, prevote: 1000, precommit: 1000, increment: 500))
    }

    func value(_ number: Int) -> Hash256 {
        Blake2b.hash256(.block, [UInt8(number & 255), UInt8(number >> 8)])
    }

    func vote(_ member: Int, _ type: VoteType, _ round: Round, _ value: Hash256?) throws -> VerifiedVote {
        let vote = Vote(type: type, height: height, round: round, value: value)
        let signed = SignedVote(
            vote: vote, member: keys[member].publicKey,
            signature: keys[member].sign(vote.signedBytes(chain: chain)))
        guard let verified = VerifiedVote(signed, validators: validators, chain: chain) else {
            throw Failed(reason: "a vote does not verify")
        }
        return verified
    }

    func votes(_ type: VoteType, _ round: Round, _ value: Hash256?) throws -> [VerifiedVote] {
        try keys.indices.map { try vote($0, type, round, value) }
    }

    func proposal(_ round: Round, _ value: Hash256) throws -> ConsensusInput {
        let proposal = Proposal(height: height, round: round, value: value, validRound: nil)
        let member = validators.proposer(height: height, round: round, seed: seed).operatorKey
        guard let place = validators.index(of: member) else { throw Failed(reason: "no proposer") }
        let signed = SignedProposal(
            proposal: proposal, proposer: member,
            signature: keys[place].sign(proposal.signedBytes(chain: chain)))
        guard let verified = VerifiedProposal(signed, validators: validators, chain: chain) else {
            throw Failed(reason: "a proposal does not verify")
        }
        return .proposal(verified, isTimely: true)
    }
}
