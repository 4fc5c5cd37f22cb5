import Testing
import TimeCoinControl
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinCore
@testable import TimeCoinNode

/// A chain whose blocks have certificates, with every output it ever created.
private struct CertifiedWorld {
    var world: World
    /// Unspent or not, as the chain's own changes name them.
    private(set) var created: [OutPoint: OutputEntry] = [:]
    private(set) var spent: Set<OutPoint> = []

    init() throws {
        world = try World()
        for (outPoint, entry) in world.chain.genesis.change.created { created[outPoint] = entry }
    }

    var anchor: TrustAnchor {
        TrustAnchor(chain: world.state.votingChain, validators: world.state.validators.hash)
    }

    /// A block of payments that may spend each other's outputs.
    mutating func extend(_ payments: [CheckedTransaction]) throws {
        let time = world.state.dueTime(of: world.state.slot + 1)
        let unspent = created
        let candidates = try payments.map { checked in
            let entries = try checked.transaction.inputs.map { input in
                let earlier = payments.first { $0.txid == input.previous.transaction }
                let output = earlier?.transaction.outputs[Int(input.previous.index)]
                return try #require(
                    output.map {
                        OutputEntry(
                            output: $0, height: 1, slot: 0, time: time, kind: .transfer, position: 1_000_000)
                    } ?? unspent[input.previous])
            }
            let spendable = try SpendableTransaction(
                checked, spending: entries,
                in: SpendingContext(
                    slot: world.state.slot + 1, parentTime: time, growthPrice: world.state.growthPrice))
            return (checked, try ScriptProof(verifying: spendable, chain: world.chain.genesis.hash))
        }
        let assembly = try world.verifier.build(
            on: world.state, at: time, proposer: world.chain.members[0].publicKey, candidates: candidates)
        let block = try #require(assembly.block)
        #expect(block.block.transactions.count == payments.count + 1, "\(assembly.refused)")
        let certificate = try world.certificate(
            of: block.block.hash, at: block.block.header.height, signers: [0, 1, 3])
        try world.store.commit([
            BlockCommit(block.block, change: block.change, certificate: certificate.encoded)
        ])
        world.state = block.change.state
        for (outPoint, entry) in block.change.created { created[outPoint] = entry }
        for (outPoint, _) in block.change.spent { spent.insert(outPoint) }
    }

    func proof(_ outPoint: OutPoint) throws -> OutputProof {
        try world.store.snapshot { try OutputProver(reader: $0).proof(of: outPoint) }
    }

    func refusal(_ outPoint: OutPoint) throws -> RPCError? {
        do {
            _ = try proof(outPoint)
            return nil
        } catch let error as RPCError {
            return error
        }
    }

    /// Two outputs with data between them.
    func carrier(_ index: Int) throws -> CheckedTransaction {
        let (chain, amount) = (world.chain, try #require(Amount(decimal: "3")))
        let allocation = try #require(chain.allocation(index))
        let own = Script.keyHash(of: chain.owner.publicKey)
        let value = try #require(allocation.entry.output.value.subtracting(amount))
        let fee = try #require(Amount(units: 20_000))
        let rest = try #require(value.subtracting(fee))
        var signing = try TransactionSigning(
            Transaction(
                inputs: [TransactionInput(previous: allocation.outPoint, unlocking: .empty)],
                outputs: [
                    TransactionOutput(value: amount, locking: own),
                    TransactionOutput(value: .zero, locking: try #require(Script.dataCarrier([1, 2]))),
                    TransactionOutput(value: rest, locking: own),
                ]),
            spending: [.init(allocation.entry.output)], chain: chain.genesis.hash)
        signing.sign(with: [chain.owner])
        return try CheckedTransaction(checking: signing.transaction)
    }
}

@Suite("Proofs of outputs from a chain")
struct OutputProverTests {
    @Test("every output ever created is proven after every block, spent or not")
    func everyOutput() throws {
        var chain = try CertifiedWorld()
        var payments = try (0..<4).map { try chain.world.payment($0) }
        for round in 0..<4 {
            try chain.extend(payments)
            for (outPoint, entry) in chain.created {
                let bytes = try chain.proof(outPoint).encoded
                let final = try OutputProof(decoding: bytes).verify(against: chain.anchor)
                #expect(final.outPoint == outPoint && final.entry == entry, "round \(round)")
                #expect(final.isSpent == chain.spent.contains(outPoint), "round \(round), \(entry.position)")
                #expect(final.height == UInt64(round) + 1)
            }
            payments = [
                try chain.world.payment(after: payments[0]), try chain.world.payment(round + 10),
            ]
        }
        #expect(chain.spent.count > 8)
    }

    @Test("a proof holds after more blocks as well, and says what was so at its height")
    func laterBlocks() throws {
        var chain = try CertifiedWorld()
        let payment = try chain.world.payment(0)
        try chain.extend([payment])
        let outPoint = OutPoint(transaction: payment.txid, index: 1)
        let before = try chain.proof(outPoint)
        try chain.extend([try chain.world.payment(after: payment)])
        try chain.extend([])
        let after = try chain.proof(outPoint)
        let (early, late) = (
            try before.verify(against: chain.anchor), try after.verify(against: chain.anchor)
        )
        #expect(!early.isSpent && early.height == 1)
        #expect(late.isSpent && late.height == 3)
        #expect(early.entry == late.entry)
    }

    @Test("an output spent in its own block, behind data that is no output, is found at its place")
    func sameBlock() throws {
        var chain = try CertifiedWorld()
        try chain.extend([try chain.world.payment(5)])
        let carrier = try chain.carrier(0)
        let allocated = try #require(carrier.transaction.outputs.last)
        let (paid, fee) = (try #require(Amount(decimal: "1")), try #require(Amount(units: 5000)))
        let child = try #require(
            chain.world.chain.payment(
                of: OutPoint(transaction: carrier.txid, index: 2), worth: allocated.value,
                paying: paid, to: chain.world.chain.owner.publicKey, fee: fee))
        try chain.extend([carrier, try CheckedTransaction(checking: child)])
        let kept = try #require(chain.created[OutPoint(transaction: carrier.txid, index: 0)])
        let final = try chain.proof(OutPoint(transaction: carrier.txid, index: 2))
            .verify(against: chain.anchor)
        #expect(final.isSpent && final.entry.position == kept.position + 1)
        #expect(final.entry.height == 2 && final.entry.time == kept.time && final.entry.slot == kept.slot)
        let data = try chain.refusal(OutPoint(transaction: carrier.txid, index: 1))
        #expect(data?.reason == "unknown-output")
    }

    @Test("what was never created, and everything at genesis, is refused by name")
    func refusals() throws {
        var chain = try CertifiedWorld()
        let allocation = try #require(chain.world.chain.allocation(0)?.outPoint)
        #expect(try chain.refusal(allocation)?.reason == "no-certificate")
        let payment = try chain.world.payment(0)
        try chain.extend([payment])
        #expect(try chain.refusal(allocation) == nil)
        for stranger in [
            OutPoint(transaction: .zero, index: 0), OutPoint(transaction: payment.txid, index: 2),
            OutPoint(transaction: payment.txid, index: .max),
            OutPoint(transaction: allocation.transaction, index: 20),
        ] {
            let error = try #require(try chain.refusal(stranger))
            #expect(error.reason == "unknown-output" && error.code == -5 && error.hint != nil)
        }
    }

    @Test("an output whose block is no longer kept is said to be pruned where it is spent")
    func pruned() throws {
        var chain = try CertifiedWorld()
        let payment = try chain.world.payment(0)
        try chain.extend([payment])
        let outPoint = OutPoint(transaction: payment.txid, index: 1)
        try chain.extend([try chain.world.payment(after: payment)])
        try chain.world.store.snapshot { reader in
            let reader = WithoutBlocks(reader: reader)
            do {
                _ = try OutputProver(reader: reader).proof(of: outPoint)
                Issue.record("a proof of an output that nobody has")
            } catch let error as RPCError {
                #expect(error.reason == "pruned" && error.code == -5 && error.hint != nil)
            }
            // Unspent outputs need nothing of the past.
            let other = OutPoint(transaction: payment.txid, index: 0)
            let unspent = try OutputProver(reader: reader).proof(of: other).verify(against: chain.anchor)
            #expect(!unspent.isSpent)
            let stranger = OutPoint(transaction: .zero, index: 0)
            #expect(throws: RPCError.self) { try OutputProver(reader: reader).proof(of: stranger) }
        }
    }
}

/// A view of a chain of which no blocks are kept.
private struct WithoutBlocks: ChainReading {
    let reader: any ChainReading

    func tip() throws(StoreFailure) -> ChainTip? { try reader.tip() }
    func state() throws(StoreFailure) -> [UInt8]? { try reader.state() }
    func header(at height: Height) throws(StoreFailure) -> BlockHeader? { try reader.header(at: height) }
    func hash(at height: Height) throws(StoreFailure) -> Hash256? { try reader.hash(at: height) }
    func height(of block: Hash256) throws(StoreFailure) -> Height? { try reader.height(of: block) }
    func block(at height: Height) throws(StoreFailure) -> [UInt8]? { nil }
    func certificate(at height: Height) throws(StoreFailure) -> [UInt8]? {
        try reader.certificate(at: height)
    }
    func location(of transaction: Hash256) throws(StoreFailure) -> TransactionLocation? {
        try reader.location(of: transaction)
    }
    func unspent(
        locking: Script, after last: UInt64?, countMax: Int
    ) throws(StoreFailure) -> [UnspentOutput] {
        try reader.unspent(locking: locking, after: last, countMax: countMax)
    }
    func undo(at height: Height) throws(StoreFailure) -> UndoRecord? { try reader.undo(at: height) }
    func base() throws(StoreFailure) -> HistoryBase { try reader.base() }
    func position(of outPoint: OutPoint) throws(StoreFailure) -> UInt64? {
        try reader.position(of: outPoint)
    }
    func outputs(from position: UInt64, countMax: Int) throws(StoreFailure) -> [UnspentOutput] {
        try reader.outputs(from: position, countMax: countMax)
    }
    func leaves(group: UInt64) throws(StoreFailure) -> [Hash256]? { try reader.leaves(group: group) }
    func history(
        locking: Script, after last: TransactionLocation?, countMax: Int
    ) throws(StoreFailure) -> [TransactionLocation] {
        try reader.history(locking: locking, after: last, countMax: countMax)
    }
    func history(
        locking: Script, before first: TransactionLocation?, countMax: Int
    ) throws(StoreFailure) -> [TransactionLocation] {
        try reader.history(locking: locking, before: first, countMax: countMax)
    }
    func validatorSet(_ hash: Hash256) throws(StoreFailure) -> ValidatorSet? {
        try reader.validatorSet(hash)
    }
    func setChanges(from height: Height, countMax: Int) throws(StoreFailure) -> [Height] {
        try reader.setChanges(from: height, countMax: countMax)
    }
    func output(_ outPoint: OutPoint) throws -> OutputEntry? { try reader.output(outPoint) }
    func node(_ key: CommitmentNodeKey) throws -> Hash256? { try reader.node(key) }
    func chunk(_ index: UInt64) throws -> SpentChunk? { try reader.chunk(index) }
}
