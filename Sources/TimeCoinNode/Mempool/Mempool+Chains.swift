import TimeCoinCore

/// How waiting transactions hang together. What these cost is bounded by the limits of the mempool, whatever
/// a stranger sends: they run before anything was paid.
extension Mempool {
    /// Waiting transactions whose outputs this one spends; of too many, ``chainMax`` of them.
    func parents(of checked: CheckedTransaction) -> [Hash256] {
        var parents: [Hash256] = []
        for input in checked.transaction.inputs where entries[input.previous.transaction] != nil {
            guard parents.count < Mempool.chainMax else { break }
            if !parents.contains(input.previous.transaction) { parents.append(input.previous.transaction) }
        }
        return parents
    }

    /// The given ones and all that they hang on, children before their parents. Ends early just past the
    /// limit.
    func ancestors(of start: [Hash256]) -> [Hash256] {
        guard start.contains(where: { entries[$0].map { !$0.parents.isEmpty } ?? false }) else {
            return start
        }
        var depths: [Hash256: Int] = [:]
        var frontier = start
        var depth = 0
        while !frontier.isEmpty, depth <= Mempool.chainMax {
            for txid in frontier { depths[txid] = depth }
            frontier = Array(Set(frontier.flatMap { entries[$0]?.parents ?? [] })).sorted()
            depth += 1
        }
        return depths.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.map(\.key)
    }

    /// A transaction and everything that spends from it; of more than `countMax`, one more than that.
    func descendants(of txid: Hash256, countMax: Int = .max - 1) -> [Hash256] {
        var found: [Hash256] = []
        var seen: Set<Hash256> = []
        var frontier = [txid]
        while let next = frontier.popLast() {
            guard let entry = entries[next], seen.insert(next).inserted else { continue }
            found.append(next)
            guard found.count <= countMax else { break }
            frontier += entry.children.sorted()
        }
        return found
    }
}
