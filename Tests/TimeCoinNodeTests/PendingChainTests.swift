import Testing
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinCore
@testable import TimeCoinNode

@Suite("Blocks judged before the ones under them are written")
struct PendingChainTests {
    /// Blocks of payments of which some spend the genesis, some the block before; the same chain every time.
    private func blocks(_ world: World, count: Int, each: Int) throws -> [ExecutedBlock] {
        var world = world
        var blocks: [ExecutedBlock] = []
        var earlier: [CheckedTransaction] = []
        for number in 0..<count {
            let fresh = try (0..<each).map { try world.payment(number * each + $0) }
            let payments = fresh + (try earlier.map { try world.payment(after: $0) })
            let time = world.state.header.time.advanced(byMilliseconds: number == 2 ? 6000 : 1000)
            let built = try #require(try world.build(try payments.map(world.admission), at: time))
            try world.commit(built)
            blocks.append(built)
            earlier = Array(fresh.prefix(each / 2))
        }
        return blocks
    }

    @Test("every verdict, state root and record is that of blocks written one by one")
    func equality() async throws {
        let made = try blocks(try World(allocations: 40), count: 5, each: 8)
        let oneByOne = try World(allocations: 40)
        let together = try World(allocations: 40)
        var pending = PendingChain()
        var state = together.state
        for block in made {
            let checked = try CheckedBlock(decoding: block.block.encoded)
            let executed = try await together.verifier.judge(checked, on: state, after: pending).get()
            #expect(executed.change.state == block.change.state)
            #expect(executed.change.created.map(\.outPoint) == block.change.created.map(\.outPoint))
            #expect(executed.change.spent.map(\.entry) == block.change.spent.map(\.entry))
            #expect(executed.change.nodes.map(\.key) == block.change.nodes.map(\.key))
            #expect(executed.change.chunks.map(\.chunk) == block.change.chunks.map(\.chunk))
            let appended = pending.append(executed, certificate: [1])
            #expect(appended)
            state = executed.change.state
            try oneByOne.store.commit([
                BlockCommit(block.block, change: block.change, certificate: [1])
            ])
        }
        try together.store.commit(pending.commits)
        let tips = try [together.store, oneByOne.store].map { store in try store.snapshot { try $0.tip() } }
        let states = try [together.store, oneByOne.store].map { store in try store.snapshot { try $0.state() }
        }
        #expect(tips[0] == tips[1])
        #expect(states[0] == states[1])
        for block in made {
            for (outPoint, _) in block.change.created + block.change.spent {
                let entries = try [together.store, oneByOne.store].map { store in
                    try store.snapshot { try $0.output(outPoint) }
                }
                #expect(entries[0] == entries[1])
            }
        }
    }

    @Test("what a pending block spent is gone, what it created is there, written or not")
    func visibility() async throws {
        let world = try World(allocations: 4)
        let payment = try world.payment(0)
        let time = world.state.header.time.advanced(byMilliseconds: 1000)
        let block = try #require(try world.build([try world.admission(payment)], at: time))
        var pending = PendingChain()
        let appended = pending.append(block, certificate: [])
        #expect(appended)
        let input = payment.transaction.inputs[0].previous
        for written in [false, true] {
            if written { try world.store.commit(pending.commits) }
            try world.store.snapshot { reader throws in
                let view = pending.over(reader)
                #expect(try view.output(input) == nil)
                #expect(
                    try view.output(OutPoint(transaction: payment.txid, index: 1))
                        == block.change.created.last?.entry)
                for (index, chunk) in block.change.chunks { #expect(try view.chunk(index) == chunk) }
                for (key, hash) in block.change.nodes { #expect(try view.node(key) == hash) }
            }
        }
        // The same payment again spends what is gone, although the store still has it.
        let fresh = try World(allocations: 4)
        let again = try fresh.unchecked([payment], like: block.block.header)
        let header = again.header
        let next = try CheckedBlock(
            header: BlockHeader(
                version: header.version, kind: header.kind, height: 2, slot: header.slot,
                previous: block.block.hash, time: header.time.advanced(byMilliseconds: 1000),
                transactionRoot: header.transactionRoot, witnessRoot: header.witnessRoot,
                stateRoot: header.stateRoot, validators: header.validators,
                nextValidators: header.nextValidators, evidenceRoot: header.evidenceRoot,
                attestationRoot: header.attestationRoot, proposer: header.proposer),
            transactions: again.transactions)
        let verdict = try await fresh.verifier.judge(next, on: block.change.state, after: pending)
        guard case .failure(let rejection) = verdict else {
            Issue.record("a spent output was spent again")
            return
        }
        #expect(rejection.rule == .transaction)
    }

    @Test("a block that does not follow is not taken, and sixteen are enough")
    func limits() throws {
        let made = try blocks(try World(allocations: 34), count: 17, each: 2)
        var pending = PendingChain()
        #expect(pending.isEmpty)
        for block in made.prefix(16) {
            #expect(!pending.isFull)
            let appended = pending.append(block, certificate: [])
            #expect(appended)
        }
        #expect(pending.isFull)
        #expect(pending.commits.count == PendingChain.blocksMax)
        var other = PendingChain()
        let first = other.append(made[0], certificate: [])
        let gap = other.append(made[2], certificate: [])
        #expect(first && !gap)
        #expect(other.commits.count == 1)
        #expect(other.state == made[0].change.state)
    }

    /// A block that seems to create so many outputs by one transaction, with gaps between their indexes, and
    /// one output by a transaction before and after it.
    private func wide(_ world: World, _ identifiers: [Hash256], outputs: Int) throws -> ExecutedBlock {
        let real = try #require(try world.build([], at: world.state.dueTime(of: 1)))
        var created: [(outPoint: OutPoint, entry: OutputEntry)] = []
        for (identifier, count) in zip(identifiers, [1, outputs, 1]) {
            for number in 0..<UInt32(count) {
                let output = TransactionOutput(value: .zero, locking: .empty)
                // Far from what any block has spent.
                let position = 1 << 40 + UInt64(created.count)
                created.append(
                    (
                        OutPoint(transaction: identifier, index: 3 * number + 1),
                        OutputEntry(
                            output: output, height: 1, slot: 1, time: real.block.header.time, kind: .transfer,
                            position: position)
                    ))
            }
        }
        let change = StateChange(
            state: real.change.state, created: created, spent: [], nodes: real.change.nodes,
            chunks: real.change.chunks)
        return ExecutedBlock(block: real.block, change: change)
    }

    @Test("of many outputs of one pending transaction each is found, and no other")
    func wideTransaction() throws {
        let world = try World(allocations: 4)
        let identifiers = (0..<3 as Range<UInt8>).map { Blake2b.hash256(.block, [$0]) }
        let count = 20_000
        let block = try wide(world, identifiers, outputs: count)
        var pending = PendingChain()
        let appended = pending.append(block, certificate: [])
        #expect(appended)
        try world.store.snapshot { reader throws in
            let view = pending.over(reader)
            for (outPoint, entry) in block.change.created {
                guard try view.output(outPoint) == entry else {
                    Issue.record("\(outPoint) is not found")
                    return
                }
            }
            let last = UInt32(3 * count - 2)
            for index in [0, 2, 3, last - 1, last + 1, .max] {
                #expect(try view.output(OutPoint(transaction: identifiers[1], index: index)) == nil)
            }
        }
    }
}
