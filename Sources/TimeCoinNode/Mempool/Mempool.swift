import HeapModule
public import TimeCoinCore

/// Verified transactions that wait for a block. A value: it decides, and nothing else.
///
/// No two waiting transactions spend the same output; parents always wait together with their children or
/// are in
/// the chain.
public struct Mempool: Sendable {
    public struct Limits: Sendable, Equatable {
        public var transactionsMax = 10_000
        /// Memory of all entries, by ``Mempool/memory(of:parents:)``. Unit: bytes.
        public var memoryBytesMax = 300_000_000
        /// A transaction that waited so long is dropped, milliseconds.
        public var expiryMilliseconds: UInt64 = 24 * 3600 * 1000

        public init() {}
    }

    public struct Entry: Sendable {
        public let checked: CheckedTransaction
        public let proof: ScriptProof
        public let fee: Amount
        public let arrived: Instant
        let sequence: UInt64
        let memoryBytes: Int
        /// Waiting transactions whose outputs this one spends.
        let parents: [Hash256]
        /// Waiting transactions that spend outputs of this one.
        fileprivate(set) var children: Set<Hash256> = []

        var rate: FeeRate { FeeRate(fee: fee, size: checked.size) }
    }

    /// A place in the order of who goes first when there is no room. Entries that have left stay in the heap
    /// until they come up.
    private struct Payer: Comparable, Sendable {
        let rate: FeeRate
        let sequence: UInt64
        let txid: Hash256

        /// The worst payer first; of equal ones the last to come.
        static func < (left: Payer, right: Payer) -> Bool {
            if left.rate < right.rate { return true }
            return right.rate < left.rate ? false : left.sequence > right.sequence
        }
    }

    /// Unconfirmed transactions that may hang together in a line.
    public static let chainMax = 25
    /// Spent outputs for which the map of them keeps its room, whatever waits. Unit: outputs.
    private static let spendersKept = 50_000

    public let limits: Limits
    private(set) var entries: [Hash256: Entry] = [:]
    private var spenders: [OutPoint: Hash256] = [:]
    private var witnesses: [Hash256: Hash256] = [:]
    private var payers = Heap<Payer>()
    private var nextSequence: UInt64 = 0
    /// What a newcomer must pay more than, since others had to go for too little; forgotten when half of the
    /// room is free again.
    public private(set) var rateFloor: FeeRate?
    public private(set) var memoryBytes = 0
    public private(set) var encodedBytes = 0

    public init(limits: Limits = Limits()) {
        self.limits = limits
    }

    public var count: Int { entries.count }
    public var isEmpty: Bool { entries.isEmpty }
    public var transactionIDs: [Hash256] {
        entries.values.sorted { $0.sequence < $1.sequence }.map(\.checked.txid)
    }

    /// Witness identifiers of what waits, first come first.
    public func names(arrivedBefore limit: Instant? = nil) -> [Hash256] {
        let found =
            limit.map { limit in entries.values.filter { $0.arrived < limit } }
            ?? Array(entries.values)
        return found.sorted { $0.sequence < $1.sequence }.map(\.checked.wtxid)
    }

    /// The rate that pays for a place behind at most so many bytes of what waits: that of whoever stands
    /// there, the floor of a full mempool, or the least that the rules ask for.
    public func rate(forBytesAhead bytes: Int) -> FeeRate {
        var rate = FeeRate(fee: Fees.minimum(forSize: 1_000_000), size: 1_000_000)
        if let rateFloor { rate = max(rate, rateFloor) }
        guard bytes > 0, encodedBytes > bytes else { return rate }
        var ahead = 0
        for entry in entries.values.sorted(by: Entry.paysBetter) {
            ahead += entry.checked.size
            if ahead > bytes { return max(rate, entry.rate) }
        }
        return rate
    }

    /// When what waits longest arrived; `nil` when nothing waits.
    public var oldestArrival: Instant? { entries.values.lazy.map(\.arrived).min() }

    public func entry(_ txid: Hash256) -> Entry? { entries[txid] }

    public func entry(wtxid: Hash256) -> Entry? { witnesses[wtxid].flatMap { entries[$0] } }

