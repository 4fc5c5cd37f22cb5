import Synchronization
public import TimeCoinCore

/// A chain in memory, by the same rules as ``ChainStore``: for tests, and for simulations of many nodes.
public final class MemoryChainStore: ChainStoring {
    public let instance: UInt64
    private let chain: Hash256
    private let options: StoreOptions
    private let memory: Mutex<MemoryChain>

    /// - Parameter chain: hash of the genesis block.
    public init(chain: Hash256, options: StoreOptions = StoreOptions()) {
        self.chain = chain
        self.options = options
        instance = options.instance ?? 1
        memory = Mutex(MemoryChain(addressIndex: options.addressIndex))
    }

    public func snapshot<Result>(_ body: (any ChainReading) throws -> Result) throws -> Result {
        try body(memory.withLock { $0 })
    }

    public func commit(_ blocks: [BlockCommit]) throws(StoreFailure) {
        try memory.withLock { memory throws(StoreFailure) in
            // A block is checked whole before it changes anything; only several blocks need a way back.
            let before = blocks.count > 1 ? memory : nil
            do throws(StoreFailure) {
                for block in blocks {
                    try memory.apply(block, chain: chain)
                }
            } catch {
                if let before { memory = before }
                throw error
            }
            memory.dropOldUndo(options)
        }
    }

    @discardableResult
    public func rollbackTip() throws(StoreFailure) -> ChainTip {
        try memory.withLock { memory throws(StoreFailure) in try memory.rollback() }
    }
}

/// A stored chain as a value.
struct MemoryChain {
    private struct StoredRecord {
        let header: HeaderRecord
        let block: [UInt8]
        let certificate: [UInt8]
    }

    let addressIndex: Bool
    private var currentTip: ChainTip?
    private var currentState: [UInt8]?
    /// By height.
    private var records: [StoredRecord] = []
    private var heights: [Hash256: Height] = [:]
    private var undo: [Height: UndoRecord] = [:]
    /// Undo records below this height are dropped.
    private var oldestUndo: Height = 1
    private var outputs: [OutPoint: OutputEntry] = [:]
    private var locations: [Hash256: TransactionLocation] = [:]
    private var nodes: [CommitmentNodeKey: Hash256] = [:]
    private var chunks: [UInt64: SpentChunk] = [:]
    private var addresses: [Script: Set<OutPoint>] = [:]

    init(addressIndex: Bool) {
        self.addressIndex = addressIndex
    }

    /// Checks everything before it changes anything.
    mutating func apply(_ block: BlockCommit, chain: Hash256) throws(StoreFailure) {
        try block.check(after: currentTip, chain: chain)
        var record: UndoRecord?
        if let currentTip, let currentState {
            record = UndoRecord(previousTip: currentTip, previousState: currentState, undoing: block)
            guard record != nil else { throw BlockCommit.strangerFailure }
        }
        try check(block)
        undo[block.height] = record
        records.append(
            StoredRecord(
                header: HeaderRecord(hash: block.hash, header: block.header), block: block.block,
                certificate: block.certificate))
        heights[block.hash] = block.height
        for (index, identifier) in block.transactions.enumerated() {
            locations[identifier] = TransactionLocation(
                height: block.height, index: UInt32(truncatingIfNeeded: index))
        }
        for (outPoint, _) in block.spent { remove(outPoint) }
        for (outPoint, entry) in block.created { insert(outPoint, entry) }
        for (key, hash) in block.nodes { nodes[key] = hash }
        for (index, chunk) in block.chunks { chunks[index] = chunk }
        currentTip = block.tip(after: currentTip)
        currentState = block.state
    }

    private func check(_ block: BlockCommit) throws(StoreFailure) {
        var identifiers = Set<Hash256>()
        for identifier in block.transactions
        where locations[identifier] != nil || !identifiers.insert(identifier).inserted {
            throw StoreFailure(.invalidCommit, "transaction \(identifier) is in the chain already")
        }
        var spent = Set<OutPoint>()
        for (outPoint, _) in block.spent
        where outputs[outPoint] == nil || !spent.insert(outPoint).inserted {
            throw StoreFailure(
                .missingOutput, "\(outPoint.transaction):\(outPoint.index) is not there to spend")
        }
        var created = Set<OutPoint>()
        for (outPoint, _) in block.created
        where (outputs[outPoint] != nil && !spent.contains(outPoint)) || !created.insert(outPoint).inserted {
            throw StoreFailure(.duplicateOutput, "\(outPoint.transaction):\(outPoint.index) is there already")
        }
    }

