public import TimeCoinControl
public import TimeCoinCore
import TimeCoinStore

/// Takes old blocks out of a stopped node's database, and what they alone needed.
public enum DatabasePrune {
    /// What was taken away.
    public struct Summary: Hashable, Sendable {
        public let blocks: UInt64
        public let certificates: UInt64
        /// Groups of 64 outputs, all of them spent.
        public let groups: UInt64
        /// The first block that is there.
        public let blocksFrom: Height
        /// Why that one is kept.
        public let bound: String
        /// Bytes of pages that were in use before and are not any more.
        public let freedBytes: UInt64
        /// Bytes of all pages that can be used again.
        public let reusableBytes: UInt64
        /// Bytes of the database's file, as before.
        public let fileBytes: UInt64

        public var json: JSONValue {
            .object([
                "ok": .bool(true), "blocks": .integer(blocks), "certificates": .integer(certificates),
                "groups": .integer(groups), "blocksfrom": .integer(blocksFrom), "bound": .string(bound),
                "freedbytes": .integer(freedBytes), "reusablebytes": .integer(reusableBytes),
                "filebytes": .integer(fileBytes),
            ])
        }

        public var text: String {
            "pruned \(blocks) blocks, \(certificates) certificates, \(groups) groups of spent outputs\n"
                + "kept from block \(blocksFrom) on: \(bound)\n"
                + "\(freedBytes) bytes were freed, \(reusableBytes) can be used again; the file stays at "
                + "\(fileBytes) bytes: `backup` leaves free pages out, `restore` of it makes the file small"
        }
    }

    /// A block that must stay, and why.
    private struct Bound {
        let height: Height
        let reason: String
    }

    /// - Parameter count: how many blocks at the tip are kept at least; never fewer than the rules ask for.
    /// - Throws: ``DatabaseFailure``: `refused` where nothing may be taken away; faults of the disk, after
    ///   which it can be called again.
    public static func run(
        _ directory: NodeDirectory, keeping count: UInt64? = nil, progress: ProgressSink
    ) throws -> Summary {
        let database = try NodeDatabase(opening: directory)
        let store = database.store
        guard let bound = try store.snapshot({ try bound($0, keeping: count) }) else {
            throw DatabaseFailure(.refused, "there is no chain to prune")
        }
        let before = try store.statistics(in: database.path)
        let started = progress.clock.moment.instant
        var meter: ProgressMeter?
        let report = try store.prune(blocksBelow: bound.height) { done, total in
            var running =
                meter ?? ProgressMeter("prune", unit: "blocks and groups", total: total, at: started)
            progress.advance(&running, to: done)
            meter = running
        }
        if let meter { progress.finish(meter) }
        guard report.blocks > 0 || report.groups > 0 else {
            throw DatabaseFailure(
                .refused,
                "nothing may be pruned: blocks are there from \(report.base.blocksFrom) on, and "
                    + "from \(bound.height) on they must stay: \(bound.reason)")
        }
        let after = try store.statistics(in: database.path)
        return Summary(
            blocks: report.blocks, certificates: report.certificates, groups: report.groups,
            blocksFrom: report.base.blocksFrom, bound: bound.reason,
            freedBytes: before.tableBytes - min(before.tableBytes, after.tableBytes),
            reusableBytes: after.usedBytes - min(after.usedBytes, after.tableBytes),
            fileBytes: after.fileBytes)
    }

    /// The lowest of the blocks that something asks to keep.
    private static func bound(_ reader: any ChainReading, keeping count: UInt64?) throws -> Bound? {
        guard let tip = try reader.tip(), let time = try reader.header(at: tip.height)?.time else {
            return nil
        }
        let base = try reader.base()
        let oldest = time.milliseconds - min(time.milliseconds, Reactor.evidencePeriod)
        // Header times only rise, and undo records are kept without a gap.
        let evidence = try first(in: base.headersFrom...tip.height) { height in
            try reader.header(at: height).map { $0.time.milliseconds >= oldest } ?? false
        }
        let undo = try first(in: 0...tip.height) { try reader.undo(at: $0) != nil }
        let days = Reactor.evidencePeriod / (24 * 3_600_000)
        var bounds = [
            Bound(height: evidence, reason: "it is within the evidence period, \(days) days before the tip"),
            // Genesis has no undo record, and stays as long as the block behind it does.
            Bound(height: undo == 1 ? 0 : undo, reason: "it could still be taken back"),
        ]
        if let count {
            bounds.append(
                Bound(height: tip.height + 1 - min(count, tip.height + 1), reason: "it was asked for"))
        }
        return bounds.min { $0.height < $1.height }
    }

    /// The first height at which something holds that holds from there on; the last where it never does.
    private static func first(
        in heights: ClosedRange<Height>, _ holds: (Height) throws -> Bool
    ) rethrows -> Height {
        var (low, high) = (heights.lowerBound, heights.upperBound)
        while low < high {
            let middle = low + (high - low) / 2
            if try holds(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

extension StoreStatistics {
    /// Bytes of the pages that hold records.
    fileprivate var tableBytes: UInt64 {
        tables.reduce(0) { $0.addingReportingOverflow($1.bytes).partialValue }
    }
}