    public func contains(wtxid: Hash256) -> Bool { witnesses[wtxid] != nil }

    public func spender(of outPoint: OutPoint) -> Hash256? { spenders[outPoint] }

    /// What can be said before the fee is known: whether it waits already, hangs on too long a chain, or
    /// conflicts with more than it could replace.
    ///
    /// - Returns: what it must pay to replace what it conflicts with; `nil` without a conflict.
    public func precheck(_ checked: CheckedTransaction) throws(MempoolRejection) -> ReplacementPrice? {
        guard entries[checked.txid] == nil else { throw .alreadyWaiting(checked.txid) }
        let parents = parents(of: checked)
        guard ancestors(of: parents).count < Mempool.chainMax else { throw .chainTooLong }
        return try ReplacementPrice(of: checked, parents: parents, in: self)
    }

    /// The output of a waiting transaction, as the next block would see it.
    public func output(_ outPoint: OutPoint, on state: ChainState, slot: Slot) -> OutputEntry? {
        guard let transaction = entries[outPoint.transaction]?.checked.transaction,
            transaction.outputs.indices.contains(Int(outPoint.index))
        else { return nil }
        let output = transaction.outputs[Int(outPoint.index)]
        guard !output.locking.isDataCarrier else { return nil }
        return OutputEntry(
            output: output, height: state.height + 1, slot: slot, time: state.header.time, kind: .transfer,
            position: .max)
    }

    /// Takes a transaction in.
    ///
    /// - Returns: identifiers of what had to go for it.
    public mutating func admit(
        _ verified: VerifiedTransaction, proof: ScriptProof, at now: Instant
    ) throws(MempoolRejection) -> [Hash256] {
        let checked = verified.spendable.checked
        let price = try precheck(checked)
        try price?.check(verified.spendable)
        let parents = parents(of: checked)
        let entry = Entry(
            checked: checked, proof: proof, fee: verified.spendable.fee, arrived: now, sequence: nextSequence,
            memoryBytes: Mempool.memory(of: checked.transaction, parents: parents.count), parents: parents)
        // Taken out first: they make room themselves, and are back if it is not enough.
        let replaced = price?.replaced ?? []
        let removed = replaced.compactMap { entries[$0] }
        for txid in replaced { remove(txid) }
        let evicted: [Hash256]
        do {
            evicted = try makeRoom(for: entry)
        } catch {
            for entry in removed.sorted(by: { $0.sequence < $1.sequence }) { insert(entry) }
            throw error
        }
        nextSequence += 1
        insert(entry)
        return replaced + evicted
    }

    /// Takes out what a block made final, and what conflicts with it.
    ///
    /// - Returns: identifiers of the conflicting ones, with everything that hung on them.
    public mutating func settle(_ block: CheckedBlock) -> [Hash256] {
        var conflicting: [Hash256] = []
        for checked in block.transactions {
            if entries[checked.txid] != nil { remove(checked.txid) }
            for input in checked.transaction.inputs {
                if let other = spenders[input.previous] { conflicting += removeWithDescendants(other) }
            }
        }
        return conflicting
    }

    /// Drops what waited too long.
    public mutating func expire(at now: Instant) -> [Hash256] {
        let late = entries.values.filter {
            $0.arrived.advanced(byMilliseconds: limits.expiryMilliseconds) < now
        }
        return late.flatMap { removeWithDescendants($0.checked.txid) }
    }

    /// Drops one transaction and everything that spends from it.
    public mutating func drop(_ txid: Hash256) -> [Hash256] { removeWithDescendants(txid) }

    /// What to try for the next block: best fee rate first, parents always before their children.
    public func candidates() -> [(transaction: CheckedTransaction, proof: ScriptProof)] {
        var placed = Set<Hash256>(minimumCapacity: entries.count)
        var order: [(transaction: CheckedTransaction, proof: ScriptProof)] = []
        order.reserveCapacity(entries.count)
        for entry in entries.values.sorted(by: Entry.paysBetter) {
            for ancestor in ancestors(of: [entry.checked.txid]).reversed()
            where placed.insert(ancestor).inserted {
                if let entry = entries[ancestor] { order.append((entry.checked, entry.proof)) }
            }
        }
        return order
    }

