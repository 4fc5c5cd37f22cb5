import Testing
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

@Suite("Blocks on a chain")
struct ChainTests {
    @Test("S3: minted, accrued and burned add up to the schedule at every height")
    func money() async throws {
        var world = try World()
        for slot in 1...12 as ClosedRange<UInt64> {
            let due = world.state.dueTime(of: slot)
            let scheduled = try #require(try world.build([], at: due))
            #expect(scheduled.block.header.kind == .scheduled)
            try world.commit(scheduled)
            let admission = try world.admission(try world.payment(Int(slot)))
            let payment = try #require(try world.build([admission], at: due.advanced(byMilliseconds: 100)))
            #expect(payment.block.header.kind == .payment && payment.block.header.slot == slot)
            try world.commit(payment)
            let supply = world.state.supply
            #expect(supply.total == supply.scheduled(slot: slot, subsidy: world.state.parameters.subsidy))
            #expect(supply.burned.units == slot * 1000)
        }
        // Whoever starts from the stored bytes alone comes to the same state.
        let stored = try #require(try world.store.snapshot { try $0.state() })
        #expect(try ChainState(decoding: stored).roots == world.state.roots)
    }

    @Test("K19, S11: a built block passes its own judgement, and judging changes nothing")
    func judged() async throws {
        let world = try World()
        let admission = try world.admission(try world.payment(0))
        let block = try #require(try world.build([admission], at: world.state.dueTime(of: 1)))
        let before = try world.store.snapshot { try $0.state() }
        let verifier = world.verifier
        // The second time the scripts' proofs are known.
        for _ in 0..<2 {
            let judged = try await verifier.judge(block.block, on: world.state).get()
            #expect(judged.change.state == block.change.state)
        }
        #expect(try world.store.snapshot { try $0.state() } == before)
    }

    @Test("S3, S8: each altered header field is refused by its own rule")
    func alteredHeaders() async throws {
        let world = try World()
        let block = try #require(try world.build([], at: world.state.dueTime(of: 1)))
        let good = block.block.header
        func header(
            kind: BlockKind? = nil, height: Height? = nil, slot: Slot? = nil, previous: Hash256? = nil,
            time: Timestamp? = nil, stateRoot: Hash256? = nil, validators: Hash256? = nil,
            proposer: PublicKey? = nil
        ) -> BlockHeader {
            BlockHeader(
                kind: kind ?? good.kind, height: height ?? good.height, slot: slot ?? good.slot,
                previous: previous ?? good.previous, time: time ?? good.time,
                transactionRoot: good.transactionRoot,
                witnessRoot: good.witnessRoot, stateRoot: stateRoot ?? good.stateRoot,
                validators: validators ?? good.validators, nextValidators: good.nextValidators,
                evidenceRoot: good.evidenceRoot, attestationRoot: good.attestationRoot,
                proposer: proposer ?? good.proposer)
        }
        let cases: [(BlockHeader, BlockRejection.Rule)] = [
            (header(previous: .zero), .previous),
            (header(time: world.state.header.time), .time),
            (header(time: Timestamp(milliseconds: good.time.milliseconds - 1)), .schedule),
            (header(stateRoot: .zero), .stateRoot),
            (header(validators: .zero), .validators),
            (header(proposer: world.chain.owner.publicKey), .proposer),
        ]
        for (header, rule) in cases {
            let altered = try CheckedBlock(header: header, transactions: block.block.transactions)
            let verdict = try await world.verifier.judge(altered, on: world.state)
            #expect(throws: BlockRejection(rule, "")) { try verdict.get() }
        }
        #expect(throws: BlockRejection(.coinbase, "")) {
            try CheckedBlock(header: header(height: 2), transactions: block.block.transactions)
        }
        #expect(throws: BlockRejection(.transactionRoot, "")) {
            try CheckedBlock(
                header: good, transactions: block.block.transactions + [try world.payment(0)])
        }
    }

    @Test("S8: of several bad scripts the first in order is reported, whatever finishes first")
    func sameFirstError() async throws {
        let world = try World(allocations: 300)
        let payments = try (0..<300).map { try world.payment($0) }
        // Unsigned ones far apart: other tasks find them in any order.
        let bad = [131, 132, 299]
        let mixed = try payments.enumerated().map { index, checked -> CheckedTransaction in
            guard bad.contains(index) else { return checked }
            let transaction = checked.transaction
            return try CheckedTransaction(
                checking: Transaction(
                    inputs: transaction.inputs.map {
                        TransactionInput(previous: $0.previous, unlocking: .empty)
                    }, outputs: transaction.outputs))
        }
        let time = world.state.header.time.advanced(byMilliseconds: 100)
        let good = try #require(
            try world.build(try payments.prefix(1).map { try world.admission($0) }, at: time))
        let roots = BlockRoots(of: mixed)
        let draft = good.block.header
        let header = BlockHeader(
            kind: draft.kind, height: draft.height, slot: draft.slot, previous: draft.previous,
            time: draft.time,
            transactionRoot: roots.transactions, witnessRoot: roots.witnesses, stateRoot: draft.stateRoot,
            validators: draft.validators, nextValidators: draft.nextValidators,
            evidenceRoot: draft.evidenceRoot, attestationRoot: draft.attestationRoot, proposer: draft.proposer
        )
        let block = try CheckedBlock(header: header, transactions: mixed)
        for _ in 0..<20 {
            guard case .failure(let rejection) = try await world.verifier.judge(block, on: world.state) else {
                Issue.record("unsigned payments were accepted")
                return
            }
            #expect(rejection.rule == .transaction)
            #expect(rejection.detail.hasPrefix("\(mixed[131].txid)"), "\(rejection)")
        }
    }
}
