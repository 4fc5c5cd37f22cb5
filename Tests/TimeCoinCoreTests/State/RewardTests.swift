import Testing

@testable import TimeCoinCore

@Suite("Rewards and payouts")
struct RewardTests {
    private func units(_ state: ChainState, _ key: PublicKey) -> UInt64 {
        state.accruals.accounts.first { $0.key == key }?.amount.units ?? 0
    }

    @Test("S3: a slot's subsidy is a fifth for the drawn member, the rest by weight, the remainder carried")
    func shares() throws {
        var world = try BlockWorld(weights: [1, 10, 100])
        var remainder: UInt64 = 0
        var earned = [UInt64](repeating: 0, count: 3)
        for slot in 1...5 as ClosedRange<Slot> {
            let before = world.state
            world.commit(try world.build([], at: before.dueTime(of: slot)))
            let drawn = RewardDraw.member(of: before.validators, chain: before.chain, slot: slot)
            let pool = 8_000_000_000 + remainder
            remainder = pool
            for (place, weight) in [1, 10, 100].enumerated() {
                let share = pool * UInt64(weight) / 111
                remainder -= share
                let key = world.members[place].publicKey
                if before.accruals.due.contains(where: { $0.key == key }) { earned[place] = 0 }
                earned[place] += share + (drawn == key ? 2_000_000_000 : 0)
                #expect(units(world.state, key) == earned[place], "slot \(slot), member \(place)")
            }
            #expect(world.state.accruals.remainder.units == remainder)
            #expect(world.state.supply.accrued.units == earned.reduce(0, +))
        }
    }

    @Test("fees go to the proposer, the price of growth to nobody")
    func fees() throws {
        var world = try BlockWorld()
        let time = world.state.header.time.advanced(byMilliseconds: BlockWorld.intervalMilliseconds)
        // Three outputs of one: two units of growth.
        let payment = try world.payment(of: world.allocation(0), outputs: 3, fee: 20_002)
        let paid = payment.outputs.reduce(0) { $0 + $1.value.units }
        let spent = world.allocation(0).entry.output.value.units - paid
        world.commit(try world.build([payment], at: time, by: 2))
        #expect(world.state.accruals.accounts.map(\.key) == [world.members[2].publicKey])
        #expect(world.state.accruals.total.units == spent - 2000)
        #expect(world.state.supply.burned.units == 2000)
        #expect(world.state.accruals.accounts[0].crossedAt == nil)
    }

    @Test("S3: more than half of all the money there can be moves in one block")
    func fortune() throws {
        let fortune = try #require(Amount(units: Amount.maximum.units / 10 * 6))
        var world = try BlockWorld(fortune: fortune)
        let time = world.state.header.time.advanced(byMilliseconds: BlockWorld.intervalMilliseconds)
        let before = world.state.supply.unspent.units
        world.commit(try world.build([try world.payment(10)], at: time))
        #expect(world.state.supply.unspent.units == before - 10_000)
    }

    @Test("S3: the coinbase pays the accounts due, whole and in order; every other coinbase is refused")
    func payouts() throws {
        var world = try BlockWorld()
        world.commit(try world.build([], at: world.state.dueTime(of: 1)))
        let due = world.state.accruals.due
        try #require(due.count >= 2)
        let block = try world.build([], at: world.state.dueTime(of: 2)).block
        let coinbase = block.transactions[0].transaction
        #expect(coinbase.outputs.map(\.value) == due.map(\.amount))
        let keys = due.map(\.key)
        #expect(coinbase.outputs.map(\.locking) == keys.map { Script.keyHash(of: $0) })
        func other(_ outputs: [TransactionOutput]) -> Transaction {
            Transaction(
                version: 1, kind: .coinbase, inputs: [], outputs: outputs, payload: coinbase.payload)
        }
        let first = coinbase.outputs[0]
        let more = try #require(Amount(units: first.value.units + 1))
        let less = try #require(Amount(units: first.value.units - 1))
        let rest = Array(coinbase.outputs.dropFirst())
        let wrong = [
            [], rest, coinbase.outputs + [first], Array(coinbase.outputs.reversed()),
            [TransactionOutput(value: more, locking: first.locking)] + rest,
            [TransactionOutput(value: less, locking: first.locking)] + rest,
            [TransactionOutput(value: first.value, locking: .keyHash(of: world.owner.publicKey))] + rest,
        ]
        for outputs in wrong {
            let transactions = [other(outputs)]
            #expect(try world.verdict(try block.header.over(transactions), transactions)?.rule == .coinbase)
        }
        let unspent = world.state.supply.unspent
        world.commit(try world.judge(block))
        #expect(world.state.supply.unspent == Amount.sum([unspent] + due.map(\.amount)))
        for key in keys {
            #expect(world.state.accruals.accounts.first { $0.key == key }?.amount.units ?? 0 < 10_000_000_000)
        }
    }