    // MARK: - Room

    /// Evicts the worst payers until the entry fits, or refuses it when it is the worst itself; a refusal
    /// changes nothing.
    private mutating func makeRoom(for entry: Entry) throws(MempoolRejection) -> [Hash256] {
        guard isOverfull(with: entry) else { return [] }
        let protected = Set(ancestors(of: entry.parents))
        var victims: Set<Hash256> = []
        var freedBytes = 0
        var looked: [Payer] = []
        var worstRate: FeeRate?
        while entries.count - victims.count + 1 > limits.transactionsMax
            || memoryBytes - freedBytes + entry.memoryBytes > limits.memoryBytesMax
        {
            guard let payer = payers.popMin() else { break }
            guard entries[payer.txid]?.sequence == payer.sequence else { continue }
            looked.append(payer)
            if protected.contains(payer.txid) { continue }
            guard payer.rate < entry.rate else { break }
            worstRate = payer.rate
            for txid in descendants(of: payer.txid) where victims.insert(txid).inserted {
                freedBytes += entries[txid]?.memoryBytes ?? 0
            }
        }
        for payer in looked where !victims.contains(payer.txid) { payers.insert(payer) }
        let fits =
            entries.count - victims.count + 1 <= limits.transactionsMax
            && memoryBytes - freedBytes + entry.memoryBytes <= limits.memoryBytesMax
        guard fits, victims.isDisjoint(with: protected) else {
            for payer in looked where victims.contains(payer.txid) { payers.insert(payer) }
            throw .full
        }
        for txid in victims { remove(txid) }
        rateFloor = worstRate
        return victims.sorted()
    }

    private func isOverfull(with entry: Entry) -> Bool {
        entries.count + 1 > limits.transactionsMax || memoryBytes + entry.memoryBytes > limits.memoryBytesMax
    }

    // MARK: - Maps

    private mutating func insert(_ entry: Entry) {
        entries[entry.checked.txid] = entry
        for parent in entry.parents { entries[parent]?.children.insert(entry.checked.txid) }
        witnesses[entry.checked.wtxid] = entry.checked.txid
        for input in entry.checked.transaction.inputs {
            spenders[input.previous] = entry.checked.txid
        }
        memoryBytes += entry.memoryBytes
        encodedBytes += entry.checked.size
        payers.insert(Payer(rate: entry.rate, sequence: entry.sequence, txid: entry.checked.txid))
        // Those that have left never outnumber those that wait by much.
        if payers.count > 2 * entries.count + 1000 {
            payers = Heap(
                entries.values.map { Payer(rate: $0.rate, sequence: $0.sequence, txid: $0.checked.txid) })
        }
    }

    private mutating func remove(_ txid: Hash256) {
        guard let entry = entries.removeValue(forKey: txid) else { return }
        witnesses[entry.checked.wtxid] = nil
        for parent in entry.parents { entries[parent]?.children.remove(txid) }
        for input in entry.checked.transaction.inputs {
            spenders[input.previous] = nil
        }
        if spenders.capacity > Mempool.spendersKept, spenders.count < spenders.capacity / 8 {
            // A map keeps the room that it once needed.
            spenders = Dictionary(uniqueKeysWithValues: spenders.map { ($0.key, $0.value) })
        }
        memoryBytes -= entry.memoryBytes
        encodedBytes -= entry.checked.size
        if entries.count <= limits.transactionsMax / 2, memoryBytes <= limits.memoryBytesMax / 2 {
            rateFloor = nil
        }
    }

    private mutating func removeWithDescendants(_ txid: Hash256) -> [Hash256] {
        let removed = descendants(of: txid)
        for txid in removed { remove(txid) }
        return removed
    }
}

extension Mempool.Entry {
    /// Higher rate first, then first come.
    static func paysBetter(_ left: Mempool.Entry, _ right: Mempool.Entry) -> Bool {
        let (leftRate, rightRate) = (left.rate, right.rate)
        if rightRate < leftRate { return true }
        return leftRate < rightRate ? false : left.sequence < right.sequence
    }
}
