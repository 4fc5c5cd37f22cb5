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
        let transactions: [CommittedTransaction]
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
    private var addresses: [Script: [UInt64: OutPoint]] = [:]
    private var committed: [Hash256: CommittedTransaction] = [:]
    private var histories: [Script: [TransactionLocation]] = [:]
    private var positions: [UInt64: OutPoint] = [:]
    private var sets: [Hash256: ValidatorSet] = [:]
    private var changes: [Height] = []

    init(addressIndex: Bool) {
        self.addressIndex = addressIndex
    }

    /// Checks everything before it changes anything.
    mutating func apply(_ block: BlockCommit, chain: Hash256) throws(StoreFailure) {
        try block.check(after: currentTip, chain: chain)
        try block.checkOutputs(after: currentTip) { index throws(StoreFailure) in chunks[index] }
        try check(block)
        if let currentTip, let currentState {
            undo[block.height] = UndoRecord(
                previousTip: currentTip, previousState: currentState, undoing: block, history: [])
        }
        records.append(
            StoredRecord(
                header: HeaderRecord(hash: block.hash, header: block.header), block: block.block,
                certificate: block.certificate, transactions: block.transactions))
        heights[block.hash] = block.height
        for (index, transaction) in block.transactions.enumerated() {
            let location = TransactionLocation(height: block.height, index: UInt32(truncatingIfNeeded: index))
            locations[transaction.identifier] = location
            committed[transaction.identifier] = transaction
            guard addressIndex else { continue }
            for script in Set(transaction.scripts) { histories[script, default: []].append(location) }
        }
        for (outPoint, _) in block.spent { remove(outPoint) }
        for (outPoint, entry) in block.created { insert(outPoint, entry) }
        for (key, hash) in block.nodes { nodes[key] = hash }
        for (index, chunk) in block.chunks { chunks[index] = chunk }
        if let validators = block.validators {
            sets[validators.hash] = validators
            if block.header.nextValidators != block.header.validators { changes.append(block.height) }
        }
        currentTip = block.tip(after: currentTip)
        currentState = block.state
    }

    private func check(_ block: BlockCommit) throws(StoreFailure) {
        var identifiers = Set<Hash256>()
        for transaction in block.transactions
        where locations[transaction.identifier] != nil || !identifiers.insert(transaction.identifier).inserted
        {
            throw StoreFailure(
                .invalidCommit, "transaction \(transaction.identifier) is in the chain already")
        }
        let added = block.nodes.count { BlockCommit.isLeaf($0.key) }
        guard UInt64(added) == block.leafCount - (currentTip?.leafCount ?? 0) else {
            throw StoreFailure(.invalidCommit, "block \(block.height) does not bring all of its leaves")
        }
    }

    private mutating func insert(_ outPoint: OutPoint, _ entry: OutputEntry) {
        outputs[outPoint] = entry
        positions[entry.position] = outPoint
        if addressIndex { addresses[entry.output.locking, default: [:]][entry.position] = outPoint }
    }

    private mutating func remove(_ outPoint: OutPoint) {
        guard let entry = outputs.removeValue(forKey: outPoint) else { return }
        positions[entry.position] = nil
        guard addressIndex else { return }
        addresses[entry.output.locking]?[entry.position] = nil
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
        guard let tip = currentTip, let record = undo[tip.height], let currentState,
            let previousState = record.previousState(after: currentState)
        else {
            throw StoreFailure(.noUndo, "there is no undo record of the tip")
        }
        let commitment = try CommitmentRollback(
            leafCount: tip.leafCount, to: record.previousTip.leafCount,
            spent: record.spent.map(\.entry.position),
            kept: self)
        undo[tip.height] = nil
        let last = records.removeLast()
        heights[tip.hash] = nil
        if changes.last == tip.height { changes.removeLast() }
        for transaction in last.transactions {
            locations[transaction.identifier] = nil
            committed[transaction.identifier] = nil
            for script in transaction.scripts {
                histories[script]?.removeAll { $0.height == tip.height }
                if histories[script]?.isEmpty == true { histories[script] = nil }
            }
        }
        for position in record.previousTip.leafCount..<tip.leafCount {
            if let outPoint = positions[position] { remove(outPoint) }
        }
        for output in record.spent { insert(output.outPoint, output.entry) }
        for key in commitment.removedNodes { nodes[key] = nil }
        for (key, hash) in commitment.nodes { nodes[key] = hash }
        for index in commitment.removedChunks { chunks[index] = nil }
        for (index, chunk) in commitment.chunks { chunks[index] = chunk }
        currentTip = record.previousTip
        self.currentState = previousState
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

    func base() throws(StoreFailure) -> HistoryBase { .whole }

    func position(of outPoint: OutPoint) throws(StoreFailure) -> UInt64? {
        committed[outPoint.transaction]?.position(of: outPoint.index)
    }

    func outputs(from position: UInt64, countMax: Int) throws(StoreFailure) -> [UnspentOutput] {
        positions.keys.filter { $0 >= position }.sorted().prefix(max(0, countMax)).compactMap(unspent(at:))
    }

    private func unspent(at position: UInt64) -> UnspentOutput? {
        guard let outPoint = positions[position] else { return nil }
        return outputs[outPoint].map { UnspentOutput(outPoint: outPoint, entry: $0) }
    }

    func leaves(group: UInt64) throws(StoreFailure) -> [Hash256]? {
        let first = group.multipliedReportingOverflow(by: LeafGroup.size)
        guard !first.overflow else { return nil }
        var leaves: [Hash256] = []
        while UInt64(leaves.count) < LeafGroup.size,
            let leaf = nodes[
                CommitmentNodeKey(tree: .outputs, level: 0, index: first.partialValue + UInt64(leaves.count))]
        {
            leaves.append(leaf)
        }
        return leaves.isEmpty ? nil : leaves
    }

    func unspent(
        locking: Script, after last: UInt64?, countMax: Int
    ) throws(StoreFailure) -> [UnspentOutput] {
        try requireIndex()
        let listed = (addresses[locking] ?? [:]).keys.filter { position in
            last.map { position > $0 } ?? true
        }
        return listed.sorted().prefix(max(0, countMax)).compactMap(unspent(at:))
    }

    func history(
        locking: Script, after last: TransactionLocation?, countMax: Int
    ) throws(StoreFailure) -> [TransactionLocation] {
        try requireIndex()
        let behind = (histories[locking] ?? []).filter { location in
            last.map { ($0.height, $0.index) < (location.height, location.index) } ?? true
        }
        return Array(behind.prefix(max(0, countMax)))
    }

    func history(
        locking: Script, before first: TransactionLocation?, countMax: Int
    ) throws(StoreFailure) -> [TransactionLocation] {
        try requireIndex()
        let before = (histories[locking] ?? []).reversed().filter { location in
            first.map { (location.height, location.index) < ($0.height, $0.index) } ?? true
        }
        return Array(before.prefix(max(0, countMax)))
    }

    private func requireIndex() throws(StoreFailure) {
        guard addressIndex else { throw StoreFailure(.wrongOptions, "this store has no index of addresses") }
    }

    func validatorSet(_ hash: Hash256) throws(StoreFailure) -> ValidatorSet? { sets[hash] }

    func setChanges(from height: Height, countMax: Int) throws(StoreFailure) -> [Height] {
        Array(changes.filter { $0 >= height }.prefix(max(0, countMax)))
    }

    func undo(at height: Height) throws(StoreFailure) -> UndoRecord? { undo[height] }
}
