import Testing
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

@Suite("Reactor")
struct ReactorTests {
    private func moment(_ world: World, after milliseconds: UInt64) -> Moment {
        Moment(
            instant: Instant(milliseconds: 1_000_000 + milliseconds),
            clock: world.state.header.time.advanced(byMilliseconds: milliseconds))
    }

    /// The reactor of a chain's only member: it proposes every round and needs nobody.
    private func reactor(_ world: World) -> Reactor {
        Reactor(
            state: world.state, own: world.chain.members[0].publicKey, signed: nil, secret: .zero,
            settings: Reactor.Settings(), at: Instant(milliseconds: 1_000_000))
    }

    private func builds(_ effects: [ReactorEffect]) -> Int {
        effects.count { if case .build = $0 { true } else { false } }
    }

    @Test("K18: a build that found nothing is asked again when the slot falls due")
    func buildsWhenDue() throws {
        let world = try World(weights: [1])
        var reactor = reactor(world)
        let admission = try world.admission(try world.payment(0))
        _ = reactor.handle(.admitted([admission]), at: moment(world, after: 10))
        let txid = admission.verified.spendable.checked.txid
        let empty = BlockAssembly(block: nil, refused: [txid])
        #expect(builds(reactor.handle(.built(empty, height: 1, round: 0), at: moment(world, after: 13))) == 0)
        #expect(builds(reactor.handle(.tick, at: moment(world, after: 4999))) == 0)
        #expect(builds(reactor.handle(.tick, at: moment(world, after: 5000))) == 1)
        #expect(builds(reactor.handle(.tick, at: moment(world, after: 5001))) == 0)
    }

    @Test("K18: a build that finds nothing is asked again as soon as something comes, or came meanwhile")
    func buildsAgain() throws {
        let world = try World(weights: [1])
        var reactor = reactor(world)
        let first = try world.admission(try world.payment(0))
        #expect(builds(reactor.handle(.admitted([first]), at: moment(world, after: 10))) == 1)
        // Another arrives while that build runs; the first turns out not to fit.
        let second = try world.admission(try world.payment(1))
        #expect(builds(reactor.handle(.admitted([second]), at: moment(world, after: 11))) == 0)
        let refused = BlockAssembly(block: nil, refused: [first.verified.spendable.checked.txid])
        let again = reactor.handle(.built(refused, height: 1, round: 0), at: moment(world, after: 12))
        #expect(builds(again) == 1)
        #expect(reactor.mempool.transactionIDs == [second.verified.spendable.checked.txid])
        // And when nothing is left, the next one asks.
        let empty = BlockAssembly(block: nil, refused: [second.verified.spendable.checked.txid])
        #expect(builds(reactor.handle(.built(empty, height: 1, round: 0), at: moment(world, after: 13))) == 0)
        let third = try world.admission(try world.payment(2))
        #expect(builds(reactor.handle(.admitted([third]), at: moment(world, after: 14))) == 1)
    }

    @Test("what was verified on another tip is not admitted")
    func staleAdmission() throws {
        var world = try World(weights: [1])
        let stale = try world.admission(try world.payment(0))
        try world.commit(try #require(try world.build([stale], at: world.state.dueTime(of: 1))))
        var reactor = reactor(world)
        _ = reactor.handle(.admitted([stale]), at: moment(world, after: 10))
        #expect(reactor.mempool.isEmpty)
    }

    @Test("K15: however many rounds a height takes, few contents and executed blocks are held")
    func contentsOfManyRounds() throws {
        let world = try World()
        var (reactor, _) = try follower(world)
        for number in 0..<UInt64(5 * Reactor.contentsMax) {
            let time = world.state.dueTime(of: 1).advanced(byMilliseconds: number)
            let block = try #require(try world.build([], at: time))
            var effects: [ReactorEffect] = []
            reactor.keep(block.block)
            reactor.judge(block.block, &effects)
            #expect(effects.count == 1)
            let judged = ReactorEvent.judged(block.block.hash, .success(block))
            _ = reactor.handle(judged, at: moment(world, after: 10 + number))
            #expect(reactor.executed[block.block.hash] != nil)
            #expect(reactor.executed.count <= Reactor.contentsMax && reactor.judging.isEmpty)
            #expect(reactor.contents.count <= Reactor.contentsMax)
        }
    }

    // MARK: - Proposals

    /// One of four members, of whom it proposes nothing itself in round 0.
    private func follower(_ world: World) throws -> (reactor: Reactor, proposer: SigningKey) {
        let machine = ConsensusMachine(on: world.state, own: nil)
        let proposer = try #require(world.chain.members.first { $0.publicKey == machine.proposer(of: 0) })
        let own = try #require(world.chain.members.first { $0.publicKey != proposer.publicKey })
        let reactor = Reactor(
            state: world.state, own: own.publicKey, signed: nil, secret: .zero, settings: Reactor.Settings(),
            at: Instant(milliseconds: 1_000_000))
        return (reactor, proposer)
    }

    private func proposal(
        _ value: Hash256, round: Round = 0, by key: SigningKey, _ world: World
    ) throws -> VerifiedProposal {
        let proposal = Proposal(height: 1, round: round, value: value, validRound: nil)
        let signature = key.sign(proposal.signedBytes(chain: world.state.chain))
        return try #require(
            VerifiedProposal(
                SignedProposal(proposal: proposal, proposer: key.publicKey, signature: signature),
                validators: world.state.validators, chain: world.state.chain))
    }

