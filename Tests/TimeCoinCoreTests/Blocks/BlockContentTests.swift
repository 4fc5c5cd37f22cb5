import Testing

@testable import TimeCoinCore

@Suite("Rules of what a block holds")
struct BlockContentTests {
    private func build(_ world: BlockWorld) throws -> (header: BlockHeader, transactions: [Transaction]) {
        let block = try world.build(
            [try world.payment(0), try world.payment(1)], at: world.state.dueTime(of: 1)
        ).block
        return (block.header, block.transactions.map(\.transaction))
    }

    private func rule(_ bytes: [UInt8]) -> BlockRejection.Rule? {
        do throws(BlockRejection) {
            _ = try CheckedBlock(decoding: bytes)
            return nil
        } catch {
            return error.rule
        }
    }

    @Test("B1: one canonical encoding, nothing behind it, both last sections empty")
    func malformed() throws {
        let (header, transactions) = try build(try BlockWorld())
        let bytes = Block(header: header, transactions: transactions).encoded
        #expect(rule(bytes) == nil)
        for length in stride(from: 0, to: bytes.count, by: 7) {
            #expect(rule(Array(bytes.prefix(length))) == .malformed)
        }
        #expect(rule(bytes + [0]) == .malformed)
        for last in [1, 2] {
            var changed = bytes
            changed[bytes.count - last] = 1
            #expect(rule(changed) == .malformed)
        }
        var kind = bytes
        kind[2] = 2
        #expect(rule(kind) == .malformed)
        // The count of transactions in a longer form.
        var longer = bytes
        longer.replaceSubrange(315..<316, with: [0xfd, bytes[315], 0])
        #expect(rule(longer) == .malformed)
        #expect(rule(bytes + [UInt8](repeating: 0, count: Block.bytesMax)) == .malformed)
    }

    @Test("B2: a transaction that breaks a rule of its own is named by its place")
    func badTransaction() throws {
        var (header, transactions) = try build(try BlockWorld())
        let good = transactions[2]
        transactions[2] = Transaction(version: 3, inputs: good.inputs, outputs: good.outputs)
        let bytes = Block(header: header, transactions: transactions).encoded
        header = header.with(version: 1)
        do {
            _ = try CheckedBlock(decoding: bytes)
            Issue.record("a transaction of version 3 was taken")
        } catch {
            #expect(error.rule == .transaction)
            #expect(error.detail.contains("transaction 2: unknown-version"))
        }
    }

    @Test("B3, S8: the size of a block put together is its encoding's, exact to the byte")
    func size() throws {
        let (header, transactions) = try build(try BlockWorld())
        let block = try CheckedBlock(
            header: header, transactions: try transactions.map { try CheckedTransaction(checking: $0) })
        #expect(block.size == block.encoded.count)
        let script = Script([Opcode.return.rawValue] + [UInt8](repeating: 0, count: Script.bytesMax - 1))
        let wide = TransactionOutput(value: .zero, locking: script)
        let big = try (0..<3).map { number in
            try CheckedTransaction(
                checking: Transaction(
                    inputs: [
                        TransactionInput(
                            previous: OutPoint(transaction: .zero, index: UInt32(number)), unlocking: .empty)
                    ], outputs: Array(repeating: wide, count: number == 2 ? 2 : 99)))
        }
        func rule(_ transactions: [CheckedTransaction]) -> BlockRejection.Rule? {
            do throws(BlockRejection) {
                let roots = BlockRoots(of: transactions)
                _ = try CheckedBlock(
                    header: header.with(
                        kind: .payment, transactionRoot: roots.transactions, witnessRoot: roots.witnesses),
                    transactions: transactions)
                return nil
            } catch {
                return error.rule
            }
        }
        #expect(rule(Array(big.prefix(2))) == nil)
        #expect(rule(big) == .oversized)
        // Filled up by one data carrier to exactly the limit, and one byte past it.
        let carrier = 8 + 3 + Script.bytesMax
        let left = Block.bytesMax - BlockHeader.byteCount - 3 - big[0].size - big[1].size - carrier
        for (excess, expected) in [(0, nil), (1, .oversized)] as [(Int, BlockRejection.Rule?)] {
            let overhead = 4 + 1 + 41 + 1 + 8 + 3 + 4
            let zeros = [UInt8](repeating: 0, count: left - overhead - 1 + excess)
            let filling = [Opcode.return.rawValue] + zeros
            try #require(filling.count <= Script.bytesMax && filling.count > 252)
            let last = try CheckedTransaction(
                checking: Transaction(
                    inputs: [
                        TransactionInput(
                            previous: OutPoint(transaction: .zero, index: 9), unlocking: .empty)
                    ], outputs: [wide, TransactionOutput(value: .zero, locking: Script(filling))]))
            let sizes = big[0].size + big[1].size + last.size
            try #require(BlockHeader.byteCount + 1 + sizes + 2 == Block.bytesMax + excess)
            #expect(rule([big[0], big[1], last]) == expected)
        }
    }

