import Testing
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinTesting

@testable import TimeCoinNode

/// A chain of four members that was decided twice at height 1: members at places 1 and 2 signed both.
struct ForkedWorld {
    let world: World
    let one: ExecutedBlock
    let other: ExecutedBlock
    let proof: ForkProof

    var set: ValidatorSet { world.state.validators }
    var anchor: TrustAnchor { TrustAnchor(chain: world.chain.genesis.hash, validators: set.hash) }

    init() throws {
        world = try World()
        let time = world.state.dueTime(of: 1)
        one = try #require(try world.build([], at: time))
        other = try #require(try world.build([try world.admission(try world.payment(0))], at: time))
        proof = try #require(
            ForkProof(
                try ForkedWorld.verified(world, one, [0, 1, 2]),
                try ForkedWorld.verified(world, other, [1, 2, 3]), polkas: [],
                validators: world.state.validators))
    }

    static func verified(
        _ world: World, _ block: ExecutedBlock, _ signers: [Int]
    ) throws -> VerifiedCertificate {
        try VerifiedCertificate(
            try world.certificate(of: block.block.hash, at: 1, signers: signers),
            validators: world.state.validators, chain: world.chain.genesis.hash)
    }

    func secret(_ place: Int) throws -> SigningKey {
        try #require(world.chain.members.first { $0.publicKey == set.members[place].operatorKey })
    }

    func finding(age: UInt64 = 0, polkas: [VerifiedCertificate] = []) throws -> ForkFinding {
        ForkFinding(
            ours: try ForkedWorld.verified(world, one, [0, 1, 2]),
            theirs: try ForkedWorld.verified(world, other, [1, 2, 3]), polkas: polkas, below: nil, age: age)
    }

    /// A node that has made block `one` final.
    func reactor(_ place: Int) throws -> Reactor {
        Reactor(
            state: one.change.state, own: set.members[place].operatorKey, signed: nil, secret: .zero,
            settings: Reactor.Settings(), at: Instant(milliseconds: 1_000_000))
    }

    func moment(_ state: ChainState) -> Moment {
        Moment(
            instant: Instant(milliseconds: 1_000_100), clock: state.header.time.advanced(byMilliseconds: 10))
    }

    /// Block `other`, written.
    var committed: BlockBatch {
        get throws { try world.batch(other) }
    }

    /// The members that remain sign block `other`.
    func recovery() throws -> VerifiedRecovery {
        try recovery(from: try proof.verify(against: anchor), lastHeight: 1)
    }

    func recovery(from fork: ProvenFork, lastHeight: Height) throws -> VerifiedRecovery {
        let hash = other.block.hash
        let vote = try #require(RecoveryVote(fork, branch: hash, lastHeight: lastHeight, lastHash: hash))
        let votes = try [0, 3].map { place in
            let key = try secret(place)
            return SignedRecoveryVote(
                vote: vote, member: key.publicKey,
                signature: key.sign(vote.signedBytes(chain: anchor.chain)))
        }
        return try #require(RecoveryCertificate(fork, vote, votes: votes)).verify(against: anchor)
    }
}
