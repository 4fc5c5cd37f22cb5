import Testing
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

@Suite("A member that starts again")
struct RestartTests {
    private func moment(_ world: World, after milliseconds: UInt64) -> Moment {
        Moment(
            instant: Instant(milliseconds: 1_000_000 + milliseconds),
            clock: world.state.header.time.advanced(byMilliseconds: milliseconds))
    }

    private func reactor(_ world: World, own: PublicKey, signsAbove: Height = 0) -> Reactor {
        Reactor(
            state: world.state, own: own, signed: nil, secret: .zero, settings: Reactor.Settings(),
            signsAbove: signsAbove, at: Instant(milliseconds: 1_000_000))
    }

    private func vote(
        _ type: VoteType, _ round: Round, _ value: Hash256?, by key: SigningKey, _ world: World
    ) throws -> VerifiedVote {
        let vote = Vote(type: type, height: 1, round: round, value: value)
        return try #require(
            VerifiedVote(
                SignedVote(
                    vote: vote, member: key.publicKey,
                    signature: key.sign(vote.signedBytes(chain: world.state.chain))),
                validators: world.state.validators, chain: world.state.chain))
    }

    @Test("K10: the journal puts back the lock, and with it every state that led to it")
    func lock() throws {
        let world = try World()
        let machine = ConsensusMachine(on: world.state, own: nil)
        let proposer = try #require(world.chain.members.first { $0.publicKey == machine.proposer(of: 0) })
        let others = world.chain.members.filter { $0.publicKey != proposer.publicKey }
        var reactor = reactor(world, own: others[0].publicKey)
        let assembly = try world.verifier.build(
            on: world.state, at: world.state.dueTime(of: 1), proposer: proposer.publicKey, candidates: [])
        let block = try #require(assembly.block)
        let proposal = Proposal(height: 1, round: 0, value: block.block.hash, validRound: nil)
        let signed = try #require(
            VerifiedProposal(
                SignedProposal(
                    proposal: proposal, proposer: proposer.publicKey,
                    signature: proposer.sign(proposal.signedBytes(chain: world.state.chain))),
                validators: world.state.validators, chain: world.state.chain))
        var events: [ReactorEvent] = [
            .proposal(signed, CompactBlock(block.block), from: proposer.publicKey),
            .judged(block.block.hash, .success(block)),
        ]
        for key in [proposer, others[1], others[2]] {
            events.append(.vote(try vote(.prevote, 0, block.block.hash, by: key, world)))
        }
        var entries: [JournalEntry] = []
        for event in events {
            for effect in reactor.handle(event, at: moment(world, after: 5000)) {
                switch effect {
                case .journal(let record, _): entries.append(.record(record))
                case .journalValue(let bytes, _): entries.append(.value(bytes))
                default: break
                }
            }
            var again = self.reactor(world, own: others[0].publicKey)
            again.replay(try entries.map { try #require(JournalEntry(decoding: $0.encoded)) })
            #expect(again.machine == reactor.machine)
        }
        #expect(reactor.machine.locked?.value == block.block.hash)
        // The content is there too: nothing has to be asked of anybody.
        var again = self.reactor(world, own: others[0].publicKey)
        again.replay(entries)
        #expect(again.contents[block.block.hash] != nil)
    }

    @Test("K13: at the height whose journal was damaged nothing is signed, above it again")
    func damaged() throws {
        let world = try World(weights: [1])
        for (signsAbove, signs) in [(Height(0), true), (1, false), (2, false)] {
            let reactor = reactor(world, own: world.chain.members[0].publicKey, signsAbove: signsAbove)
            #expect(reactor.isVoting == signs, "nothing is signed up to \(signsAbove)")
        }
    }

    @Test("K14: where the chain is older than what was signed, nothing is signed up to there")
    func olderChain() throws {
        let entry = JournalEntry.record(.start)
        let last = SignerPosition(height: 7, round: 0, kind: .precommit)
        // The journal of the next height is read again; those above it are not.
        #expect(NodeRecovery.lostHeight([entry], last, above: 7) == nil)
        #expect(NodeRecovery.lostHeight([entry], last, above: 6) == nil)
        #expect(NodeRecovery.lostHeight([entry], last, above: 5) == 7)
        #expect(NodeRecovery.lostHeight([], last, above: 6) == 7)
        #expect(NodeRecovery.lostHeight([], nil, above: 6) == nil)
    }

    @Test("K14: a certified block with a signature of the own key that this signer never made stops it")
    func foreignSignature() throws {
        let world = try World()
        let members = world.state.validators.members.map(\.operatorKey)
        let block = try #require(try world.build([], at: world.state.dueTime(of: 1))).block
        let peer = world.chain.owner.publicKey
        for (signers, stops) in [([0, 1, 2], true), ([1, 2, 3], false)] {
            var reactor = reactor(world, own: members[0])
            let item = try CertifiedBlock(
                block, certificate: try world.certificate(of: block.hash, at: 1, signers: signers),
                validators: world.state.validators, chain: world.state.chain)
            _ = reactor.handle(.peerConnected(peer), at: moment(world, after: 1000))
            let status = NodeStatus(
                tip: 1, tipHash: block.hash, clock: moment(world, after: 1000).clock,
                round: reactor.machine.summary)
            let effects = reactor.handle(.status(status, from: peer), at: moment(world, after: 1000))
            let requests = effects.compactMap { effect -> UInt64? in
                if case .send(.blockRequest(let id, _, _), _) = effect { id } else { nil }
            }
            let id = try #require(requests.first)
            _ = reactor.handle(.blocks(id: id, items: [item], from: peer), at: moment(world, after: 1001))
            #expect((reactor.signingStopped != nil) == stops, "signed by \(signers)")
        }
    }

    @Test("K14: a vote of the own key above all that this signer made stops it; one that comes back does not")
    func foreignVote() throws {
        let world = try World()
        let secret = try #require(world.chain.members.first)
        func vote(round: Round) throws -> VerifiedVote {
            let vote = Vote(type: .prevote, height: 1, round: round, value: nil)
            let signature = secret.sign(vote.signedBytes(chain: world.state.chain))
            return try #require(
                VerifiedVote(
                    SignedVote(vote: vote, member: secret.publicKey, signature: signature),
                    validators: world.state.validators, chain: world.state.chain))
        }
        var reactor = reactor(world, own: secret.publicKey)
        _ = reactor.handle(.signedVote(try vote(round: 1)), at: moment(world, after: 1000))
        for (round, stops) in [(0 as Round, false), (1, false), (2, true)] {
            _ = reactor.handle(.vote(try vote(round: round)), at: moment(world, after: 1001))
            #expect((reactor.signingStopped != nil) == stops, "round \(round)")
        }
    }
}
