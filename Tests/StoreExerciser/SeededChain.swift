import TimeCoinCore
import TimeCoinStore
import TimeCoinStoreConformance
import TimeCoinTesting

/// A chain of real blocks in which everything follows from a seed and the height, whoever builds it and from
/// whichever store.
struct SeededChain {
    /// Outputs of the owner beyond which payments merge more than they split.
    private static let outputsWanted = 40
    /// Outputs of the owner looked at for a block.
    private static let outputsMax = 400
    /// An output below it is not spent. Unit: smallest units.
    private static let valueMin: UInt64 = 10_000_000

    let seed: UInt64
    let chain: TestChain

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    init(seed: UInt64) throws {
        self.seed = seed
        guard
            let chain = TestChain(
                weights: [1, 2, 3, 4], allocations: 12,
                parameters: .local(slotMilliseconds: 1000, paymentIntervalMilliseconds: 0))
        else { throw Failure(description: "no genesis") }
        self.chain = chain
    }

    var genesis: BlockCommit {
        BlockCommit(chain.genesis.block, change: chain.genesis.change, certificate: [])
    }

    var ownerScript: Script { Script.keyHash(of: chain.owner.publicKey) }

    /// Every script that the chain pays to.
    var scripts: [Script] { [ownerScript] + chain.members.map { Script.keyHash(of: $0.publicKey) } }

    /// The block after a state, built from what a store holds.
    func next(
        on state: ChainState, _ reader: any ChainReading
    ) throws -> (commit: BlockCommit, state: ChainState) {
        var random = SeededGenerator(seed: seed, part: state.height + 1)
        let clock = state.header.time.advanced(byMilliseconds: .random(in: 1...700, using: &random))
        let time = state.nextBlockTime(at: clock)
        let payments = try payments(on: state, reader, &random)
        let assembly = try BlockAssembly.assemble(
            on: state, at: time, proposer: chain.members[0].publicKey, candidates: payments, source: reader)
        guard let block = assembly.block, assembly.refused.isEmpty else {
            throw Failure(description: "height \(state.height + 1): \(assembly.refused.count) refused")
        }
        let certificate = Blake2b.hash256(.position, Array(block.block.hash.bytes))
        let commit = BlockCommit(block.block, change: block.change, certificate: Array(certificate.bytes))
        return (commit, block.change.state)
    }

    private func payments(
        on state: ChainState, _ reader: any ChainReading, _ random: inout SeededGenerator
    ) throws -> [(transaction: CheckedTransaction, proof: ScriptProof)] {
        // In an order that does not depend on how a store lays them out.
        let unspent = try reader.unspent(locking: ownerScript, after: nil, countMax: SeededChain.outputsMax)
        let isRich = unspent.count > SeededChain.outputsWanted
        var waiting = unspent.filter { $0.entry.output.value.units >= SeededChain.valueMin }
            .sorted { $0.outPoint < $1.outPoint }
        waiting.shuffle(using: &random)
        let context = SpendingContext(
            slot: state.slot, parentTime: state.header.time, growthPrice: state.growthPrice)
        return try (0..<Int.random(in: 1...3, using: &random)).compactMap { _ in
            let inputs = Array(waiting.prefix(.random(in: isRich ? 2...4 : 1...2, using: &random)))
            waiting.removeFirst(inputs.count)
            guard !inputs.isEmpty else { return nil }
            let payment = try payment(of: inputs, pieces: isRich ? 1 : 3, &random)
            let spendable = try SpendableTransaction(payment, spending: inputs.map(\.entry), in: context)
            return (payment, try ScriptProof(verifying: spendable, chain: chain.genesis.hash))
        }
    }

    /// Spends outputs of the owner: a little to a member, the rest back in pieces.
    private func payment(
        of inputs: [UnspentOutput], pieces: UInt64, _ random: inout SeededGenerator
    ) throws -> CheckedTransaction {
        let spent = inputs.map(\.entry.output)
        let total = spent.reduce(0) { $0 + $1.value.units }
        let paid = UInt64.random(in: 1_000_000...2_000_000, using: &random)
        let piece = (total - paid - 100_000) / pieces
        let receiver = chain.members.randomElement(using: &random) ?? chain.owner
        var outputs = [try output(paid, to: receiver.publicKey)]
        for _ in 0..<pieces {
            outputs.append(try output(piece, to: chain.owner.publicKey))
        }
        let unsigned = Transaction(
            inputs: inputs.map { TransactionInput(previous: $0.outPoint, unlocking: .empty) },
            outputs: outputs)
        let hash = SignatureHash(transaction: unsigned, spending: spent, chain: chain.genesis.hash)
        let signed = try inputs.enumerated().map { index, input in
            guard let message = hash?.message(input: index, type: .all) else {
                throw Failure(description: "no message to sign")
            }
            return TransactionInput(
                previous: input.outPoint,
                unlocking: Script.unlockKeyHash(
                    signature: chain.owner.sign(message.bytes), type: .all, key: chain.owner.publicKey))
        }
        return try CheckedTransaction(checking: Transaction(inputs: signed, outputs: outputs))
    }

    private func output(_ units: UInt64, to key: PublicKey) throws -> TransactionOutput {
        guard let value = Amount(units: units) else { throw Failure(description: "\(units) is no amount") }
        return TransactionOutput(value: value, locking: Script.keyHash(of: key))
    }
}

extension SeededGenerator {
    /// The numbers of a part of what a seed makes, which do not depend on the other parts.
    init(seed: UInt64, part: UInt64) {
        var first = SeededGenerator(seed: seed)
        self.init(seed: first.next() ^ part &* 0xd1b5_4a32_d192_ed03)
    }
}