    @Test("what a coinbase paid can be spent in the next block")
    func spendable() throws {
        var world = try BlockWorld(weights: [1])
        world.commit(try world.build([], at: world.state.dueTime(of: 1)))
        world.commit(try world.build([], at: world.state.dueTime(of: 2)))
        let (outPoint, entry) = try #require(
            world.kept.outputs.first { $0.value.kind == .coinbase && $0.value.height == 2 })
        let unsigned = Transaction(
            inputs: [TransactionInput(previous: outPoint, unlocking: .empty)],
            outputs: [
                TransactionOutput(
                    value: try #require(Amount(units: entry.output.value.units - 10_000)),
                    locking: .keyHash(of: world.owner.publicKey))
            ])
        var signing = try TransactionSigning(
            unsigned, spending: [.init(entry.output)], chain: world.genesis.hash)
        signing.sign(with: world.members)
        let time = world.state.header.time.advanced(byMilliseconds: BlockWorld.intervalMilliseconds)
        let block = try world.build([signing.transaction], at: time)
        #expect(try world.judge(block.block).change.spent.map(\.outPoint) == [outPoint])
    }

    @Test("of more than 64 accounts due the oldest crossing comes first, then the key")
    func oldestFirst() throws {
        let keys = try (1...70).map { try BlockWorld.key(UInt8($0)).publicKey }.sorted()
        let threshold = try #require(Amount(units: 100))
        var accruals = Accruals()
        // The last twenty keys cross first.
        for key in keys.suffix(20) { _ = accruals.credit(threshold, to: key) }
        accruals.markCrossings(threshold: threshold, at: 5)
        for key in keys.prefix(50) { _ = accruals.credit(threshold, to: key) }
        accruals.markCrossings(threshold: threshold, at: 6)
        #expect(accruals.due.map(\.key) == keys.suffix(20) + keys.prefix(44))
        accruals.pay(accruals.due)
        #expect(accruals.due.map(\.key) == Array(keys[44..<50]))
        // One unit short is not due, and more of it does not make a crossing younger.
        var short = Accruals()
        _ = short.credit(try #require(Amount(units: 99)), to: keys[0])
        short.markCrossings(threshold: threshold, at: 7)
        #expect(short.due.isEmpty)
        _ = short.credit(try #require(Amount(units: 1)), to: keys[0])
        short.markCrossings(threshold: threshold, at: 8)
        _ = short.credit(threshold, to: keys[0])
        short.markCrossings(threshold: threshold, at: 9)
        #expect(short.due.map(\.crossedAt) == [8])
    }

    @Test("sums that leave the money range are noticed")
    func moneyRange() throws {
        let key = try BlockWorld.key(1).publicKey
        var accruals = Accruals()
        #expect(accruals.credit(.maximum, to: key) != nil)
        #expect(accruals.credit(try #require(Amount(units: 1)), to: key) == nil)
        #expect(accruals.mint(.maximum, drawn: key, among: try BlockWorld().state.validators) == nil)
    }
}
