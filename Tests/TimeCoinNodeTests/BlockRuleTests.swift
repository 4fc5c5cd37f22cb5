import Foundation
import Testing
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

@Suite("Rules of blocks on a chain")
struct BlockRuleTests {
    /// Pays out early, so that coinbases have outputs.
    private func world(allocations: Int = 20) throws -> World {
        try World(weights: [1, 2, 3, 5], allocations: allocations) { parameters in
            parameters.payoutThreshold = Amount(units: parameters.subsidy.units / 4) ?? .maximum
        }
    }

    private func rule(_ block: CheckedBlock, _ world: World) async throws -> BlockRejection.Rule? {
        switch try await world.verifier.judge(block, on: world.state) {
        case .success: nil
        case .failure(let rejection): rejection.rule
        }
    }

    // MARK: - Money

    /// Every way in which one field of a coinbase can be wrong.
    private func wrong(_ coinbase: Transaction, _ world: World) throws -> [Transaction] {
        func with(
            version: UInt16? = nil, outputs: [TransactionOutput]? = nil, lockTime: UInt32? = nil,
            payload: [UInt8]? = nil
        ) -> Transaction {
            Transaction(
                version: version ?? coinbase.version, kind: .coinbase, inputs: [],
                outputs: outputs ?? coinbase.outputs, lockTime: lockTime ?? coinbase.lockTime,
                payload: payload ?? coinbase.payload)
        }
        let own = coinbase.outputs
        let stranger = Script.keyHash(of: world.chain.owner.publicKey)
        let gift = TransactionOutput(value: try #require(Amount(units: 1000)), locking: stranger)
        let (height, slot) = (world.state.height + 1, world.state.slot + 1)
        var found = [
            with(version: 2), with(lockTime: 1), with(outputs: own + [gift]), with(outputs: [gift] + own),
            with(outputs: own + [TransactionOutput(value: .zero, locking: Script([0x6a]))]),
            with(payload: CoinbasePayload(height: height + 1, slot: slot).encoded),
            with(payload: CoinbasePayload(height: height, slot: slot + 1).encoded),
            with(payload: coinbase.payload + [0]), with(payload: []),
        ]
        for (index, output) in own.enumerated() {
            var fewer = own
            fewer.remove(at: index)
            found += [with(outputs: fewer), with(outputs: own + [output])]
            for amount in [
                output.value.units - 1, output.value.units + 1, output.value.units * 2, 546,
            ] {
                var changed = own
                changed[index] = TransactionOutput(
                    value: try #require(Amount(units: amount)), locking: output.locking)
                found.append(with(outputs: changed))
            }
            var stolen = own
            stolen[index] = TransactionOutput(value: output.value, locking: stranger)
            found.append(with(outputs: stolen))
        }
        if own.count > 1 { found.append(with(outputs: own.reversed())) }
        return found
    }

    @Test("S3: every wrong coinbase is refused, and the money adds up at every height", arguments: [1, 2])
    func coinbases(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        var world = try world()
        var tried = 0
        var nextPayment = 0
        for _ in 0..<12 {
            let due = world.state.dueTime(of: world.state.slot + 1)
            let payments = try (0..<Int.random(in: 0...2, using: &generator)).map { _ in
                nextPayment = (nextPayment + 1) % 20
                let fee = UInt64.random(in: 4000...90_000, using: &generator)
                return try world.payment(nextPayment, fee: fee)
            }.filter { (try? world.admission($0)) != nil }
            let block = try #require(try world.build(try payments.map { try world.admission($0) }, at: due))
            let (header, transactions) = (block.block.header, block.block.transactions)
            for coinbase in try wrong(transactions[0].transaction, world) {
                tried += 1
                guard let checked = try? CheckedTransaction(checking: coinbase),
                    let altered = try? world.unchecked([checked] + transactions.dropFirst(), like: header)
                else { continue }
                #expect(try await rule(altered, world) == .coinbase, "seed \(seed): \(coinbase)")
            }
            for list in [
                Array(transactions.dropFirst()), transactions + [transactions[0]],
                [transactions[0]] + transactions, transactions.dropFirst() + [transactions[0]],
            ] where list != transactions {
                #expect(throws: BlockRejection(.coinbase, ""), "seed \(seed)") {
                    try world.unchecked(list, like: header)
                }
            }
            #expect(try await rule(block.block, world) == nil)
            try world.commit(block)
            let supply = world.state.supply
            #expect(
                supply.total
                    == supply.scheduled(slot: world.state.slot, subsidy: world.state.parameters.subsidy))
        }
        #expect(tried > 200, "some coinbases must have outputs")
    }

