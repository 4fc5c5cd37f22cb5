import Testing
import TimeCoinCore
import TimeCoinNode
import TimeCoinStore
import TimeCoinTesting

/// A chain whose second group of leaves is wholly spent: its first leaf long ago, the others within the block
/// that appended them.
struct LateGroup {
    private(set) var world: World
    private(set) var commits: [BlockCommit] = []
    /// The first leaf of the group, and the last output of genesis.
    private static let first: UInt64 = 64

    private struct Owned {
        let outPoint: OutPoint
        let entry: OutputEntry
    }

    /// - Parameter between: blocks that append nothing, between the two.
    init(between: Int) throws {
        world = try World(allocations: Int(LateGroup.first) + 1)
        let genesis = world.chain.genesis
        commits = [BlockCommit(genesis.block, change: genesis.change, certificate: [])]
        try extend([try moved(try allocation(Int(LateGroup.first)), isBurnt: true).candidate])
        for index in 1...between {
            try extend([try moved(try allocation(index), isBurnt: true).candidate])
        }
        var last = try allocation(0)
        var candidates: [(CheckedTransaction, ScriptProof)] = []
        for _ in 0..<LateGroup.first {
            let (candidate, output) = try moved(last, isBurnt: false)
            candidates.append(candidate)
            last = output
        }
        #expect(try leafCount() == LateGroup.first + 1)
        try extend(candidates)
        #expect(try leafCount() == 2 * LateGroup.first + 1)
    }

    private func leafCount() throws -> UInt64? {
        try world.store.snapshot { try $0.tip() }?.leafCount
    }

    private func allocation(_ index: Int) throws -> Owned {
        let (outPoint, entry) = try #require(world.chain.allocation(index))
        return Owned(outPoint: outPoint, entry: entry)
    }

    /// The output sent to its owner again, or spent for data alone.
    private func moved(
        _ spent: Owned, isBurnt: Bool
    ) throws -> (candidate: (CheckedTransaction, ScriptProof), output: Owned) {
        let fee = try #require(Amount(units: 20_000))
        let output = TransactionOutput(
            value: isBurnt ? .zero : try #require(spent.entry.output.value.subtracting(fee)),
            locking: isBurnt ? try #require(Script.dataCarrier([1])) : spent.entry.output.locking)
        var signing = try TransactionSigning(
            Transaction(
                inputs: [TransactionInput(previous: spent.outPoint, unlocking: .empty)], outputs: [output]),
            spending: [.init(spent.entry.output)], chain: world.chain.genesis.hash)
        signing.sign(with: [world.chain.owner])
        let checked = try CheckedTransaction(checking: signing.transaction)
        let spendable = try SpendableTransaction(
            checked, spending: [spent.entry],
            in: SpendingContext(
                slot: world.state.slot, parentTime: world.state.header.time,
                growthPrice: world.state.growthPrice))
        let proof = try ScriptProof(verifying: spendable, chain: world.chain.genesis.hash)
        let entry = OutputEntry(
            output: output, height: world.state.height, slot: world.state.slot,
            time: world.state.header.time, kind: .transfer, position: spent.entry.position)
        return (
            (checked, proof), Owned(outPoint: OutPoint(transaction: checked.txid, index: 0), entry: entry)
        )
    }

    private mutating func extend(_ candidates: [(CheckedTransaction, ScriptProof)]) throws {
        let assembly = try world.verifier.build(
            on: world.state, at: world.state.nextBlockTime(at: world.state.header.time),
            proposer: world.chain.members[0].publicKey,
            candidates: candidates.map { (transaction: $0.0, proof: $0.1) })
        let block = try #require(assembly.block)
        #expect(block.block.transactions.count == candidates.count, "\(assembly.refused)")
        let certificate = try world.certificate(
            of: block.block.hash, at: block.block.header.height, signers: [0, 1, 2])
        commits.append(BlockCommit(block.block, change: block.change, certificate: certificate.encoded))
        try world.commit(block)
    }
}
