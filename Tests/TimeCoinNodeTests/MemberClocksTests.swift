import Testing
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinTesting

@testable import TimeCoinNode

@Suite("The members' clocks")
struct MemberClocksTests {
    private let wall: UInt64 = 1_700_000_000_000

    private func moment(_ instant: UInt64, ahead: Int64 = 0) -> Moment {
        Moment(
            instant: Instant(milliseconds: instant),
            clock: Timestamp(milliseconds: UInt64(Int64(wall) + Int64(instant) + ahead)))
    }

    /// Asks at an instant, and has members answer some milliseconds later, each with a clock that is off.
    private func clocks(
        _ world: World, _ apart: [Int: Int64], asked: UInt64 = 1000, roundTrip: UInt64 = 40
    ) throws -> MemberClocks {
        var clocks = MemberClocks(secret: world.state.chain)
        try ask(&clocks, world, apart, asked: asked, roundTrip: roundTrip)
        return clocks
    }

    private func ask(
        _ clocks: inout MemberClocks, _ world: World, _ apart: [Int: Int64], asked: UInt64,
        roundTrip: UInt64 = 40
    ) throws {
        let question = clocks.ask(isOff: false, at: Instant(milliseconds: asked))
        let nonce = try #require(question)
        for (index, offset) in apart {
            let clock = Timestamp(milliseconds: UInt64(Int64(wall + asked + roundTrip / 2) + offset))
            let answer = ClockAnswer(
                nonce: nonce, clock: clock, signedBy: world.chain.members[index], chain: world.state.chain)
            #expect(clocks.expects(answer))
            clocks.take(answer, at: Instant(milliseconds: asked + roundTrip))
        }
    }

    private func offset(_ clocks: MemberClocks, _ world: World, at now: Moment) -> Int64? {
        clocks.offset(
            own: world.chain.members[0].publicKey, validators: world.state.validators, at: now)
    }

    @Test("the weighted median of a quorum, the own clock among them; fewer say nothing")
    func median() throws {
        let world = try World()
        #expect(offset(try clocks(world, [1: 0]), world, at: moment(2000)) == nil)
        #expect(offset(try clocks(world, [1: 5000, 2: 5000]), world, at: moment(2000)) == 4980)
        #expect(offset(try clocks(world, [1: -5000, 2: -5000]), world, at: moment(2000)) == -4980)
        // One of four lies as much as it likes.
        for lie in [-1_000_000_000 as Int64, 1_000_000_000] {
            #expect(offset(try clocks(world, [1: 3, 2: -4, 3: lie]), world, at: moment(2000)) == 0)
        }
        let heavy = try World(weights: [1, 10, 1, 1])
        #expect(offset(try clocks(heavy, [1: 700, 2: 0, 3: 0]), heavy, at: moment(2000)) == 680)
    }

    @Test("a jump of the own clock shows without another question, and who is not heard again counts no more")
    func jump() throws {
        let world = try World()
        let clocks = try clocks(world, [1: 0, 2: 0, 3: 0])
        #expect(offset(clocks, world, at: moment(30_000)) == 0)
        #expect(offset(clocks, world, at: moment(30_000, ahead: 7000)) == -6980)
        #expect(offset(clocks, world, at: moment(1040 + MemberClocks.ageMax)) == 0)
        #expect(offset(clocks, world, at: moment(1041 + MemberClocks.ageMax)) == nil)
    }

