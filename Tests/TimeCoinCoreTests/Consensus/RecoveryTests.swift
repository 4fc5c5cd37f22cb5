import Testing

@testable import TimeCoinCore

@Suite("Recovery from forks")
struct RecoveryTests {
    let signers: ForkSigners
    let fork: ProvenFork
    let vote: RecoveryVote

    /// Members 2 and 3 made both branches; 0, 1, 4 and 5 remain, of weight 4.
    init() throws {
        signers = try ForkSigners(weights: [1, 1, 2, 2, 1, 1])
        fork = try signers.proven(
            signers.certificate(.commit, 0, 1, by: [0, 1, 2, 3]),
            signers.certificate(.commit, 0, 2, by: [2, 3, 4, 5]))
        vote = try #require(
            RecoveryVote(fork, branch: signers.value(1), lastHeight: 5, lastHash: signers.value(1)))
    }

    private func signed(_ vote: RecoveryVote, _ members: [Int]) -> [SignedRecoveryVote] {
        members.map {
            SignedRecoveryVote(
                vote: vote, member: signers.keys[$0].publicKey,
                signature: signers.keys[$0].sign(vote.signedBytes(chain: signers.chain)))
        }
    }

    @Test("more than two thirds of those who remain carry it, and it verifies from its bytes")
    func carried() throws {
        #expect(signers.blamed(fork) == [2, 3])
        let votes = try signed(vote, [5, 0, 4]).map { try SignedRecoveryVote(decoding: $0.encoded) }
        #expect(votes[0].encoded.count == SignedRecoveryVote.byteCount)
        let certificate = try #require(RecoveryCertificate(fork, vote, votes: votes))
        let read = try RecoveryCertificate(decoding: certificate.encoded)
        #expect(read == certificate)
        let recovery = try read.verify(against: signers.anchor)
        #expect(recovery.vote == vote)
        #expect(
            recovery.validators.members.map(\.operatorKey) == [0, 1, 4, 5].map { signers.keys[$0].publicKey })
        #expect(recovery.votingChain != signers.chain)
    }

    @Test("too few, the blamed, the same twice, and votes for something else carry nothing")
    func notCarried() throws {
        #expect(RecoveryCertificate(fork, vote, votes: signed(vote, [0, 1])) == nil)
        #expect(RecoveryCertificate(fork, vote, votes: signed(vote, [0, 1, 2])) == nil)
        #expect(RecoveryCertificate(fork, vote, votes: signed(vote, [0, 1, 1])) == nil)
        let other = try #require(
            RecoveryVote(fork, branch: signers.value(2), lastHeight: 5, lastHash: signers.value(2)))
        #expect(RecoveryCertificate(fork, vote, votes: signed(vote, [0, 1]) + signed(other, [4])) == nil)
        #expect(other.votingChain(after: signers.chain) != vote.votingChain(after: signers.chain))
    }

    @Test("members beyond the eighth have their bits, and no bit stands for nobody")
    func manyMembers() throws {
        let many = try ForkSigners(weights: [UInt64](repeating: 1, count: 24))
        let fork = try many.proven(
            many.certificate(.commit, 0, 1, by: Array(0..<17)),
            many.certificate(.commit, 0, 2, by: Array(7..<24)))
        #expect(many.blamed(fork) == Array(7..<17))
        let vote = try #require(
            RecoveryVote(fork, branch: many.value(1), lastHeight: 5, lastHash: many.value(1)))
        // Ten of the fourteen that remain, the last of them included.
        let votes = [2, 3, 4, 5, 17, 18, 20, 21, 22, 23].map { member in
            SignedRecoveryVote(
                vote: vote, member: many.keys[member].publicKey,
                signature: many.keys[member].sign(vote.signedBytes(chain: many.chain)))
        }
        #expect(RecoveryCertificate(fork, vote, votes: Array(votes.dropLast())) == nil)
        let certificate = try #require(RecoveryCertificate(fork, vote, votes: votes))
        let read = try RecoveryCertificate(decoding: certificate.encoded)
        #expect(read == certificate && read.bitmap == [0b1011_1100, 0b0011_1101])
        #expect(try read.verify(against: many.anchor).validators.members.count == 14)
    }

    @Test("proofs and recoveries are of version 1, and another version is named")
    func versions() throws {
        let certificate = try #require(RecoveryCertificate(fork, vote, votes: signed(vote, [0, 1, 4])))
        #expect(fork.proof.encoded.first == 1 && certificate.encoded.first == 1)
        #expect(throws: ForkProofRejection.unknownVersion(7)) {
            try ForkProof(decoding: [7] + fork.proof.encoded.dropFirst())
        }
        #expect(throws: RecoveryRejection.unknownVersion(7)) {
            try RecoveryCertificate(decoding: [7] + certificate.encoded.dropFirst())
        }
    }

    @Test("every wrong byte refuses it whole")
    func bytes() throws {
        let certificate = try #require(RecoveryCertificate(fork, vote, votes: signed(vote, [0, 1, 4, 5])))
        let bytes = certificate.encoded
        #expect(bytes.count <= RecoveryCertificate.bytesMax)
        for place in bytes.indices {
            var flipped = bytes
            flipped[place] ^= 1
            let verified = try? RecoveryCertificate(decoding: flipped).verify(against: signers.anchor)
            #expect(verified == nil, "byte \(place)")
        }
        for count in bytes.indices {
            #expect(throws: RecoveryRejection.self) {
                try RecoveryCertificate(decoding: Array(bytes.prefix(count)))
            }
        }
    }

    @Test(
        "a vote is for one of the branches, at most 1,000 blocks long, on a proof that blames a third"
    )
    func terms() throws {
        let value = signers.value(1)
        #expect(RecoveryVote(fork, branch: signers.value(3), lastHeight: 5, lastHash: value) == nil)
        #expect(RecoveryVote(fork, branch: value, lastHeight: 5, lastHash: signers.value(3)) == nil)
        #expect(RecoveryVote(fork, branch: value, lastHeight: 4, lastHash: value) == nil)
        #expect(RecoveryVote(fork, branch: value, lastHeight: 1004, lastHash: value) != nil)
        #expect(RecoveryVote(fork, branch: value, lastHeight: 1005, lastHash: value) == nil)
        let unproven = try signers.proven(
            signers.certificate(.commit, 0, 1, by: [0, 1, 2, 3]),
            signers.certificate(.commit, 1, 2, by: [2, 3, 4, 5]))
        #expect(RecoveryVote(unproven, branch: value, lastHeight: 5, lastHash: value) == nil)
    }
}

