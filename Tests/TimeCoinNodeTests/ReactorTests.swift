import Testing
import TimeCoinConsensus
import TimeCoinCore
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
            state: world.state, own: world.chain.members[0].publicKey, signedLast: nil, nonce: .zero,
            settings: Reactor.Settings(), at: Instant(milliseconds: 1_000_000))
    }

    private func builds(_ effects: [ReactorEffect]) -> Int {
        effects.count { if case .build = $0 { true } else { false } }
    }

    @Test("a build that finds nothing is asked again as soon as something comes, or came meanwhile")
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
}