    @Test("B5 to B9: the coinbase stands where it must, and nothing stands twice")
    func shape() throws {
        let world = try BlockWorld()
        let (header, all) = try build(world)
        let coinbase = all[0]
        let twin = Transaction(
            inputs: all[1].inputs.map { TransactionInput(previous: $0.previous, unlocking: .empty) },
            outputs: all[1].outputs)
        let otherCoinbase = Transaction(
            version: 1, kind: .coinbase, inputs: [], outputs: [],
            payload: CoinbasePayload(height: 1, slot: 2).encoded)
        let cases: [(BlockKind, [Transaction], BlockRejection.Rule)] = [
            (.scheduled, [], .coinbase), (.scheduled, [all[1]], .coinbase),
            (.scheduled, [all[1], coinbase], .coinbase), (.scheduled, [otherCoinbase, all[1]], .coinbase),
            (.scheduled, [coinbase, coinbase], .coinbase),
            (.scheduled, [coinbase, otherCoinbase], .coinbase), (.payment, [], .emptyPayment),
            (.payment, [coinbase], .coinbase), (.payment, [all[1], coinbase], .coinbase),
            (.scheduled, [coinbase, all[1], all[1]], .duplicateTransaction),
            (.scheduled, [coinbase, all[1], twin], .duplicateTransaction),
        ]
        for (kind, transactions, rule) in cases {
            let spoilt = try header.with(kind: kind).over(transactions)
            #expect(try world.verdict(spoilt, transactions)?.rule == rule)
        }
    }

    @Test("B10, B11, S7: another order, or a payment left out or added, is another root")
    func roots() throws {
        let world = try BlockWorld()
        let (header, all) = try build(world)
        let third = try world.payment(2)
        for transactions in [[all[0], all[2], all[1]], [all[0], all[1]], all + [third]] {
            #expect(try world.verdict(header, transactions)?.rule == .transactionRoot)
        }
        // Other signatures leave the identifiers as they are.
        var resigned = all
        resigned[1] = Transaction(
            inputs: all[1].inputs.map { TransactionInput(previous: $0.previous, unlocking: .empty) },
            outputs: all[1].outputs)
        #expect(try world.verdict(header, resigned)?.rule == .witnessRoot)
    }

    @Test("B22, S7: what a payment spends comes before it, and is spent once")
    func order() throws {
        let world = try BlockWorld()
        let (header, all) = try build(world)
        let parent = all[1]
        let output = OutputEntry(
            output: parent.outputs[0], height: 1, slot: 1, time: world.state.header.time, kind: .transfer,
            position: 0)
        let child = try world.payment(of: (OutPoint(transaction: parent.txid, index: 0), output))
        let good = [all[0], parent, child]
        // Only the state root is not that of the block it was taken from.
        #expect(try world.verdict(try header.over(good), good)?.rule == .stateRoot)
        let cases: [([Transaction], String)] = [
            ([all[0], child, parent], "missing-input"),
            ([all[0], parent, try world.payment(of: world.allocation(0), fee: 20_000)], "spent-input"),
            (
                [
                    all[0], parent, child,
                    try world.payment(
                        of: (OutPoint(transaction: parent.txid, index: 0), output), fee: 20_000),
                ], "spent-input"
            ),
            (
                [all[0], try world.payment(of: (OutPoint(transaction: all[0].txid, index: 0), output))],
                "missing-input"
            ),
        ]
        for (transactions, reason) in cases {
            let rejection = try world.verdict(try header.over(transactions), transactions)
            #expect(rejection?.rule == .transaction)
            #expect(rejection?.detail.contains(reason) == true, "\(String(describing: rejection))")
        }
    }

