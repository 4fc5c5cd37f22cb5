import Testing

@testable import TimeCoinCore

/// Each field of the header with its check: one field changed, everything else as it must be.
@Suite("Rules of the header")
struct HeaderRuleTests {
    private let other = Blake2b.hash256(.block, [7])

    /// A valid scheduled block with one payment.
    private func scheduled(_ world: BlockWorld) throws -> (header: BlockHeader, transactions: [Transaction]) {
        let block = try world.build([try world.payment(0)], at: world.state.dueTime(of: 1)).block
        return (block.header, block.transactions.map(\.transaction))
    }

    /// A valid payment block with one payment, a second after genesis.
    private func payment(_ world: BlockWorld) throws -> (header: BlockHeader, transactions: [Transaction]) {
        let time = world.state.header.time.advanced(byMilliseconds: BlockWorld.intervalMilliseconds)
        let block = try world.build([try world.payment(0)], at: time).block
        return (block.header, block.transactions.map(\.transaction))
    }

    @Test("both kinds of block pass unchanged, and their encoding says the same")
    func unchanged() throws {
        let world = try BlockWorld()
        for (header, transactions) in [try scheduled(world), try payment(world)] {
            #expect(try world.verdict(header, transactions) == nil)
            let decoded = try CheckedBlock(
                decoding: Block(header: header, transactions: transactions).encoded)
            #expect(try world.judge(decoded).block.hash == header.hash)
        }
    }

    @Test("B4, B10 to B13, B15, B19, B20, B26: a field that names something else is refused by its own rule")
    func names() throws {
        let world = try BlockWorld()
        for (header, transactions) in [try scheduled(world), try payment(world)] {
            let cases: [(BlockHeader, BlockRejection.Rule)] = [
                (header.with(version: 0), .version), (header.with(version: 2), .version),
                (header.with(transactionRoot: other), .transactionRoot),
                (header.with(witnessRoot: other), .witnessRoot),
                (header.with(evidenceRoot: other), .evidenceRoot),
                (header.with(attestationRoot: other), .attestationRoot),
                (header.with(previous: other), .previous),
                (header.with(proposer: world.owner.publicKey), .proposer),
                (header.with(validators: other), .validators),
                (header.with(nextValidators: other), .validators),
                (header.with(stateRoot: other), .stateRoot),
                // Fees go to the proposer: another member's name is another state.
                (header.with(proposer: world.members[1].publicKey), .stateRoot),
            ]
            for (header, rule) in cases {
                #expect(try world.verdict(header, transactions)?.rule == rule, "\(rule)")
            }
        }
    }

    @Test("B14: height is the parent's and one", arguments: [0, 2, 3, UInt64.max] as [Height])
    func height(height: Height) throws {
        let world = try BlockWorld()
        let (header, transactions) = try payment(world)
        #expect(try world.verdict(header.with(height: height), transactions)?.rule == .height)
        var (scheduledHeader, all) = try scheduled(world)
        all[0] = Transaction(
            version: 1, kind: .coinbase, inputs: [], outputs: [],
            payload: CoinbasePayload(height: height, slot: 1).encoded)
        scheduledHeader = try scheduledHeader.with(height: height).over(all)
        #expect(try world.verdict(scheduledHeader, all)?.rule == .height)
    }

    @Test("B16: time only rises")
    func time() throws {
        let world = try BlockWorld()
        let (header, transactions) = try payment(world)
        for before in [0, 1, 1000] as [UInt64] {
            let time = Timestamp(milliseconds: world.state.header.time.milliseconds - before)
            #expect(try world.verdict(header.with(time: time), transactions)?.rule == .time)
        }
        #expect(try world.verdict(header.with(time: Timestamp(milliseconds: 0)), transactions)?.rule == .time)
    }

    @Test("B17: kind and slot follow from the time alone, on either side of the due time")
    func schedule() throws {
        let world = try BlockWorld()
        let due = world.state.dueTime(of: 1)
        let early = Timestamp(milliseconds: due.milliseconds - 1)
        let (scheduledHeader, all) = try scheduled(world)
        let (paymentHeader, payments) = try payment(world)
        #expect(try world.verdict(scheduledHeader.with(time: early), all)?.rule == .schedule)
        #expect(try world.verdict(paymentHeader.with(time: due), payments)?.rule == .schedule)
        #expect(try world.verdict(paymentHeader.with(slot: 1), payments)?.rule == .schedule)
        // The right slot, the wrong kind.
        #expect(try world.verdict(paymentHeader.with(slot: 1, time: due), payments)?.rule == .schedule)
        let closed = try [
            Transaction(
                version: 1, kind: .coinbase, inputs: [], outputs: [],
                payload: CoinbasePayload(height: 1, slot: 0).encoded), world.payment(0),
        ]
        let untimely = try scheduledHeader.with(slot: 0, time: early).over(closed)
        #expect(try world.verdict(untimely, closed)?.rule == .schedule)
        // The last moment of a slot is still good for payments.
        let last = try world.build([try world.payment(0)], at: early).block
        #expect(last.header.kind == .payment && last.header.slot == 0)
        // K4: slots are neither skipped nor run ahead.
        for slot in [0, 2, UInt64.max] as [Slot] {
            var spoilt = all
            spoilt[0] = Transaction(
                version: 1, kind: .coinbase, inputs: [], outputs: [],
                payload: CoinbasePayload(height: 1, slot: slot).encoded)
            let header = try scheduledHeader.with(slot: slot).over(spoilt)
            #expect(try world.verdict(header, spoilt)?.rule == .schedule, "slot \(slot)")
        }
        // Three slots late, the next block still closes the first of them.
        let late = try world.build([], at: world.state.dueTime(of: 3)).block
        #expect(late.header.slot == 1)
    }

    @Test("B18: a payment block keeps the interval, a scheduled one need not")
    func interval() throws {
        var world = try BlockWorld()
        let (header, transactions) = try payment(world)
        let short = Timestamp(milliseconds: header.time.milliseconds - 1)
        #expect(try world.verdict(header.with(time: short), transactions)?.rule == .paymentInterval)
        let due = world.state.dueTime(of: 1)
        let last = Timestamp(milliseconds: due.milliseconds - 1)
        world.commit(try world.build([try world.payment(0)], at: last))
        let next = try world.build([], at: due)
        #expect(next.block.header.time == due)
        #expect(try world.judge(next.block).change.state == next.change.state)
    }
}
