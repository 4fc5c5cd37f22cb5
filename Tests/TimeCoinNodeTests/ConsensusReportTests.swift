import Testing
import TimeCoinConsensus
import TimeCoinControl
import TimeCoinCore
import TimeCoinTesting

@testable import TimeCoinNode

/// The summary that an operator reads, from a reactor of one of four members.
@Suite("What the vote waits for, in words")
struct ConsensusReportTests {
    private let world: World
    private let machine: ConsensusMachine

    init() throws {
        world = try World()
        machine = ConsensusMachine(on: world.state, own: nil)
    }

    /// Some milliseconds after the slot of height 1 fell due.
    private func moment(_ milliseconds: UInt64) -> Moment {
        let due = world.state.dueTime(of: world.state.slot + 1)
        return Moment(
            instant: Instant(milliseconds: 1_000_000 + milliseconds),
            clock: due.advanced(byMilliseconds: milliseconds))
    }

    private func reactor(_ own: PublicKey?) -> Reactor {
        Reactor(
            state: world.state, own: own, signed: nil, secret: .zero, settings: Reactor.Settings(),
            at: Instant(milliseconds: 1_000_000))
    }

    /// A member whose turn it is not in round 0.
    private var follower: PublicKey {
        get throws {
            try #require(world.chain.members.first { $0.publicKey != machine.proposer(of: 0) }).publicKey
        }
    }

    private func opened(_ reactor: Reactor) -> Reactor {
        var reactor = reactor
        for member in world.chain.members {
            _ = reactor.handle(.positionAnswer(member: member.publicKey, highest: nil), at: moment(0))
        }
        return reactor
    }

    private func vote(
        _ member: SigningKey, _ type: VoteType, _ value: Hash256?
    ) throws -> ReactorEvent {
        let vote = Vote(type: type, height: 1, round: 0, value: value)
        let signed = SignedVote(
            vote: vote, member: member.publicKey,
            signature: member.sign(vote.signedBytes(chain: world.state.chain)))
        let verified = VerifiedVote(signed, validators: world.state.validators, chain: world.state.chain)
        return .vote(try #require(verified))
    }

    private func name(_ key: PublicKey) -> String { key.description.prefix(12) + "…" }

    private func report(
        _ reactor: Reactor, timers: [ConsensusReport.Timer] = [], fault: String? = nil, after: UInt64 = 0
    ) -> ConsensusReport {
        reactor.report(deadlines: timers, fault: fault, at: moment(after))
    }

    @Test("before a block is due there is nothing to decide, and it says for how long")
    func nothingToDo() throws {
        let reactor = opened(reactor(try follower))
        let due = world.state.dueTime(of: world.state.slot + 1)
        let early = Moment(
            instant: Instant(milliseconds: 1_000_000),
            clock: Timestamp(milliseconds: due.milliseconds - 12_340))
        let fresh = self.reactor(try follower)
        let report = fresh.report(deadlines: [], fault: nil, at: early)
        #expect(report.untilStart == 12_340 && report.awaited == .start && report.missing.isEmpty)
        #expect(report.sentence.hasPrefix("Height 1: nothing to decide until a block is due in 12.3 s"))
        // Once the clock says so it has begun.
        #expect(self.report(reactor).untilStart == nil)
    }

    @Test("it waits for the proposer by name, for so long, until the timeout")
    func proposal() throws {
        var reactor = opened(reactor(try follower))
        _ = reactor.handle(.wake, at: moment(5))
        let timer = ConsensusReport.Timer(timeout: Timeout(kind: .propose, round: 0), left: 2750)
        let report = report(reactor, timers: [timer], after: 255)
        #expect(
            report.sentence == "Height 1, round 0: waiting for the proposal of "
                + "\(name(machine.proposer(of: 0))); timeout in 2.7 s; in this step for 0.2 s.")
        #expect(report.missing == [machine.proposer(of: 0)])
    }

