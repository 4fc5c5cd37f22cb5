public import TimeCoinCore
public import TimeCoinStore

/// A model of a chain that makes random blocks: outputs and their commitment as plain values, and for every
/// block what a store has to write. The same seed makes the same chain.
public struct ModelChain: CommitmentNodes, Sendable {
    private var generator: SeededGenerator
    public private(set) var commits: [BlockCommit] = []
    public private(set) var outputs: [OutPoint: OutputEntry] = [:]
    public private(set) var nodes: [CommitmentNodeKey: Hash256] = [:]
    public private(set) var chunks: [UInt64: SpentChunk] = [:]
    public private(set) var commitment = OutputCommitment.empty
    private var validators = Hash256.zero
    private let outputsPerBlock: Int
    private let blocksPerSlot: UInt64

    /// Every output is locked by one of these.
    public static let scripts = (0..<4).map { Script([UInt8](repeating: UInt8($0), count: 25)) }

    private let proposer: PublicKey

    /// A chain of one block, its genesis.
    ///
    /// - Parameters:
    ///   - outputsPerBlock: created by each block; half as many older ones are spent, where there are any.
    ///   - blocksPerSlot: 1 for scheduled blocks alone.
    public init(seed: UInt64, outputsPerBlock: Int = 12, blocksPerSlot: UInt64 = 1) throws {
        generator = SeededGenerator(seed: seed)
        guard let proposer = PublicKey([UInt8](repeating: 1, count: PublicKey.byteCount)) else {
            throw StoreFailure(.invalidCommit, "no key")
        }
        self.proposer = proposer
        self.outputsPerBlock = outputsPerBlock
        self.blocksPerSlot = blocksPerSlot
        try extend()
    }

    /// The name of its first block, and of the chain.
    public var genesis: Hash256 { commits[0].hash }

    public func node(_ key: CommitmentNodeKey) throws -> Hash256? { nodes[key] }
    public func chunk(_ index: UInt64) throws -> SpentChunk? { chunks[index] }

    /// Adds blocks.
    public mutating func extend(count: Int) throws {
        for _ in 0..<count {
            try extend()
        }
    }

    /// Adds a block that creates outputs, spends some old ones, and spends some of its own at once.
    public mutating func extend() throws {
        let height = UInt64(commits.count)
        let set = try nextSet(after: height)
        var made = made(at: height)
        var positions = made.positions
        var spent: [(outPoint: OutPoint, entry: OutputEntry)] = []
        for outPoint in outputs.keys.sorted().shuffled(using: &generator).prefix(outputsPerBlock / 2) {
            guard let entry = outputs.removeValue(forKey: outPoint) else { continue }
            spent.append((outPoint, entry))
            positions.append(entry.position)
            made.scripts[0].append(entry.output.locking)
        }
        for (outPoint, entry) in made.created { outputs[outPoint] = entry }
        let update = try commitment.updated(appending: made.leaves, spending: positions, nodes: self)
        for (key, hash) in update.nodes { nodes[key] = hash }
        for (index, chunk) in update.chunks { chunks[index] = chunk }
        commitment = update.commitment
        let transactions = made.transactions.enumerated().map { place, transaction in
            CommittedTransaction(
                identifier: transaction.identifier, firstPosition: transaction.firstPosition,
                outputCount: transaction.outputCount, carriers: transaction.carriers,
                scripts: made.scripts[place])
        }
        commits.append(
            BlockCommit(
                header: header(height, changing: set.hash), block: randomBytes(200),
                certificate: height == 0 ? [] : randomBytes(70),
                transactions: transactions, created: made.created, spent: spent, nodes: update.nodes,
                chunks: update.chunks, leafCount: commitment.leafCount,
                state: commitment.hash.bytes + randomBytes(9), validators: set))
        validators = set.hash
    }

