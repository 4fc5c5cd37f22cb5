import Testing

@testable import TimeCoinCore

/// Outputs and commitment of a chain, as a store keeps them.
final class KeptState: OutputSource, CommitmentNodes {
    private(set) var outputs: [OutPoint: OutputEntry] = [:]
    private var nodes: [CommitmentNodeKey: Hash256] = [:]
    private var chunks: [UInt64: SpentChunk] = [:]

    func output(_ outPoint: OutPoint) throws -> OutputEntry? { outputs[outPoint] }
    func node(_ key: CommitmentNodeKey) throws -> Hash256? { nodes[key] }
    func chunk(_ index: UInt64) throws -> SpentChunk? { chunks[index] }

    /// Puts an output there that no block made.
    func insert(_ entry: OutputEntry, at outPoint: OutPoint) { outputs[outPoint] = entry }

    func apply(_ change: StateChange) {
        for (outPoint, _) in change.spent { outputs[outPoint] = nil }
        for (outPoint, entry) in change.created { outputs[outPoint] = entry }
        for (key, hash) in change.nodes { nodes[key] = hash }
        for (index, chunk) in change.chunks { chunks[index] = chunk }
    }
}

/// A short chain whose next block a test may spoil in any one way.
struct BlockWorld {
    let members: [SigningKey]
    let owner: SigningKey
    let genesis: Genesis
    let kept = KeptState()
    private(set) var state: ChainState

    static let slotMilliseconds: UInt64 = 10_000
    static let intervalMilliseconds: UInt64 = 1000

    /// Ten allocations of 1,000 TIME to the owner come first, then `extra` ones of 10 TIME to `locking`, then
    /// one of `fortune` to the owner.
    init(
        weights: [UInt64] = [1, 2, 3, 4], extra: Int = 0, locking: Script = .empty, fortune: Amount? = nil
    ) throws {
        members = try weights.indices.map { try BlockWorld.key(UInt8($0 + 1)) }
        owner = try BlockWorld.key(200)
        let thousand = try #require(Amount(units: 1000 * Amount.unitsPerTime))
        let ten = try #require(Amount(units: 10 * Amount.unitsPerTime))
        let own = Script.keyHash(of: owner.publicKey)
        genesis = try Genesis(
            parameters: .local(
                slotMilliseconds: BlockWorld.slotMilliseconds,
                paymentIntervalMilliseconds: BlockWorld.intervalMilliseconds),
            time: Timestamp(milliseconds: 1_000_000_000_000),
            members: zip(members, weights).map {
                Registry.Entry(
                    operatorKey: $0.publicKey, weight: $1, payout: .keyHash(of: $0.publicKey))
            },
            allocations: (0..<10).map { _ in Genesis.Allocation(locking: own, amount: thousand) }
                + (0..<extra).map { _ in Genesis.Allocation(locking: locking, amount: ten) }
                + (fortune.map { [Genesis.Allocation(locking: own, amount: $0)] } ?? []))
        state = genesis.state
        kept.apply(genesis.change)
    }

    static func key(_ byte: UInt8) throws -> SigningKey {
        try #require(SigningKey(seed: [UInt8](repeating: byte, count: SigningKey.seedByteCount)))
    }

    func allocation(_ index: Int) -> (outPoint: OutPoint, entry: OutputEntry) {
        genesis.change.created[index]
    }

    /// The owner's output paid back to the owner in `outputs` parts, less the fee.
    func payment(
        of spent: (outPoint: OutPoint, entry: OutputEntry), outputs count: UInt64 = 1, fee: UInt64 = 10_000
    ) throws -> Transaction {
        let each = (spent.entry.output.value.units - fee) / count
        let value = try #require(Amount(units: each))
        let unsigned = Transaction(
            inputs: [TransactionInput(previous: spent.outPoint, unlocking: .empty)],
            outputs: (0..<count).map { _ in
                TransactionOutput(value: value, locking: .keyHash(of: owner.publicKey))
            })
        return try signed(unsigned, spending: [spent.entry.output])
    }

