public import TimeCoinControl
public import TimeCoinCore
import TimeCoinStore

/// Takes blocks back that nobody has certified. What is certified is final, here as everywhere: of that only
/// a recovery takes something back.
public enum DatabaseRollback {
    /// What is, or would be, taken back.
    public struct Summary: Hashable, Sendable {
        /// The tip before.
        public let from: Height
        /// The tip after.
        public let to: Height
        /// Hash of the tip after.
        public let hash: Hash256
        /// Of the blocks taken back, in the order of their heights.
        public let undone: [Hash256]
        /// Nothing was changed.
        public let isDryRun: Bool

        public var json: JSONValue {
            .object([
                "ok": .bool(true), "dryrun": .bool(isDryRun), "from": .integer(from), "to": .integer(to),
                "hash": .string(hash.description), "count": .integer(undone.count),
                "undone": .array(undone.map { .string($0.description) }),
            ])
        }

        public var text: String {
            let verb = isDryRun ? "would take back" : "took back"
            guard !undone.isEmpty else { return "nothing to take back: the tip is \(from) \(hash)" }
            let lines = undone.enumerated().map { "  \(to + UInt64($0) + 1) \($1)" }
            return (["\(verb) \(undone.count) blocks, from \(from) to \(to) \(hash)"] + lines)
                .joined(separator: "\n")
        }

        /// What people must hear about so many blocks; `nil` where it is nothing unusual.
        public var warning: String? {
            switch UncertifiedBlocks.Alarm(count: undone.count) {
            case .quiet: nil
            case .alert:
                "warning: \(undone.count) blocks without a commit certificate: find out how they came here"
            case .loud:
                "error: ALARM: \(undone.count) blocks without a commit certificate! No node writes such: the "
                    + "database was put together wrongly or another program has written to it. Look into it "
                    + "before this node signs again"
            }
        }
    }

    /// - Parameter target: the tip to go back to; by default the last certified block.
    /// - Throws: ``DatabaseFailure``: `refused` for certified blocks; faults of the disk, after which it can
    ///   be repeated.
    public static func run(
        _ directory: NodeDirectory, to target: Height?, isDryRun: Bool
    ) throws -> Summary {
        let database = try NodeDatabase(opening: directory)
        let tip = try database.state()
        let found = try UncertifiedBlocks.find(in: database.store, tip: tip)
        let certified = tip.height - UInt64(found.count)
        let target = target ?? certified
        guard !found.isEmpty, target >= certified else {
            throw DatabaseFailure(
                .refused,
                certified == 0
                    ? "block 0 is the genesis: it is never taken back"
                    : "block \(certified) has a commit certificate: it is final; "
                        + "only a recovery takes it back",
                hint: "see Docs/ForkRunbook.md for what to do after a fork")
        }
        guard target <= tip.height else {
            throw DatabaseFailure(.refused, "block \(target) is above the tip \(tip.height)")
        }
        let count = Int(tip.height - target)
        let undone = found.prefix(count).map(\.hash).reversed()
        if !isDryRun { _ = try UncertifiedBlocks.takeBack(count, from: tip, in: database.store) }
        guard let hash = try database.store.snapshot({ try $0.hash(at: target) }) else {
            throw DatabaseFailure(.damaged, "the header of block \(target) is missing")
        }
        return Summary(from: tip.height, to: target, hash: hash, undone: Array(undone), isDryRun: isDryRun)
    }
}