    /// The set that decides the height after: every third block brings another one.
    private func nextSet(after height: UInt64) throws -> ValidatorSet {
        try ValidatorSet([Member(operatorKey: proposer, weight: 1 + height / 3)])
    }

    /// What the transactions of a block create.
    private struct Made {
        var transactions: [CommittedTransaction] = []
        var scripts: [[Script]] = []
        var created: [(outPoint: OutPoint, entry: OutputEntry)] = []
        var leaves: [Hash256] = []
        /// Of outputs that the block spends itself.
        var positions: [UInt64] = []
    }

    /// Three transactions; an output now and then is a data carrier, or spent in the same block.
    private mutating func made(at height: UInt64) -> Made {
        var made = Made()
        for number in 0..<3 {
            let identifier = randomHash()
            let first = commitment.leafCount + UInt64(made.leaves.count)
            let wanted = outputsPerBlock / 3 + (number < outputsPerBlock % 3 ? 1 : 0)
            var carriers: [UInt32] = []
            var scripts: [Script] = []
            var index: UInt32 = 0
            // Now and then more carriers than any store would list.
            let crowded = number == 1 && height % 4 == 1
            while Int(index) - carriers.count < wanted {
                let isCarrier = Int.random(in: 0..<(crowded ? 32 : 16), using: &generator)
                if crowded ? isCarrier < 30 : isCarrier == 0 {
                    carriers.append(index)
                } else {
                    let outPoint = OutPoint(transaction: identifier, index: index)
                    let entry = entry(height, position: commitment.leafCount + UInt64(made.leaves.count))
                    made.leaves.append(entry.leaf(for: outPoint))
                    scripts.append(entry.output.locking)
                    if Int.random(in: 0..<8, using: &generator) == 0 {
                        made.positions.append(entry.position)
                    } else {
                        made.created.append((outPoint, entry))
                    }
                }
                index += 1
            }
            made.scripts.append(scripts)
            made.transactions.append(
                CommittedTransaction(
                    identifier: identifier, firstPosition: first, outputCount: index, carriers: carriers))
        }
        return made
    }

    /// A header at a height, like those of the chain.
    public func header(
        _ height: UInt64, previous: Hash256? = nil, slot: UInt64? = nil, changing next: Hash256? = nil
    ) -> BlockHeader {
        BlockHeader(
            kind: .scheduled, height: height, slot: slot ?? height / blocksPerSlot,
            previous: previous ?? commits.last?.hash ?? .zero, time: Timestamp(milliseconds: 1000 * height),
            transactionRoot: .zero, witnessRoot: .zero, stateRoot: commitment.hash, validators: validators,
            nextValidators: next ?? validators, evidenceRoot: .zero, attestationRoot: .zero,
            proposer: proposer)
    }

    private mutating func entry(_ height: UInt64, position: UInt64) -> OutputEntry {
        let script = ModelChain.scripts.randomElement(using: &generator) ?? .empty
        let value = Amount(units: UInt64.random(in: 546...1_000_000, using: &generator)) ?? .zero
        return OutputEntry(
            output: TransactionOutput(value: value, locking: script), height: height, slot: height,
            time: Timestamp(milliseconds: height), kind: .transfer, position: position)
    }

    private mutating func randomBytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    private mutating func randomHash() -> Hash256 { Hash256(randomBytes(32)) ?? .zero }
}

extension BlockCommit {
    /// The same block with some parts replaced.
    public func with(
        header: BlockHeader? = nil, transactions: [CommittedTransaction]? = nil,
        created: [(outPoint: OutPoint, entry: OutputEntry)]? = nil,
        spent: [(outPoint: OutPoint, entry: OutputEntry)]? = nil
    ) -> BlockCommit {
        BlockCommit(
            header: header ?? self.header, block: block, certificate: certificate,
            transactions: transactions ?? self.transactions, created: created ?? self.created,
            spent: spent ?? self.spent, nodes: nodes, chunks: chunks, leafCount: leafCount, state: state,
            validators: validators)
    }
}