    @Test("a proposal whose block has not come waits for the block")
    func unseenBlock() throws {
        var reactor = opened(reactor(try follower))
        let value = Blake2b.hash256(.block, [9])
        let key = try #require(world.chain.members.first { $0.publicKey == machine.proposer(of: 0) })
        let proposal = Proposal(height: 1, round: 0, value: value, validRound: nil)
        let signed = SignedProposal(
            proposal: proposal, proposer: key.publicKey,
            signature: key.sign(proposal.signedBytes(chain: world.state.chain)))
        let verified = VerifiedProposal(signed, validators: world.state.validators, chain: world.state.chain)
        _ = reactor.handle(.proposal(try #require(verified), nil, from: key.publicKey), at: moment(10))
        let report = report(reactor, after: 10)
        #expect(report.awaited == .block && report.missing.isEmpty)
        let words = "waiting for the block \(value.description.prefix(12))… to arrive and to be executed"
        #expect(report.sentence.contains(words))
    }

    @Test("missing prevotes are named exactly, nil votes too, with what is lacking")
    func prevotes() throws {
        var reactor = opened(reactor(try follower))
        _ = reactor.handle(.timeout(Timeout(kind: .propose, round: 0), height: 1), at: moment(3000))
        let members = world.state.validators.members
        let nilVoter = try #require(world.chain.members.first { $0.publicKey == members[2].operatorKey })
        let voter = try #require(world.chain.members.first { $0.publicKey == members[0].operatorKey })
        _ = reactor.handle(try vote(nilVoter, .prevote, nil), at: moment(3001))
        _ = reactor.handle(try vote(voter, .prevote, .zero), at: moment(3002))
        let report = report(reactor, after: 4500)
        let weight = members[0].weight + members[2].weight
        let total = world.state.validators.totalWeight
        let least = report.status.quorumWeight
        #expect(report.missing == [members[1].operatorKey, members[3].operatorKey])
        let names = try members.map { try mark($0.operatorKey) }
        #expect(
            report.sentence == "Height 1, round 0: waiting for prevotes: 2 of 4 members (weight \(weight) of "
                + "\(total)) have voted; voted nil \(names[2]); missing \(names[1]), \(names[3]); with "
                + "weight \(least - weight) more the round can go on; in this step for 1.5 s.")
        // The same as an answer.
        let answer = Rendering(network: .local).consensus(report)
        #expect(answer["waitingfor"] == .string("prevotes") && answer["signing"] == .string("votes"))
        #expect(answer["missing"]?.array?.compactMap(\.string) == report.missing.map(\.description))
        #expect(answer["prevotes"]?["nil"]?.array?.count == 1)
        #expect(answer["prevotes"]?["missingweight"]?.integer == Int64(total - weight))
        #expect(answer["members"]?.array?.count == 4)
        #expect(answer["members"]?.array?[1]["prevote"] == .string("missing"))
        #expect(answer["stepmilliseconds"]?.integer == 1500)
    }

    private func mark(_ key: PublicKey) throws -> String {
        name(key) + (key == (try follower) ? " (this node)" : "")
    }

    @Test("missing precommits are named")
    func precommits() throws {
        var reactor = opened(reactor(try follower))
        _ = reactor.handle(.timeout(Timeout(kind: .propose, round: 0), height: 1), at: moment(3000))
        for member in world.chain.members.prefix(3) {
            _ = reactor.handle(try vote(member, .prevote, nil), at: moment(3001))
        }
        let report = report(reactor, after: 3001)
        #expect(report.awaited == .precommits && report.missing.count == 4)
        #expect(report.sentence.contains("waiting for precommits: 0 of 4 members (weight 0 of "))
    }

    @Test("of many missing members some are named and the rest counted")
    func manyMissing() throws {
        let world = try World(weights: [UInt64](repeating: 1, count: 9))
        var reactor = Reactor(
            state: world.state, own: nil, signed: nil, secret: .zero, settings: Reactor.Settings(),
            at: Instant(milliseconds: 1_000_000))
        let due = world.state.dueTime(of: world.state.slot + 1)
        let now = Moment(instant: Instant(milliseconds: 1_000_000), clock: due)
        _ = reactor.handle(.wake, at: now)
        _ = reactor.handle(.timeout(Timeout(kind: .propose, round: 0), height: 1), at: now)
        let report = reactor.report(deadlines: [], fault: nil, at: now)
        #expect(report.missing.count == 9)
        #expect(report.sentence.contains(" and 4 more; with weight 7 more the round can go on"))
        #expect(report.sentence.hasSuffix("this node is no member and only watches."))
    }

    @Test("a node that still asks for its own signatures says so, and how many have answered")
    func asking() throws {
        var reactor = reactor(try follower)
        let other = try #require(world.chain.members.first { $0.publicKey == machine.proposer(of: 0) })
        _ = reactor.handle(.positionAnswer(member: other.publicKey, highest: nil), at: moment(0))
        let report = report(reactor)
        #expect(report.sentence.contains("this node does not vote before members of weight "))
        #expect(report.sentence.contains("hold of its key: 2 of 4 (weight "))
        #expect(Rendering(network: .local).consensus(report)["signing"] == .string("asking"))
    }

    @Test("a node that catches up, has stopped signing, lost its journal or has a fault says so")
    func apart() throws {
        var stopped = opened(reactor(try follower))
        var effects: [ReactorEffect] = []
        stopped.stopSigning("another instance signs with the same key", &effects)
        #expect(
            report(stopped).sentence.hasSuffix(
                "this node does not vote: another instance signs with the same key."))
        let answer = Rendering(network: .local).consensus(report(stopped))
        #expect(answer["reason"] == .string("another instance signs with the same key"))

        let fault = report(stopped, fault: "no space left on device")
        #expect(fault.sentence == "This node has stopped at height 1: no space left on device.")
        #expect(fault.missing.isEmpty)

        let damaged = Reactor(
            state: world.state, own: try follower, signed: nil, secret: .zero, settings: Reactor.Settings(),
            signsAbove: 3, at: Instant(milliseconds: 1_000_000))
        #expect(
            report(damaged).sentence.hasSuffix(
                "this node does not vote up to height 3: its journal was damaged."))