    @Test("answers to older questions, to none, late ones and second ones change nothing")
    func refused() throws {
        let world = try World()
        let key = world.chain.members[1]
        var clocks = try clocks(world, [1: 0, 2: 0, 3: 0])
        let questions = [2000, 2999, 3000].map {
            clocks.ask(isOff: true, at: Instant(milliseconds: $0))
        }
        let (first, second) = (try #require(questions[0]), try #require(questions[2]))
        #expect(first != second && questions[1] == nil)
        func answer(_ nonce: Hash256, _ clock: UInt64) -> ClockAnswer {
            ClockAnswer(
                nonce: nonce, clock: Timestamp(milliseconds: clock), signedBy: key, chain: world.state.chain)
        }
        let before = offset(clocks, world, at: moment(4000))
        for (nonce, clock, late) in [
            (first, wall, 0 as UInt64), (.zero, wall, 0), (second, .max, 0),
            (second, wall, MemberClocks.roundTripMax + 1),
        ] {
            clocks.take(answer(nonce, clock), at: Instant(milliseconds: 3000 + late))
        }
        #expect(offset(clocks, world, at: moment(4000)) == before)
        // The first of two answers to one question stands.
        clocks.take(answer(second, wall + 3000), at: Instant(milliseconds: 3010))
        clocks.take(answer(second, wall), at: Instant(milliseconds: 3020))
        #expect(offset(clocks, world, at: moment(4000)) == 0)
    }

    @Test("an answer is of one member, one question and one chain")
    func signature() throws {
        let world = try World()
        let (key, chain) = (world.chain.members[1], world.state.chain)
        let clock = Timestamp(milliseconds: wall)
        let answer = ClockAnswer(nonce: .zero, clock: clock, signedBy: key, chain: chain)
        #expect(answer.verifies(validators: world.state.validators, chain: chain))
        #expect(!answer.verifies(validators: world.state.validators, chain: .zero))
        let stranger = ClockAnswer(nonce: .zero, clock: clock, signedBy: world.chain.owner, chain: chain)
        #expect(!stranger.verifies(validators: world.state.validators, chain: chain))
        var writer = ByteWriter()
        answer.encode(into: &writer)
        for place in writer.bytes.indices {
            var bytes = writer.bytes
            bytes[place] ^= 1
            let other = try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
                try ClockAnswer(from: &reader)
            }
            #expect(!other.verifies(validators: world.state.validators, chain: chain), "byte \(place)")
        }
    }

    @Test(
        "whose clock is off proposes nothing and finds nothing timely, says so, and goes on when it is right")
    func reactor() throws {
        let world = try World()
        let machine = ConsensusMachine(on: world.state, own: nil)
        let proposer = machine.proposer(of: 0)
        let others = world.chain.members.filter { $0.publicKey != proposer }
        var reactor = Reactor(
            state: world.state, own: proposer, signed: nil, secret: world.state.chain,
            settings: Reactor.Settings(), at: Instant(milliseconds: 1000))
        for member in others { reactor.gate?.answer(from: member.publicKey, highest: nil) }
        func moment(_ instant: UInt64, ahead: UInt64 = 0) -> Moment {
            Moment(
                instant: Instant(milliseconds: instant),
                clock: world.state.header.time.advanced(byMilliseconds: instant + ahead))
        }
        func question(_ effects: [ReactorEffect]) -> Hash256? {
            effects.lazy.compactMap {
                if case .broadcast(.clockQuery(let nonce)) = $0 { nonce } else { nil }
            }.first
        }
        func builds(_ effects: [ReactorEffect]) -> Bool {
            effects.contains { if case .build = $0 { true } else { false } }
        }
        func said(_ effects: [ReactorEffect]) -> [Int64] {
            effects.compactMap { if case .report(.clockOff(let offset)) = $0 { offset } else { nil } }
        }
        let asking = reactor.handle(.tick, at: moment(1000, ahead: 3000))
        let nonce = try #require(question(asking))
        var reports: [Int64] = []
        for member in others {
            let answer = ClockAnswer(
                nonce: nonce, clock: moment(1000).clock, signedBy: member, chain: world.state.chain)
            reports += said(reactor.handle(.clock(answer), at: moment(1000, ahead: 3000)))
        }
        #expect(reports == [-3000])
        let admission = try world.admission(try world.payment(0))
        let waiting = reactor.handle(.admitted([admission]), at: moment(1100, ahead: 3000))
        #expect(reactor.machine.hasStarted && !builds(waiting))
        let header = try #require(try world.build([], at: world.state.dueTime(of: 1))).block.header
        let vote = Proposal(height: 1, round: 0, value: header.hash, validRound: nil)
        let signed = SignedProposal(
            proposal: vote, proposer: header.proposer,
            signature: try #require(world.chain.members.first { $0.publicKey == header.proposer }).sign(
                vote.signedBytes(chain: world.state.chain)))
        let verified = try #require(
            VerifiedProposal(signed, validators: world.state.validators, chain: world.state.chain))
        #expect(!reactor.isTimely(verified, header, at: header.time))
        let mended = reactor.handle(.tick, at: moment(1200))
        #expect(said(mended) == [0] && builds(mended))
        #expect(reactor.isTimely(verified, header, at: header.time))
    }
}