    private mutating func insert(_ outPoint: OutPoint, _ entry: OutputEntry) {
        outputs[outPoint] = entry
        if addressIndex { addresses[entry.output.locking, default: []].insert(outPoint) }
    }

    private mutating func remove(_ outPoint: OutPoint) {
        guard let entry = outputs.removeValue(forKey: outPoint), addressIndex else { return }
        addresses[entry.output.locking]?.remove(outPoint)
        if addresses[entry.output.locking]?.isEmpty == true { addresses[entry.output.locking] = nil }
    }

    mutating func dropOldUndo(_ options: StoreOptions) {
        guard let tip = currentTip else { return }
        while oldestUndo < tip.height, tip.height - oldestUndo >= options.undoBlocks,
            let oldest = record(at: oldestUndo)?.header.header,
            tip.slot - min(tip.slot, oldest.slot) >= options.undoSlots
        {
            undo[oldestUndo] = nil
            oldestUndo += 1
        }
    }

    mutating func rollback() throws(StoreFailure) -> ChainTip {
        guard let tip = currentTip, let record = undo[tip.height] else {
            throw StoreFailure(.noUndo, "there is no undo record of the tip")
        }
        let commitment = try CommitmentRollback(
            leafCount: tip.leafCount, to: record.previousTip.leafCount,
            spent: record.spent.map(\.entry.position),
            kept: self)
        undo[tip.height] = nil
        records.removeLast()
        heights[tip.hash] = nil
        for identifier in record.transactions { locations[identifier] = nil }
        for outPoint in record.created { remove(outPoint) }
        for output in record.spent { insert(output.outPoint, output.entry) }
        for key in commitment.removedNodes { nodes[key] = nil }
        for (key, hash) in commitment.nodes { nodes[key] = hash }
        for index in commitment.removedChunks { chunks[index] = nil }
        for (index, chunk) in commitment.chunks { chunks[index] = chunk }
        currentTip = record.previousTip
        currentState = record.previousState
        return record.previousTip
    }

    private func record(at height: Height) -> StoredRecord? {
        guard let index = Int(exactly: height), records.indices.contains(index) else { return nil }
        return records[index]
    }
}

extension MemoryChain: ChainReading {
    func tip() throws(StoreFailure) -> ChainTip? { currentTip }

    func state() throws(StoreFailure) -> [UInt8]? { currentState }

    func header(at height: Height) throws(StoreFailure) -> BlockHeader? { record(at: height)?.header.header }

    func hash(at height: Height) throws(StoreFailure) -> Hash256? { record(at: height)?.header.hash }

    func height(of block: Hash256) throws(StoreFailure) -> Height? { heights[block] }

    func block(at height: Height) throws(StoreFailure) -> [UInt8]? { record(at: height)?.block }

    func certificate(at height: Height) throws(StoreFailure) -> [UInt8]? { record(at: height)?.certificate }

    func location(of transaction: Hash256) throws(StoreFailure) -> TransactionLocation? {
        locations[transaction]
    }

    func output(_ outPoint: OutPoint) throws(StoreFailure) -> OutputEntry? { outputs[outPoint] }

    func node(_ key: CommitmentNodeKey) throws(StoreFailure) -> Hash256? { nodes[key] }

    func chunk(_ index: UInt64) throws(StoreFailure) -> SpentChunk? { chunks[index] }

    func unspent(
        locking: Script, after last: OutPoint?, countMax: Int
    ) throws(StoreFailure) -> [UnspentOutput] {
        guard addressIndex else { throw StoreFailure(.wrongOptions, "this store has no index of addresses") }
        let listed = (addresses[locking] ?? []).filter { outPoint in last.map { outPoint > $0 } ?? true }
        return listed.sorted().prefix(max(0, countMax)).compactMap { outPoint in
            outputs[outPoint].map { UnspentOutput(outPoint: outPoint, entry: $0) }
        }
    }

    func undo(at height: Height) throws(StoreFailure) -> UndoRecord? { undo[height] }
}