    @Test("S4: what a coinbase pays can be spent in the next block, and what that pays in the same one")
    func coinbaseIsSpendable() async throws {
        var world = try world()
        var payout: (OutPoint, TransactionOutput)?
        for slot in 1...6 as ClosedRange<UInt64> {
            let block = try #require(try world.build([], at: world.state.dueTime(of: slot)))
            try world.commit(block)
            let coinbase = block.block.transactions[0]
            if let output = coinbase.transaction.outputs.first {
                payout = (OutPoint(transaction: coinbase.txid, index: 0), output)
            }
        }
        let (outPoint, output) = try #require(payout)
        let key = try #require(
            world.chain.members.first { Script.keyHash(of: $0.publicKey) == output.locking })
        func spend(_ outPoint: OutPoint, _ output: TransactionOutput) throws -> CheckedTransaction {
            let rest = try #require(Amount(units: output.value.units - 5000))
            var signing = try TransactionSigning(
                Transaction(
                    inputs: [TransactionInput(previous: outPoint, unlocking: .empty)],
                    outputs: [TransactionOutput(value: rest, locking: output.locking)]),
                spending: [.init(output)], chain: world.state.chain)
            signing.sign(with: [key])
            return try CheckedTransaction(checking: signing.transaction)
        }
        let first = try spend(outPoint, output)
        let second = try spend(
            OutPoint(transaction: first.txid, index: 0), first.transaction.outputs[0])
        let time = world.state.header.time.advanced(byMilliseconds: 10)
        let alone = try #require(try world.build([try world.admission(first)], at: time))
        // The second spends what is in no state yet.
        let block = try world.unchecked([first, second], like: alone.block.header)
        #expect(try await rule(block, world) == .stateRoot, "every rule before the last holds")
        try world.commit(alone)
        let next = try #require(
            try world.build([try world.admission(second)], at: time.advanced(byMilliseconds: 10)))
        #expect(try await rule(next.block, world) == nil)
    }

    // MARK: - Order and size

    @Test("S7: what spends stands behind what it spends; nothing stands twice, not even at the tree's end")
    func order() async throws {
        let world = try world()
        let parent = try world.payment(0)
        let child = try world.payment(after: parent)
        let other = try world.payment(1)
        let time = world.state.header.time.advanced(byMilliseconds: 100)
        let header = try #require(try world.build([try world.admission(parent)], at: time)).block.header
        for (list, expected) in [
            ([parent, child, other], BlockRejection.Rule.stateRoot), ([child, parent, other], .transaction),
            ([other, child, parent], .transaction), ([child], .transaction),
            ([other, parent, child], .stateRoot),
        ] {
            #expect(try await rule(try world.unchecked(list, like: header), world) == expected)
        }
        for list in [
            [parent, parent], [parent, child, other, other], [parent, child, other, child, other],
        ] {
            #expect(throws: BlockRejection(.duplicateTransaction, "")) {
                try world.unchecked(list, like: header)
            }
        }
        let three = BlockRoots(of: [parent, child, other])
        let four = BlockRoots(of: [parent, child, other, other])
        #expect(three.transactions != four.transactions && three.witnesses != four.witnesses)
    }

    /// A payment that carries bytes along.
    private func carrier(_ index: Int, bytes: Int, _ world: World) throws -> CheckedTransaction {
        let allocation = try #require(world.chain.allocation(index))
        let value = allocation.entry.output.value
        let outputs = [
            TransactionOutput(
                value: try #require(Amount(units: value.units - 200_000)),
                locking: .keyHash(of: world.chain.owner.publicKey)),
            TransactionOutput(value: .zero, locking: Script([0x6a] + [UInt8](repeating: 0, count: bytes))),
        ]
        var signing = try TransactionSigning(
            Transaction(
                inputs: [TransactionInput(previous: allocation.outPoint, unlocking: .empty)],
                outputs: outputs), spending: [.init(allocation.entry.output)], chain: world.state.chain)
        signing.sign(with: [world.chain.owner])
        return try CheckedTransaction(checking: signing.transaction)
    }

    @Test("S8: of more than fits a block is built that all accept, and the next ones take the rest")
    func fullBlocks() async throws {
        var world = try world(allocations: 450)
        var waiting = try (0..<450).map { index in
            try world.admission(try carrier(index, bytes: index % 3 == 0 ? 300 : 9500, world))
        }
        let total = waiting.reduce(0) { $0 + $1.verified.spendable.checked.size }
        #expect(total > Block.bytesMax)
        var sizes: [Int] = []
        while !waiting.isEmpty, sizes.count < 5 {
            let time = world.state.header.time.advanced(byMilliseconds: 10)
            let assembly = try world.verifier.build(
                on: world.state, at: time, proposer: world.chain.members[0].publicKey,
                candidates: waiting.map { ($0.verified.spendable.checked, $0.proof) })
            let block = try #require(assembly.block)
            // What does not fit now is not refused: it waits.
            #expect(assembly.refused.isEmpty)
            let size = block.block.encoded.count
            #expect(size <= Block.bytesMax && size == block.block.size)
            #expect(try await rule(try CheckedBlock(decoding: block.block.encoded), world) == nil)
            sizes.append(block.block.size)
            let taken = Set(block.block.transactions.map(\.txid))
            waiting.removeAll { taken.contains($0.verified.spendable.checked.txid) }
            try world.commit(block)
        }
        #expect(waiting.isEmpty && sizes.count == 2, "\(sizes)")
        #expect(Block.bytesMax - sizes[0] < 300, "a block is filled up with what is small")
    }

    @Test("S8: a block is accepted at exactly its largest size, and one byte more is refused")
    func largestBlock() throws {
        let world = try world(allocations: 210)
        let time = world.state.header.time.advanced(byMilliseconds: 10)
        let header = try #require(
            try world.build([try world.admission(try world.payment(209))], at: time)
        ).block.header
        let most = try (0..<206).map { try carrier($0, bytes: 9500, world) }
        let fixed = BlockHeader.byteCount + 1 + 2 + most.reduce(0) { $0 + $1.size }
        let rest = Block.bytesMax - fixed - (try carrier(206, bytes: 1000, world).size - 1000)
        #expect(rest > 300 && rest < 9900)
        for extra in [0, 1] {
            let list = most + [try carrier(206, bytes: rest + extra, world)]
            if extra == 0 {
                let block = try world.unchecked(list, like: header)
                #expect(block.size == Block.bytesMax && block.encoded.count == Block.bytesMax)
                #expect(try CheckedBlock(decoding: block.encoded).hash == block.hash)
            } else {
                #expect(throws: BlockRejection(.oversized, "")) { try world.unchecked(list, like: header) }
            }
        }
    }

    // MARK: - Judging

    @Test("S10: each block of the past has its verdict from the state before it, whatever the state is today")
    func history() async throws {
        var world = try world()
        var parents: [[UInt8]] = []
        var blocks: [CheckedBlock] = []
        for slot in 1...8 as ClosedRange<UInt64> {
            parents.append(world.state.encoded)
            let admission = try world.admission(try world.payment(Int(slot)))
            let block = try #require(try world.build([admission], at: world.state.dueTime(of: slot)))
            blocks.append(block.block)
            try world.commit(block)
        }
        let roots = world.state.roots
        // The same blocks by somebody who has nothing but their bytes, and another set of members today.
        let replay = try self.world()
        var state = replay.state
        for (parent, block) in zip(parents, blocks) {
            #expect(state.encoded == parent)
            let verifier = BlockVerifier(store: replay.store, chain: state.chain, proofs: ProofCache())
            let before = try ChainState(decoding: parent)
            let executed = try await verifier.judge(CheckedBlock(decoding: block.encoded), on: before).get()
            try replay.store.commit([
                BlockCommit(executed.block, change: executed.change, certificate: [])
            ])
            state = executed.change.state
            // On any other state it is refused, today's among them.
            let verdict = try await world.verifier.judge(block, on: world.state)
            #expect(throws: BlockRejection(.height, "")) { try verdict.get() }
        }
        #expect(state.roots == roots)
    }

    @Test("S11: 10,000 proposals are judged, and not a byte of the database is another")
    func judgingWritesNothing() async throws {
        let path = NSTemporaryDirectory() + "timecoin-judged.\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let world = try world(allocations: 10)
        let genesis = world.chain.genesis
        let store = try ChainStore(opening: path, chain: genesis.hash)
        try store.commit([BlockCommit(genesis.block, change: genesis.change, certificate: [])])
        func bytes() throws -> Data {
            let name = try #require(
                try FileManager.default.contentsOfDirectory(atPath: path).first { $0.hasPrefix("data") })
            return try Data(contentsOf: URL(fileURLWithPath: path).appending(path: name))
        }
        let verifier = BlockVerifier(store: store, chain: genesis.hash, proofs: ProofCache())
        let good = try #require(
            try world.build([try world.admission(try world.payment(0))], at: world.state.dueTime(of: 1)))
        let list = good.block.transactions
        let proposals = [
            good.block,
            try world.unchecked(list, like: good.block.header, stateRoot: .zero),
            try world.unchecked([list[0], try world.payment(1)], like: good.block.header),
            try world.unchecked([list[0]], like: good.block.header),
            try world.unchecked(
                [list[0], list[1], try world.payment(0, fee: 6000)], like: good.block.header),
        ]
        let before = try bytes()
        let state = try store.snapshot { try $0.state() }
        var accepted = 0
        for number in 0..<10_000 {
            let verdict = try await verifier.judge(proposals[number % proposals.count], on: world.state)
            if case .success(let block) = verdict {
                accepted += 1
                #expect(block.change.state == good.change.state)
            }
        }
        #expect(accepted == 2000)
        #expect(try bytes() == before)
        #expect(try store.snapshot { try $0.state() } == state)
    }

    @Test("parallel equals serial: the same verdict and the same first error", arguments: [1, 2, 3])
    func parallelEqualsSerial(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let world = try World(allocations: 200)
        let payments = try (0..<200).map { try world.payment($0) }
        let time = world.state.header.time.advanced(byMilliseconds: 100)
        let header = try #require(try world.build([try world.admission(payments[0])], at: time)).block.header
        for round in 0..<8 {
            var list = payments.shuffled(using: &generator)
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                let place = list.indices.randomElement(using: &generator) ?? 0
                let transaction = list[place].transaction
                var unlocking = transaction.inputs[0].unlocking.bytes
                unlocking[Int.random(in: 1..<60, using: &generator)] ^= 0x40
                list[place] = try CheckedTransaction(
                    checking: Transaction(
                        inputs: [
                            TransactionInput(
                                previous: transaction.inputs[0].previous, unlocking: Script(unlocking))
                        ], outputs: transaction.outputs))
            }
            let block = try world.unchecked(list, like: header)
            var expected = ""
            do {
                let prepared = try world.store.snapshot {
                    try PreparedBlock(block, on: world.state, outputs: $0)
                }
                var proofs: [ScriptProof] = []
                for spendable in prepared.transactions {
                    do {
                        proofs.append(try ScriptProof(verifying: spendable, chain: world.state.chain))
                    } catch {
                        throw BlockRejection(.transaction, "\(spendable.checked.txid): \(error)")
                    }
                }
                _ = try world.store.snapshot {
                    try ExecutedBlock(prepared, proofs: proofs, commitment: $0)
                }
            } catch let rejection as BlockRejection {
                expected = rejection.description
            }
            for _ in 0..<3 {
                let verdict = try await world.verifier.judge(block, on: world.state)
                guard case .failure(let rejection) = verdict else {
                    Issue.record("seed \(seed), \(round): accepted")
                    continue
                }
                #expect(rejection.description == expected, "seed \(seed), \(round)")
            }
        }
    }
}
