import TimeCoinCore
import TimeCoinTesting

/// The state of a genesis in dictionaries: no input, no output.
struct MemoryState: OutputSource, CommitmentNodes {
    private var outputs: [OutPoint: OutputEntry] = [:]
    private let nodes: [CommitmentNodeKey: Hash256]
    private let chunks: [UInt64: SpentChunk]

    init(_ change: StateChange) {
        outputs.reserveCapacity(change.created.count)
        for (outPoint, entry) in change.created { outputs[outPoint] = entry }
        nodes = Dictionary(change.nodes.map { ($0.key, $0.hash) }, uniquingKeysWith: { _, last in last })
        chunks = Dictionary(change.chunks.map { ($0.index, $0.chunk) }, uniquingKeysWith: { _, last in last })
    }

    func output(_ outPoint: OutPoint) -> OutputEntry? { outputs[outPoint] }
    func node(_ key: CommitmentNodeKey) -> Hash256? { nodes[key] }
    func chunk(_ index: UInt64) -> SpentChunk? { chunks[index] }
}

/// A payment block whose transactions each have one input and two outputs, on a genesis that pays for them.
struct BlockFixture {
    let chain: TestChain
    let source: MemoryState
    /// As it would come from a peer.
    let encoded: [UInt8]

    struct Failed: Error { let reason: String }

    init(transactions count: Int) throws {
        let parameters = ChainParameters.local(slotMilliseconds: 600_000, paymentIntervalMilliseconds: 0)
        guard let chain = TestChain(weights: [1], allocations: count, parameters: parameters),
            let amount = Amount(decimal: "2.5"), let fee = Amount(units: 5000)
        else { throw Failed(reason: "no genesis") }
        self.chain = chain
        source = MemoryState(chain.genesis.change)
        let state = chain.genesis.state
        let context = SpendingContext(
            slot: state.slot, parentTime: state.header.time, growthPrice: state.growthPrice)
        let candidates = try (0..<count).map { index in
            guard let allocation = chain.allocation(index),
                let payment = chain.payment(
                    of: allocation.outPoint, worth: allocation.entry.output.value, paying: amount,
                    to: chain.members[0].publicKey, fee: fee)
            else { throw Failed(reason: "no payment") }
            let checked = try CheckedTransaction(checking: payment)
            let spendable = try SpendableTransaction(checked, spending: [allocation.entry], in: context)
            return (checked, try ScriptProof(verifying: spendable, chain: chain.genesis.hash))
        }
        let assembly = try BlockAssembly.assemble(
            on: state, at: state.header.time.advanced(byMilliseconds: 1000),
            proposer: chain.members[0].publicKey, candidates: candidates, source: source)
        guard let block = assembly.block?.block, block.transactions.count == count else {
            throw Failed(reason: "the block has \(assembly.block?.block.transactions.count ?? 0) payments")
        }
        encoded = block.encoded
    }

    /// Everything that a node does with a block before it is decided, on this many threads.
    func verify(threads: Int) async throws {
        let prepared = try PreparedBlock(
            try CheckedBlock(decoding: encoded), on: chain.genesis.state, outputs: source)
        let transactions = prepared.transactions
        let share = (transactions.count + threads - 1) / threads
        let proofs = try await withThrowingTaskGroup(of: (Int, [ScriptProof]).self) { group in
            for start in stride(from: 0, to: transactions.count, by: share) {
                let chain = chain.genesis.hash
                group.addTask {
                    (
                        start,
                        try transactions[start..<min(start + share, transactions.count)].map {
                            try ScriptProof(verifying: $0, chain: chain)
                        }
                    )
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        _ = try ExecutedBlock(
            prepared, proofs: proofs.sorted { $0.0 < $1.0 }.flatMap(\.1), commitment: source)
    }
}
