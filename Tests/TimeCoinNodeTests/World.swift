import Testing
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

/// A chain in memory that grows by assembled and judged blocks.
struct World {
    let chain: TestChain
    let store: MemoryChainStore
    var state: ChainState

    init(
        weights: [UInt64] = [1, 1, 1, 1], allocations: Int = 20,
        configured: (inout ChainParameters) -> Void = { _ in }
    ) throws {
        var parameters = ChainParameters.local(slotMilliseconds: 5000, paymentIntervalMilliseconds: 0)
        configured(&parameters)
        try self.init(
            atGenesisOf: try #require(
                TestChain(weights: weights, allocations: allocations, parameters: parameters)))
    }

    private init(atGenesisOf chain: TestChain) throws {
        self.chain = chain
        store = MemoryChainStore(chain: chain.genesis.hash)
        try store.commit([BlockCommit(chain.genesis.block, change: chain.genesis.change, certificate: [])])
        state = chain.genesis.state
    }

    /// The same chain with nothing but its genesis, in another store.
    var atGenesis: World {
        get throws { try World(atGenesisOf: chain) }
    }

    var verifier: BlockVerifier {
        BlockVerifier(store: store, chain: chain.genesis.hash, proofs: ProofCache())
    }

    func payment(_ index: Int, fee: UInt64 = 5000) throws -> CheckedTransaction {
        let allocation = try #require(chain.allocation(index))
        let amount = try #require(Amount(decimal: "2.5"))
        let fee = try #require(Amount(units: fee))
        let receiver = try #require(chain.members.last)
        let transaction = try #require(
            chain.payment(
                of: allocation.outPoint, worth: allocation.entry.output.value, paying: amount,
                to: receiver.publicKey, fee: fee))
        return try CheckedTransaction(checking: transaction)
    }

    /// Spends what the payment before gave back to its sender, or sends it to somebody else.
    func payment(after parent: CheckedTransaction, fee: UInt64 = 5000) throws -> CheckedTransaction {
        let rest = try #require(parent.transaction.outputs.last)
        let amount = try #require(Amount(decimal: "1.5"))
        let fee = try #require(Amount(units: fee))
        let receiver = try #require(chain.members.first)
        let transaction = try #require(
            chain.payment(
                of: OutPoint(transaction: parent.txid, index: 1), worth: rest.value, paying: amount,
                to: receiver.publicKey, fee: fee))
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

    /// The certificate of a block that these members precommit in round 0.
    func certificate(of block: Hash256, at height: Height, signers: [Int]) throws -> Certificate {
        let members = state.validators.members
        let votes = try signers.map { place -> SignedVote in
            let key = try #require(chain.members.first { $0.publicKey == members[place].operatorKey })
            let vote = Vote(type: .precommit, height: height, round: 0, value: block)
            return SignedVote(
                vote: vote, member: key.publicKey,
                signature: key.sign(vote.signedBytes(chain: chain.genesis.hash)))
        }
        var bitmap = [UInt8](repeating: 0, count: (members.count + 7) / 8)
        for place in signers { bitmap[place >> 3] |= 1 << UInt8(place & 7) }
        return Certificate(
            kind: .commit, height: height, round: 0, value: block, bitmap: bitmap,
            signatures: votes.map(\.signature), validRounds: [])
    }

    func build(_ admissions: [Admission], at time: Timestamp) throws -> ExecutedBlock? {
        try verifier.build(
            on: state, at: time, proposer: chain.members[0].publicKey,
            candidates: admissions.map { ($0.verified.spendable.checked, $0.proof) }
        ).block
    }

    /// A block on the tip, as it is decided here.
    func batch(_ block: ExecutedBlock) throws -> BlockBatch {
        let height = block.block.header.height
        return BlockBatch(
            block, certificate: try certificate(of: block.block.hash, at: height, signers: [0, 1, 2]),
            on: state)
    }

    mutating func commit(_ block: ExecutedBlock) throws {
        try store.commit([BlockCommit(block.block, change: block.change, certificate: [])])
        state = block.change.state
    }

    /// A block of these transactions as somebody would build it who checks nothing; `nil` where not even its
    /// form is allowed.
    func unchecked(
        _ transactions: [CheckedTransaction], like header: BlockHeader, stateRoot: Hash256? = nil
    ) throws(BlockRejection) -> CheckedBlock {
        let roots = BlockRoots(of: transactions)
        return try CheckedBlock(
            header: BlockHeader(
                version: header.version, kind: header.kind, height: header.height, slot: header.slot,
                previous: header.previous, time: header.time, transactionRoot: roots.transactions,
                witnessRoot: roots.witnesses, stateRoot: stateRoot ?? header.stateRoot,
                validators: header.validators, nextValidators: header.nextValidators,
                evidenceRoot: header.evidenceRoot, attestationRoot: header.attestationRoot,
                proposer: header.proposer), transactions: transactions)
    }
}

/// SplitMix64: the same numbers for a seed on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }
}