        var behind = opened(reactor(try follower))
        for member in world.chain.members {
            _ = behind.handle(.peerConnected(member.publicKey), at: moment(0))
            let status = NodeStatus(
                tip: 900, tipHash: .zero, clock: moment(0).clock, round: behind.machine.summary)
            _ = behind.handle(.status(status, from: member.publicKey), at: moment(0))
        }
        #expect(
            report(behind).sentence == "Height 1: catching up with the others, who are at height 900.")
        #expect(report(behind).missing.isEmpty)
    }

    @Test("the proposer itself builds, or has nothing to put in a block, or may not sign")
    func ownBlock() throws {
        let proposer = machine.proposer(of: 0)
        var silent = reactor(proposer)
        _ = silent.handle(.wake, at: moment(0))
        #expect(report(silent).sentence.hasPrefix("Height 1, round 0: this node is to propose; "))
        var late = reactor(proposer)
        late.isClockOff = true
        late = opened(late)
        _ = late.handle(.wake, at: moment(0))
        #expect(report(late).sentence.hasPrefix("Height 1, round 0: this node is to propose; "))
        #expect(report(late).sentence.contains("this node's clock differs from the members'"))
        var builder = opened(reactor(proposer))
        _ = builder.handle(.wake, at: moment(0))
        #expect(report(builder).sentence.contains("building the block that this node is to propose"))
        let nothing = BlockAssembly(block: nil, refused: [])
        _ = builder.handle(.built(nothing, height: 1, round: 0), at: moment(1))
        #expect(report(builder).sentence.contains("nothing waits that could stand in a block"))
    }

    @Test("a decided height waits for its block to be executed and written")
    func decided() throws {
        var reactor = opened(reactor(try follower))
        let block = try #require(try world.build([], at: world.state.dueTime(of: 1))).block
        for member in world.chain.members.prefix(3) {
            _ = reactor.handle(try vote(member, .precommit, block.hash), at: moment(1))
        }
        let waiting = report(reactor, after: 1)
        #expect(waiting.awaited == .block)
        #expect(waiting.sentence.contains("waiting for the block \(block.hash.description.prefix(12))…"))
    }
}
