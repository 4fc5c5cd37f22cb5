public import TimeCoinCore

/// What pruning took away.
public struct PruneReport: Hashable, Sendable {
    /// Blocks, and with those of payments their certificates.
    public internal(set) var blocks: UInt64 = 0
    public internal(set) var certificates: UInt64 = 0
    /// Groups of 64 leaves of the output commitment, all of them spent.
    public internal(set) var groups: UInt64 = 0
    public internal(set) var base: HistoryBase
}

extension ChainStore {
    /// Blocks, or groups of leaves, that one write transaction of a pruning takes away at most.
    static let prunedMax: UInt64 = 512

    /// Takes away old blocks and the leaves of outputs that are long spent. Headers and the certificates of
    /// scheduled blocks stay: every block is an ancestor of one that can be proven.
    ///
    /// Stopped at any moment, it goes on from there when called again.
    ///
    /// - Parameters:
    ///   - height: blocks below are taken away.
    ///   - progress: how many of how many heights and groups were looked at.
    /// - Throws: ``StoreFailure``: `wrongHeight` for blocks that could still be taken back; as
    ///   ``commit(_:)``.
    public func prune(
        blocksBelow height: Height, progress: (UInt64, UInt64) -> Void = { _, _ in }
    ) throws(StoreFailure) -> PruneReport {
        var bounds = try pruningBounds()
        guard height <= bounds.oldest else {
            throw StoreFailure(
                .wrongHeight, "blocks from \(bounds.oldest) on can still be taken back, so they are kept")
        }
        let groups = bounds.keptFrom
        let total = height - min(height, bounds.base.blocksFrom) + groups
        var report = PruneReport(base: bounds.base)
        while report.base.blocksFrom < height {
            try hot.changing { () throws(StoreFailure) in
                try environment.write { transaction throws(StoreFailure) in
                    try ChainWriter(transaction, tables, options).pruneBlocks(below: height, &report)
                }
            }
            progress(report.blocks, total)
        }
        var next: UInt64 = 0
        while next < groups {
            let end = min(groups, next + ChainStore.prunedMax)
            let pruned = try environment.write { transaction throws(StoreFailure) -> UInt64? in
                let writer = ChainWriter(transaction, tables, options)
                // A block that came meanwhile has an undo record of its own.
                guard try writer.reader.tip() == bounds.tip else { return nil }
                return try writer.pruneGroups(next..<min(end, bounds.keptFrom), keeping: bounds.spent)
            }
            guard let pruned else {
                bounds = try pruningBounds()
                continue
            }
            report.groups += pruned
            next = end
            progress(report.blocks + next, total)
        }
        return report
    }

    /// What pruning keeps.
    private struct PruningBounds {
        let base: HistoryBase
        let tip: ChainTip
        /// The first block that can be taken back.
        let oldest: Height
        /// Groups in which a rollback would bring something back.
        let spent: Set<UInt64>
        /// Groups from here on get leaves from blocks that can be taken back, or are not full.
        let keptFrom: UInt64
    }

    /// Reads every undo record.
    private func pruningBounds() throws(StoreFailure) -> PruningBounds {
        do {
            return try reading { reader in
                guard let tip = try reader.tip() else {
                    throw StoreFailure(.missing, "there is no chain to prune")
                }
                let first = try reader.transaction.firstKey(tables.undo)?.leadingNumber
                var spent: Set<UInt64> = []
                var leaves = tip.leafCount
                var height = first ?? tip.height
                while first != nil, height <= tip.height {
                    guard let undo = try reader.undo(at: height) else {
                        throw tables.undo.corrupt(RecordKey(height), "missing")
                    }
                    leaves = min(leaves, undo.previousTip.leafCount)
                    spent.formUnion(undo.spent.map { $0.entry.position / LeafGroup.size })
                    height += 1
                }
                return PruningBounds(
                    base: try reader.base(), tip: tip, oldest: first ?? tip.height, spent: spent,
                    keptFrom: leaves / LeafGroup.size)
            }
        } catch let failure as StoreFailure {
            throw failure
        } catch {
            throw StoreFailure(.corrupt, "the bounds of pruning cannot be read", cause: error)
        }
    }
}

extension ChainWriter {
    fileprivate func pruneBlocks(below height: Height, _ report: inout PruneReport) throws(StoreFailure) {
        let from = report.base.blocksFrom
        let end = min(height, from + ChainStore.prunedMax)
        for height in from..<end {
            try remove(tables.blocks, RecordKey(height))
            report.blocks += 1
            guard try reader.header(at: height)?.kind == .payment else { continue }
            try remove(tables.certificates, RecordKey(height))
            report.certificates += 1
        }
        report.base = HistoryBase(headersFrom: report.base.headersFrom, blocksFrom: end)
        try overwrite(report.base.encoded, tables.state, ChainTables.baseKey)
        try finish()
    }

    fileprivate func pruneGroups(
        _ groups: Range<UInt64>, keeping kept: Set<UInt64>
    ) throws(StoreFailure) -> UInt64 {
        var pruned: UInt64 = 0
        for group in groups where !kept.contains(group) {
            let first = group * LeafGroup.size
            guard let chunk = try reader.chunk(first / SpentChunk.positions),
                (first..<first + LeafGroup.size).allSatisfy({ chunk.isSpent($0) }),
                try transaction.delete(tables.leaves, RecordKey(group))
            else { continue }
            try transaction.deleteRecords(tables.outputs, from: first, count: LeafGroup.size) { _ in true }
            pruned += 1
        }
        try finish()
        return pruned
    }
}