    /// Whether the proposal that a machine has accepted counts as timely, as its journal tells.
    private func timeliness(_ effects: [ReactorEffect]) -> [Bool] {
        effects.compactMap { effect in
            if case .journal(.proposal(_, let isTimely), _) = effect { isTimely } else { nil }
        }
    }

    @Test("a proposal without its header waits for the block and is judged by the clock of its arrival")
    func waitsForHeader() throws {
        let world = try World()
        var (reactor, proposer) = try follower(world)
        let assembly = try world.verifier.build(
            on: world.state, at: world.state.dueTime(of: 1), proposer: proposer.publicKey, candidates: [])
        let block = try #require(assembly.block).block
        let signed = try proposal(block.hash, by: proposer, world)
        let stranger = world.chain.owner.publicKey
        // Another block's header beside the proposal says nothing of its time.
        let other = try #require(
            try world.build([], at: world.state.dueTime(of: 1).advanced(byMilliseconds: 9))
        ).block
        let arrival = moment(world, after: 5000)
        let first = reactor.handle(
            .proposal(signed, CompactBlock(other), from: stranger), at: arrival)
        #expect(timeliness(first) == [])
        // The same from another peer is not another one.
        _ = reactor.handle(.proposal(signed, nil, from: proposer.publicKey), at: arrival)
        #expect(reactor.unseen.count == 1)
        #expect(reactor.wanted.keys.contains(block.hash))
        let later = moment(world, after: 25_000)
        #expect(timeliness(reactor.handle(.value(block), at: later)) == [true])
    }

    @Test("a fresh proposal of a block that another member made is not timely")
    func foreignProposer() throws {
        let world = try World()
        var (reactor, proposer) = try follower(world)
        let maker = try #require(world.chain.members.first { $0.publicKey != proposer.publicKey })
        let assembly = try world.verifier.build(
            on: world.state, at: world.state.dueTime(of: 1), proposer: maker.publicKey, candidates: [])
        let block = try #require(assembly.block).block
        let signed = try proposal(block.hash, by: proposer, world)
        let effects = reactor.handle(
            .proposal(signed, CompactBlock(block), from: maker.publicKey), at: moment(world, after: 5000))
        #expect(timeliness(effects) == [false])
    }

    @Test("K15: proposals out of turn, of far rounds or in great numbers have nothing fetched or kept")
    func floodOfProposals() throws {
        let world = try World()
        var (reactor, proposer) = try follower(world)
        let stranger = world.chain.owner.publicKey
        for number in 0..<200 as Range<UInt8> {
            let value = Blake2b.hash256(.block, [number])
            for member in world.chain.members {
                for round in [0, Round(number) * 4, Round(number) * 4 + 3] {
                    let signed = try proposal(value, round: round, by: member, world)
                    _ = reactor.handle(
                        .proposal(signed, nil, from: stranger), at: moment(world, after: 5000))
                }
            }
        }
        _ = proposer
        #expect(reactor.wanted.count <= 2 && reactor.unseen.count <= 2 && reactor.contents.isEmpty)
    }

    @Test("messages of the next height wait, so many a member and each once")
    func earlyMessages() throws {
        let world = try World()
        var (reactor, _) = try follower(world)
        for member in world.chain.members {
            for round in 0..<100 as Range<Round> {
                let vote = Vote(type: .prevote, height: 2, round: round, value: nil)
                let signed = SignedVote(
                    vote: vote, member: member.publicKey,
                    signature: member.sign(vote.signedBytes(chain: world.state.chain)))
                let verified = try #require(
                    VerifiedVote(signed, validators: world.state.validators, chain: world.state.chain))
                for _ in 0..<2 { _ = reactor.handle(.vote(verified), at: moment(world, after: 10)) }
            }
        }
        #expect(reactor.early.count == 4 * Reactor.earlyMessagesPerSender)
    }

    @Test("the slot falling due restarts the timeouts of a height under way, once")
    func dueRestartsTimeouts() throws {
        let world = try World()
        var (reactor, _) = try follower(world)
        func timers(_ effects: [ReactorEffect]) -> [Bool] {
            effects.compactMap { if case .timers(let armed) = $0 { armed.first?.isDue } else { nil } }
        }
        let admission = try world.admission(try world.payment(0))
        let before = reactor.handle(.admitted([admission]), at: moment(world, after: 100))
        let due = reactor.handle(.tick, at: moment(world, after: 5000))
        let after = reactor.handle(.tick, at: moment(world, after: 5001))
        #expect([timers(before), timers(due), timers(after)] == [[false], [true], []])
    }
}
