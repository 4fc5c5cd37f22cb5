import Testing
import TimeCoinCore
import TimeCoinStore

/// Everything that a store answers about a chain, as one value to compare.
struct StoreView: Equatable {
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

    /// Asks a store for all that `chain` ever wrote.
    init(_ store: any ChainStoring, asking chain: TestChain) throws {
        self = try store.snapshot { try StoreView($0, asking: chain) }
    }

    init(_ reader: any ChainReading, asking chain: TestChain) throws {
        tip = try reader.tip()
        state = try reader.state()
        blocks = try reader.blocks(from: 0, countMax: .max, bytesMax: .max)
        for commit in chain.commits {
            hashes.append(try reader.hash(at: commit.height))
            heights.append(try reader.height(of: commit.hash))
            for (outPoint, _) in commit.created { outputs[outPoint] = try reader.output(outPoint) }
            for transaction in commit.transactions {
                locations[transaction] = try reader.location(of: transaction)
            }
            for (key, _) in commit.nodes { nodes[key] = try reader.node(key) }
            for (index, _) in commit.chunks { chunks[index] = try reader.chunk(index) }
        }
        for script in TestChain.scripts {
            unspent.append(try reader.unspent(locking: script, after: nil, countMax: .max))
        }
    }

    /// What the model says a store must answer.
    init(expected chain: TestChain) {
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
                locations[transaction] = TransactionLocation(height: commit.height, index: UInt32(index))
            }
        }
        outputs = chain.outputs
        nodes = chain.nodes
        chunks = chain.chunks
        for script in TestChain.scripts {
            unspent.append(
                chain.outputs.filter { $0.value.output.locking == script }.sorted { $0.key < $1.key }
                    .map { UnspentOutput(outPoint: $0.key, entry: $0.value) })
        }
    }
}
