public import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

/// What a verification found, and what to do about it.
public struct VerificationSummary: Hashable, Sendable {
    let height: Height?
    /// Recomputed from the records; `nil` where they do not suffice.
    let stateRoot: Hash256?
    /// Unspent outputs, counted; `nil` where nothing could be counted.
    let outputs: UInt64?
    /// All money there is, added up from the records.
    let supply: Amount?
    /// Records looked at.
    let records: UInt64
    let damages: [DatabaseReport.Damage]
    /// What to do about a recovery that is not followed here; `nil` where it is.
    private let followHint: String?

    /// Tables that everything else can be made of again.
    private static let sources: Set<String> = ["blocks", "certificates"]

    init(_ report: DatabaseReport, of directory: NodeDirectory) {
        let isEmpty = report.height == nil
        height = report.height
        stateRoot = report.stateRoot
        outputs = isEmpty ? nil : report.outputs
        supply = report.supply
        records = report.records
        followHint = report.unfollowedRecovery.map { _ in RecoveryDirectory.followHint(directory) }
        damages =
            isEmpty && report.damages.isEmpty
            ? [VerificationSummary.damage("it has no chain")] : report.damages
    }

    /// A database that does not open.
    init(unreadable failure: StoreFailure) {
        self.init(
            failure.damaged.isEmpty
                ? [VerificationSummary.damage(failure.message)]
                : failure.damaged.map { .init(record: $0, reason: failure.message) })
    }

    /// A database that ends the process that reads it.
    init(crashedBy signal: Int32) {
        self.init([
            VerificationSummary.damage(
                "a damaged page ended the database engine (signal \(signal)); which one is not known")
        ])
    }

    private init(_ damages: [DatabaseReport.Damage]) {
        height = nil
        stateRoot = nil
        outputs = nil
        supply = nil
        records = 0
        followHint = nil
        self.damages = damages
    }

    private static func damage(_ reason: String) -> DatabaseReport.Damage {
        .init(record: .init(table: "", key: []), reason: reason)
    }

    /// Whether everything is as the certified header says.
    public var isSound: Bool { damages.isEmpty }

    public var json: JSONValue {
        .object([
            "height": height.map { .integer($0) } ?? .null, "stateroot": .optional(stateRoot?.description),
            "outputs": outputs.map { .integer($0) } ?? .null, "supply": .optional(supply?.description),
            "ok": .bool(isSound), "records": .integer(records),
            "damaged": .array(
                damages.map {
                    .object([
                        "table": .string($0.record.table),
                        "key": .string(Hexadecimal.encode($0.record.key)), "reason": .string($0.reason),
                    ])
                }),
        ])
    }

    public var text: String {
        let lines = [
            "height      \(height.map { "\($0)" } ?? "unknown")",
            "state root  \(stateRoot?.description ?? "unknown")",
            "outputs     \(outputs.map { "\($0)" } ?? "unknown")",
            "supply      \(supply?.description ?? "unknown")", "records     \(records)",
            "ok          \(isSound ? "yes" : "no")",
        ]
        return (lines + damages.map { "damaged     \(VerificationSummary.line($0))" })
            .joined(separator: "\n")
    }

    /// Many reasons name the record themselves; what has none is the whole database.
    private static func line(_ damage: DatabaseReport.Damage) -> String {
        let isNamed = damage.record.table.isEmpty || damage.reason.hasPrefix("\(damage.record)")
        return isNamed ? damage.reason : "\(damage)"
    }

    /// How the command ends; `nil` for a sound database.
    public var failure: DatabaseFailure? {
        guard !isSound else { return nil }
        let count = damages.count
        let more = count == DatabaseReport.damagesMax ? "at least " : ""
        return DatabaseFailure(
            .damaged, "the database is damaged: \(more)\(count) \(count == 1 ? "record" : "records")",
            hint: advice)
    }

    private var advice: String {
        if let followHint { return followHint }
        let tables = Set(damages.map(\.record.table))
        let otherwise =
            "`timecoin-node restore --replace` a backup, or `timecoin-node snapshot load --replace` a "
            + "snapshot, or move `chain` away and let the node fetch the chain from its peers; leave `sign` "
            + "where it is"
        guard tables.isDisjoint(with: VerificationSummary.sources), !tables.contains("") else {
            return otherwise
        }
        return "the blocks are good: `timecoin-node db reindex` builds the rest anew from them; where old "
            + "blocks were pruned: " + otherwise
    }
}