    func payment(_ index: Int) throws -> Transaction { try payment(of: allocation(index)) }

    func signed(_ unsigned: Transaction, spending: [TransactionOutput]) throws -> Transaction {
        var signing = try TransactionSigning(
            unsigned, spending: spending.map { .init($0) }, chain: genesis.hash)
        signing.sign(with: [owner])
        return signing.transaction
    }

    /// A block of these payments as an honest proposer makes it.
    func build(_ payments: [Transaction], at time: Timestamp, by proposer: Int = 0) throws -> ExecutedBlock {
        let context = SpendingContext(
            slot: state.slot + 1, parentTime: state.header.time, growthPrice: state.growthPrice)
        let candidates = try payments.map { transaction in
            let checked = try CheckedTransaction(checking: transaction)
            let entries = try transaction.inputs.map { try #require(kept.outputs[$0.previous]) }
            let spendable = try SpendableTransaction(checked, spending: entries, in: context)
            return (
                transaction: checked, proof: try ScriptProof(verifying: spendable, chain: genesis.hash)
            )
        }
        let assembly = try BlockAssembly.assemble(
            on: state, at: time, proposer: members[proposer].publicKey, candidates: candidates, source: kept)
        return try #require(assembly.block)
    }

    /// Every rule from B1 to B26, one thread.
    func judge(_ block: CheckedBlock, on parent: ChainState? = nil) throws -> ExecutedBlock {
        let prepared = try PreparedBlock(block, on: parent ?? state, outputs: kept)
        let proofs = try prepared.transactions.map { spendable in
            do throws(TransactionRejection) {
                return try ScriptProof(verifying: spendable, chain: genesis.hash)
            } catch {
                throw BlockRejection(.transaction, "\(error)")
            }
        }
        return try ExecutedBlock(prepared, proofs: proofs, commitment: kept)
    }

    mutating func commit(_ block: ExecutedBlock) {
        kept.apply(block.change)
        state = block.change.state
    }

    /// What the next block of these transactions is refused for; `nil` when it is valid.
    func verdict(_ header: BlockHeader, _ transactions: [Transaction]) throws -> BlockRejection? {
        do {
            let checked = try transactions.map { try CheckedTransaction(checking: $0) }
            _ = try judge(try CheckedBlock(header: header, transactions: checked))
            return nil
        } catch let rejection as BlockRejection {
            return rejection
        }
    }
}

extension BlockHeader {
    /// The same header with some fields changed.
    func with(
        version: UInt16? = nil, kind: BlockKind? = nil, height: Height? = nil, slot: Slot? = nil,
        previous: Hash256? = nil, time: Timestamp? = nil, transactionRoot: Hash256? = nil,
        witnessRoot: Hash256? = nil, stateRoot: Hash256? = nil, validators: Hash256? = nil,
        nextValidators: Hash256? = nil, evidenceRoot: Hash256? = nil, attestationRoot: Hash256? = nil,
        proposer: PublicKey? = nil
    ) -> BlockHeader {
        BlockHeader(
            version: version ?? self.version, kind: kind ?? self.kind, height: height ?? self.height,
            slot: slot ?? self.slot, previous: previous ?? self.previous, time: time ?? self.time,
            transactionRoot: transactionRoot ?? self.transactionRoot,
            witnessRoot: witnessRoot ?? self.witnessRoot, stateRoot: stateRoot ?? self.stateRoot,
            validators: validators ?? self.validators, nextValidators: nextValidators ?? self.nextValidators,
            evidenceRoot: evidenceRoot ?? self.evidenceRoot,
            attestationRoot: attestationRoot ?? self.attestationRoot, proposer: proposer ?? self.proposer)
    }

    /// With the roots of these transactions.
    func over(_ transactions: [Transaction]) throws -> BlockHeader {
        let roots = BlockRoots(of: try transactions.map { try CheckedTransaction(checking: $0) })
        return with(transactionRoot: roots.transactions, witnessRoot: roots.witnesses)
    }
}