@Suite("State after a recovery")
struct RecoveredStateTests {
    private func commit(
        _ block: ExecutedBlock, _ members: [Int], _ world: BlockWorld
    ) throws -> VerifiedCertificate {
        let (set, chain) = (world.state.validators, world.genesis.hash)
        let votes = try members.map { member in
            let key = world.members[member]
            let vote = Vote(type: .precommit, height: 1, round: 0, value: block.block.hash)
            let signed = SignedVote(
                vote: vote, member: key.publicKey, signature: key.sign(vote.signedBytes(chain: chain)))
            return try #require(VerifiedVote(signed, validators: set, chain: chain))
        }
        return try #require(VerifiedCertificate(.commit, of: votes, validators: set))
    }

    @Test("the next header is without the blamed; their earnings are shared; the money is the same")
    func state() throws {
        var world = try BlockWorld(weights: [1, 1, 1, 1])
        let anchor = TrustAnchor(chain: world.genesis.hash, validators: world.state.validators.hash)
        let time = world.state.dueTime(of: 1)
        let other = try world.build([], at: time, by: 0)
        let chosen = try world.build([], at: time, by: 1)
        let proof = try #require(
            ForkProof(
                try commit(other, [0, 1, 2], world), try commit(chosen, [1, 2, 3], world), polkas: [],
                validators: world.state.validators))
        let fork = try proof.verify(against: anchor)
        let hash = chosen.block.hash
        let vote = try #require(RecoveryVote(fork, branch: hash, lastHeight: 1, lastHash: hash))
        let votes = [0, 3].map { member in
            let key = world.members[member]
            return SignedRecoveryVote(
                vote: vote, member: key.publicKey,
                signature: key.sign(vote.signedBytes(chain: world.genesis.hash)))
        }
        let recovery = try #require(RecoveryCertificate(fork, vote, votes: votes)).verify(against: anchor)
        let before = chosen.change.state
        #expect(throws: RecoveryRejection.otherState) { try other.change.state.recovering(by: recovery) }
        let state = try before.recovering(by: recovery)
        #expect(state.validators == recovery.validators && state.votingChain == recovery.votingChain)
        #expect(state.headerHash == hash && state.chain == world.genesis.hash)
        #expect(state.supply.total == before.supply.total)
        #expect(before.accruals.accounts.count == 4 && state.accruals.accounts.count == 2)
        #expect(state.roots.root != before.roots.root)
        #expect(try ChainState(decoding: state.encoded) == state)
        // Nobody recovers twice from one fork.
        #expect(throws: RecoveryRejection.otherState) { try state.recovering(by: recovery) }
        world.commit(chosen)
        let next = try #require(
            try BlockAssembly.assemble(
                on: state, at: state.dueTime(of: 2), proposer: world.members[0].publicKey, candidates: [],
                source: world.kept
            ).block)
        #expect(try world.judge(next.block, on: state).change.state == next.change.state)
        #expect(next.block.header.validators == recovery.validators.hash)
        #expect(next.change.state.recovery == recovery.votingChain)
        // Without the recovery it is no block at all.
        #expect(throws: BlockRejection.self) { try world.judge(next.block) }
    }
}