    @Test("B23: every script of every payment runs")
    func scripts() throws {
        let world = try BlockWorld()
        let (header, all) = try build(world)
        var spoilt = all
        spoilt[2] = Transaction(
            inputs: all[2].inputs.map { TransactionInput(previous: $0.previous, unlocking: .empty) },
            outputs: all[2].outputs)
        let rejection = try world.verdict(try header.over(spoilt), spoilt)
        #expect(rejection?.rule == .transaction && rejection?.detail.contains("script") == true)
        // A proof of another transaction, or one too few, proves nothing.
        let checked = try all.map { try CheckedTransaction(checking: $0) }
        let prepared = try PreparedBlock(
            try CheckedBlock(header: header, transactions: checked), on: world.state, outputs: world.kept)
        let proofs = try prepared.transactions.map {
            try ScriptProof(verifying: $0, chain: world.genesis.hash)
        }
        for wrong in [[], [proofs[0]], [proofs[1], proofs[0]], proofs + [proofs[0]]] {
            #expect(throws: BlockRejection(.transaction, "")) {
                try ExecutedBlock(prepared, proofs: wrong, commitment: world.kept)
            }
        }
    }

    @Test("B24: signature checks of a block end at 20,000")
    func work() throws {
        // 180 checks that cost nothing: nine times no signature of twenty keys.
        let keys = Array(repeating: "0", count: 20).joined(separator: " ")
        let nine = Array(repeating: "0 \(keys) 0x01 0x14 CHECKMULTISIGVERIFY", count: 9)
        let locking = try ScriptText.assemble("\(nine.joined(separator: " ")) 1")
        let world = try BlockWorld(extra: 132, locking: locking)
        let heavy = try (0..<6).map { number in
            Transaction(
                inputs: (0..<22).map {
                    TransactionInput(
                        previous: world.allocation(10 + number * 22 + $0).outPoint, unlocking: .empty)
                },
                outputs: [
                    TransactionOutput(
                        value: try #require(Amount(units: Amount.unitsPerTime)),
                        locking: .keyHash(of: world.owner.publicKey))
                ])
        }
        let time = world.state.dueTime(of: 1)
        let fitting = try world.build(Array(heavy.prefix(5)), at: time)
        #expect(try world.judge(fitting.block).change.state == fitting.change.state)
        let all = fitting.block.transactions.map(\.transaction) + [heavy[5]]
        #expect(try world.verdict(try fitting.block.header.over(all), all)?.rule == .work)
        // Who assembles leaves out what no longer fits.
        #expect(try world.build(heavy, at: time).block.transactions.count == 6)
    }

    @Test("B24: bytes hashed by the scripts of a block end at 128,000,000")
    func hashing() throws {
        // Three inputs of 66 × 520 bytes hash 102,960; 1,243 such payments stay below the bound.
        let locking = Script(
            [0x4d, 0x08, 0x02] + [UInt8](repeating: 7, count: Script.pushBytesMax)
                + (0..<66).flatMap { _ in
                    [Opcode.duplicate.rawValue, Opcode.sha256.rawValue, Opcode.drop.rawValue]
                })
        let world = try BlockWorld()
        let value = try #require(Amount(units: Amount.unitsPerTime))
        let entry = OutputEntry(
            output: TransactionOutput(value: value, locking: locking), height: 0, slot: 0,
            time: world.state.header.time, kind: .transfer, position: 0)
        let all = try (0..<1244).map { number in
            let name = Blake2b.hash256(.block, [UInt8(number >> 8), UInt8(number & 0xff)])
            let inputs = (0..<3 as Range<UInt32>).map {
                TransactionInput(previous: OutPoint(transaction: name, index: $0), unlocking: .empty)
            }
            for input in inputs { world.kept.insert(entry, at: input.previous) }
            return try CheckedTransaction(
                checking: Transaction(
                    inputs: inputs, outputs: [TransactionOutput(value: value, locking: Script([0x51]))]))
        }
        let time = world.state.header.time.advanced(byMilliseconds: BlockWorld.intervalMilliseconds)
        let draft = try world.build([try world.payment(0)], at: time).block.header
        func prepared(_ transactions: ArraySlice<CheckedTransaction>) throws -> PreparedBlock {
            let roots = BlockRoots(of: Array(transactions))
            let header = draft.with(transactionRoot: roots.transactions, witnessRoot: roots.witnesses)
            return try PreparedBlock(
                try CheckedBlock(header: header, transactions: Array(transactions)), on: world.state,
                outputs: world.kept)
        }
        let whole = try prepared(all[...])
        let proofs = try whole.transactions.map {
            try ScriptProof(verifying: $0, chain: world.genesis.hash)
        }
        #expect(proofs.allSatisfy { $0.work.hashedBytes == 102_960 })
        #expect(throws: BlockRejection(.work, "")) {
            try ExecutedBlock(whole, proofs: proofs, commitment: world.kept)
        }
        // Within the bound the next thing to be missed is the place of such outputs in the commitment.
        let within = try prepared(all.dropLast())
        #expect(throws: CommitmentFailure.self) {
            try ExecutedBlock(within, proofs: Array(proofs.dropLast()), commitment: world.kept)
        }
    }

    @Test("B25: money that the schedule does not know is refused, whatever the state root says")
    func supply() throws {
        let world = try BlockWorld()
        let state = world.state
        for (unspent, burned) in [(1, 0), (0, 1)] as [(UInt64, UInt64)] {
            var supply = state.supply
            supply.unspent = try #require(Amount(units: supply.unspent.units + unspent))
            supply.burned = try #require(Amount(units: supply.burned.units + burned))
            let richer = ChainState(
                header: state.header, headerHash: state.headerHash, chain: state.chain,
                genesisTime: state.genesisTime, commitment: state.commitment, outputCount: state.outputCount,
                registry: state.registry, accruals: state.accruals, supply: supply, seed: state.seed,
                parameters: state.parameters, recovery: nil)
            let block = try world.build([], at: state.dueTime(of: 1)).block
            #expect(throws: BlockRejection(.supply, "")) { try world.judge(block, on: richer) }
        }
    }
}
