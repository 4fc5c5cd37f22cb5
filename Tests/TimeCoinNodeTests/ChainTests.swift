import Testing
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

/// A chain in memory that grows by assembled and judged blocks.
private struct World {
    let chain: TestChain
    let store: MemoryChainStore
    var state: ChainState

    init(weights: [UInt64] = [1, 1, 1, 1], allocations: Int = 20) throws {
        chain = try #require(
            TestChain(
                weights: weights, allocations: allocations,
                parameters: .local(slotMilliseconds: 5000, paymentIntervalMilliseconds: 0)))
        store = MemoryChainStore(chain: chain.genesis.hash)
        try store.commit([BlockCommit(chain.genesis.block, change: chain.genesis.change, certificate: [])])
        state = chain.genesis.state
    }

    var judge: Judge { Judge(store: store, chain: chain.genesis.hash) }

    func payment(_ index: Int, fee: UInt64 = 5000) throws -> CheckedTransaction {
        let allocation = try #require(chain.allocation(index))
        let amount = try #require(Amount(decimal: "2.5"))
        let fee = try #require(Amount(units: fee))
        let transaction = try #require(
            chain.payment(
                of: allocation.outPoint, worth: allocation.entry.output.value, paying: amount,
                to: chain.members[1].publicKey, fee: fee))
        return try CheckedTransaction(checking: transaction)
    }

    func admission(_ checked: CheckedTransaction) throws -> Admission {
        let entries = try store.snapshot { reader in
            try checked.transaction.inputs.compactMap { try reader.output($0.previous) }
        }
        let spendable = try SpendableTransaction(
            checked, spending: entries,
            in: SpendingContext(
                slot: state.slot, parentTime: state.header.time, growthPrice: state.growthPrice))
        let proof = try ScriptProof(verifying: spendable, chain: chain.genesis.hash)
        let verified = try #require(VerifiedTransaction(spendable, proof: proof))
        return Admission(verified: verified, proof: proof, height: state.height)
    }

    func build(_ admissions: [Admission], at time: Timestamp) throws -> ExecutedBlock? {
        try judge.build(
            on: state, at: time, proposer: chain.members[0].publicKey,
            candidates: admissions.map { ($0.verified.spendable.checked, $0.proof) }
        ).block
    }

    mutating func commit(_ block: ExecutedBlock) throws {
        try store.commit([BlockCommit(block.block, change: block.change, certificate: [])])
        state = block.change.state
    }
}

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
        for known in [[:], [admission.proof.wtxid: admission.proof]] {
            let judged = try await world.judge.judge(block.block, on: world.state, known: known).get()
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
            let verdict = try await world.judge.judge(altered, on: world.state, known: [:])
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
}

@Suite("Mempool")
struct MempoolTests {
    private let now = Instant(milliseconds: 1)

    @Test("the first of two that spend one output stays; the same again is known")
    func conflicts() throws {
        let world = try World()
        var mempool = Mempool()
        let first = try world.admission(try world.payment(0))
        let second = try world.admission(try world.payment(0, fee: 90_000))
        _ = try mempool.admit(first.verified, proof: first.proof, at: now)
        let txid = first.verified.spendable.checked.txid
        #expect(throws: MempoolRejection.alreadyWaiting(txid)) {
            try mempool.precheck(first.verified.spendable.checked)
        }
        let outPoint = second.verified.spendable.checked.transaction.inputs[0].previous
        #expect(throws: MempoolRejection.conflict(outPoint, with: txid)) {
            try mempool.precheck(second.verified.spendable.checked)
        }
    }

    @Test("S5: a pool that is empty again holds nothing back")
    func emptiesWhole() throws {
        var world = try World()
        var mempool = Mempool()
        let admissions = try (0..<5).map { try world.admission(try world.payment($0)) }
        for admission in admissions {
            _ = try mempool.admit(admission.verified, proof: admission.proof, at: now)
        }
        let block = try #require(try world.build(admissions, at: world.state.dueTime(of: 1)))
        try world.commit(block)
        #expect(mempool.settle(block.block).isEmpty)
        #expect(mempool.isEmpty && mempool.memoryBytes == 0 && mempool.encodedBytes == 0)
        for admission in admissions {
            #expect(
                mempool.spender(of: admission.verified.spendable.checked.transaction.inputs[0].previous)
                    == nil)
        }
    }

    @Test("full: the worst payer goes for a better one, and the worst newcomer is refused")
    func eviction() throws {
        let world = try World()
        var limits = Mempool.Limits()
        limits.transactionsMax = 3
        var mempool = Mempool(limits: limits)
        let admissions = try [5000, 9000, 7000, 6000, 4900].enumerated().map {
            try world.admission(try world.payment($0.offset, fee: UInt64($0.element)))
        }
        for admission in admissions.prefix(3) {
            _ = try mempool.admit(admission.verified, proof: admission.proof, at: now)
        }
        let evicted = try mempool.admit(admissions[3].verified, proof: admissions[3].proof, at: now)
        #expect(evicted == [admissions[0].verified.spendable.checked.txid])
        #expect(throws: MempoolRejection.full) {
            var copy = mempool
            _ = try copy.admit(admissions[4].verified, proof: admissions[4].proof, at: now)
        }
        let fees = mempool.candidates().compactMap { mempool.entry($0.transaction.txid)?.fee.units }
        #expect(fees == fees.sorted(by: >))
    }
}
