import TimeCoinCore
import TimeCoinNode
import TimeCoinStore
import TimeCoinTesting

/// Blocks with their certificates as they come from a peer: each payment has one input and two outputs, and
/// spends the oldest output there is. The same shape as the chain that Bitcoin Core's engine gets.
struct CertifiedChain {
    let chain: TestChain
    private(set) var items: [(block: [UInt8], certificate: [UInt8])] = []
    let payments: Int

    init(blocks: Int, payments: Int) throws {
        let parameters = ChainParameters.local(slotMilliseconds: 1 << 40, paymentIntervalMilliseconds: 0)
        guard
            let chain = TestChain(weights: [1, 1, 1, 1], allocations: payments, parameters: parameters),
            let fee = Amount(units: 10_000)
        else { throw Failed("no genesis") }
        self.chain = chain
        self.payments = payments
        let store = MemoryChainStore(chain: chain.genesis.hash)
        try store.commit([BlockCommit(chain.genesis.block, change: chain.genesis.change, certificate: [])])
        var state = chain.genesis.state
        var queue = (0..<payments).compactMap { chain.allocation($0) }
        for _ in 0..<blocks {
            var candidates: [(transaction: CheckedTransaction, proof: ScriptProof)] = []
            let context = SpendingContext(
                slot: state.slot, parentTime: state.header.time, growthPrice: state.growthPrice)
            for (outPoint, entry) in queue.prefix(payments) {
                guard let half = Amount(units: entry.output.value.units / 2),
                    let payment = chain.payment(
                        of: outPoint, worth: entry.output.value, paying: half, to: chain.owner.publicKey,
                        fee: fee)
                else { throw Failed("no payment") }
                let checked = try CheckedTransaction(checking: payment)
                let spendable = try SpendableTransaction(checked, spending: [entry], in: context)
                candidates.append((checked, try ScriptProof(verifying: spendable, chain: chain.genesis.hash)))
            }
            let assembly = try store.snapshot { reader in
                try BlockAssembly.assemble(
                    on: state, at: state.header.time.advanced(byMilliseconds: 1),
                    proposer: chain.members[0].publicKey, candidates: candidates, source: reader)
            }
            guard let block = assembly.block, block.block.transactions.count == payments else {
                throw Failed("a block lacks payments")
            }
            queue.removeFirst(payments)
            queue += block.change.created
            let certificate = try self.certificate(of: block.block, state.validators)
            items.append((block.block.encoded, certificate.encoded))
            try store.commit([
                BlockCommit(block.block, change: block.change, certificate: certificate.encoded)
            ])
            state = block.change.state
        }
    }

    private func certificate(of block: CheckedBlock, _ validators: ValidatorSet) throws -> Certificate {
        let votes = chain.members.prefix(3).compactMap { key in
            let vote = Vote(type: .precommit, height: block.header.height, round: 0, value: block.hash)
            return VerifiedVote(
                SignedVote(
                    vote: vote, member: key.publicKey,
                    signature: key.sign(vote.signedBytes(chain: chain.genesis.hash))),
                validators: validators, chain: chain.genesis.hash)
        }
        guard let certificate = Certificate(.commit, of: votes, validators: validators) else {
            throw Failed("no certificate")
        }
        return certificate
    }
}
