import TimeCoinCore
public import TimeCoinStore

/// Everything that a store answers about a chain, as one value to compare.
public struct StoreView: Equatable {
    var tip: ChainTip?
    var state: [UInt8]?
    var blocks: [StoredBlock] = []
    var hashes: [Hash256?] = []
    var heights: [Height?] = []
    var outputs: [OutPoint: OutputEntry] = [:]
    var locations: [Hash256: TransactionLocation] = [:]
    var nodes: [CommitmentNodeKey: Hash256] = [:]
    var chunks: [UInt64: SpentChunk] = [:]
    var unspent: [[UnspentOutput]] = []
    /// Unspent outputs in the order of their positions.
    public internal(set) var listed: [UnspentOutput] = []
    var histories: [[TransactionLocation]] = []
    var leaves: [Hash256] = []
    var positions: [OutPoint: UInt64] = [:]

    /// Asks a store for all that `chain` ever wrote.
    public init(_ store: any ChainStoring, asking chain: ModelChain) throws {
        self = try store.snapshot { try StoreView($0, asking: chain) }
    }

    public init(_ reader: any ChainReading, asking chain: ModelChain) throws {
        tip = try reader.tip()
        state = try reader.state()
        blocks = try reader.blocks(from: 0, countMax: .max, bytesMax: .max)
        for commit in chain.commits {
            hashes.append(try reader.hash(at: commit.height))
            heights.append(try reader.height(of: commit.hash))
            for (outPoint, _) in commit.created { outputs[outPoint] = try reader.output(outPoint) }
            for transaction in commit.transactions {
                let identifier = transaction.identifier
                locations[identifier] = try reader.location(of: identifier)
                for index in 0...transaction.outputCount {
                    let outPoint = OutPoint(transaction: identifier, index: index)
                    // Of spent outputs a store may have forgotten it.
                    guard try reader.output(outPoint) != nil else { continue }
                    positions[outPoint] = try reader.position(of: outPoint)
                }
            }
            for (key, _) in commit.nodes { nodes[key] = try reader.node(key) }
            for (index, _) in commit.chunks { chunks[index] = try reader.chunk(index) }
        }
        for script in ModelChain.scripts {
            unspent.append(try reader.unspent(locking: script, after: nil, countMax: .max))
            histories.append(try reader.history(locking: script, after: nil, countMax: .max))
        }
        listed = try reader.outputs(from: 0, countMax: .max)
        var group = UInt64(0)
        while let next = try reader.leaves(group: group) {
            leaves += next
            group += 1
        }
    }

    /// What the model says a store must answer.
    public init(expected chain: ModelChain) {
        let last = chain.commits[chain.commits.count - 1]
        tip = ChainTip(
            height: last.height, hash: last.hash, slot: last.header.slot,
            outputCount: UInt64(chain.outputs.count),
            leafCount: chain.commitment.leafCount)
        state = last.state
        for commit in chain.commits {
            blocks.append(
                StoredBlock(height: commit.height, block: commit.block, certificate: commit.certificate))
            hashes.append(commit.hash)
            heights.append(commit.height)
            for (index, transaction) in commit.transactions.enumerated() {
                let location = TransactionLocation(height: commit.height, index: UInt32(index))
                locations[transaction.identifier] = location
            }
            leaves += commit.nodes.filter { $0.key.tree == .outputs && $0.key.level == 0 }.map(\.hash)
        }
        outputs = chain.outputs
        nodes = chain.nodes
        chunks = chain.chunks
        positions = chain.outputs.mapValues(\.position)
        listed = chain.outputs.sorted { $0.value.position < $1.value.position }
            .map { UnspentOutput(outPoint: $0.key, entry: $0.value) }
        for script in ModelChain.scripts {
            unspent.append(listed.filter { $0.entry.output.locking == script })
            histories.append(
                chain.commits.flatMap { commit in
                    commit.transactions.enumerated().filter { $1.scripts.contains(script) }.map {
                        TransactionLocation(height: commit.height, index: UInt32($0.offset))
                    }
                })
        }
    }
}

extension StoreView {
    /// Adds that nothing is known at the heights that a longer chain has.
    mutating func pad(upTo chain: ModelChain) {
        let missing = chain.commits.count - hashes.count
        hashes += [Hash256?](repeating: nil, count: missing)
        heights += [Height?](repeating: nil, count: missing)
    }

    /// The names of what differs.
    func difference(from other: StoreView) -> String {
        let parts: [(String, Bool)] = [
            ("tip", tip == other.tip), ("state", state == other.state), ("blocks", blocks == other.blocks),
            ("hashes", hashes == other.hashes), ("heights", heights == other.heights),
            ("outputs", outputs == other.outputs), ("locations", locations == other.locations),
            ("nodes", nodes == other.nodes), ("chunks", chunks == other.chunks),
            ("unspent outputs", unspent == other.unspent), ("list of outputs", listed == other.listed),
            ("histories", histories == other.histories), ("leaves", leaves == other.leaves),
            ("positions", positions == other.positions),
        ]
        return parts.filter { !$0.1 }.map(\.0).joined(separator: ", ")
    }
}
