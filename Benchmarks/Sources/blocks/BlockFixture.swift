import TimeCoinCore
import TimeCoinNode
import TimeCoinStore
import TimeCoinTesting

/// A payment block whose transactions each have one input and two outputs, on a genesis that pays for them.
struct BlockFixture {
    let chain: TestChain
    private let store: MemoryChainStore
    /// As it would come from a peer.
    let encoded: [UInt8]

    struct Failed: Error { let reason: String }

    init(transactions count: Int) throws {
        let parameters = ChainParameters.local(slotMilliseconds: 600_000, paymentIntervalMilliseconds: 0)
        guard let chain = TestChain(weights: [1], allocations: count, parameters: parameters),
            let amount = Amount(decimal: "2.5"), let fee = Amount(units: 5000)
        else { throw Failed(reason: "no genesis") }
        self.chain = chain
        store = MemoryChainStore(chain: chain.genesis.hash)
        try store.commit([
            BlockCommit(chain.genesis.block, change: chain.genesis.change, certificate: [])
        ])
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
        let assembly = try store.snapshot {
            try BlockAssembly.assemble(
                on: state, at: state.header.time.advanced(byMilliseconds: 1000),
                proposer: chain.members[0].publicKey, candidates: candidates, source: $0)
        }
        guard let block = assembly.block?.block, block.transactions.count == count else {
            throw Failed(reason: "the block has \(assembly.block?.block.transactions.count ?? 0) payments")
        }
        encoded = block.encoded
    }

    /// Everything that a node does with a block before it is decided, on as many threads as there are cores.
    func verify() async throws {
        let verifier = BlockVerifier(store: store, chain: chain.genesis.hash)
        let block = try await BlockVerifier.check(decoding: encoded)
        _ = try await verifier.judge(block, on: chain.genesis.state).get()
    }
}
