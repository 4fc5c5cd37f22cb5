import TimeCoinControl
import TimeCoinStore

extension NodeAPI {
    /// Size and state of the database.
    func storageInfo() throws -> JSONValue {
        guard let care else { throw RPCError(.internalError, "no-database", "nothing is kept on disk") }
        let statistics = try care.store.statistics(in: care.directory.chain)
        let quarantine = try care.store.quarantined()
        let report = care.report
        return .object([
            "height": statistics.tip.map { .integer($0.height) } ?? .null,
            "outputs": statistics.tip.map { .integer($0.outputCount) } ?? .null,
            "filebytes": .integer(statistics.fileBytes), "usedbytes": .integer(statistics.usedBytes),
            "scrub": .object([
                "passes": .integer(report.passes), "table": .string(report.table),
                "records": .integer(report.records),
                "recordspersecond": .integer(UInt64(DatabaseCare.recordsPerSecond)),
            ]),
            "damages": .object([
                "found": .integer(report.found), "repaired": .integer(report.repaired),
                "wantedblocks": .integer(UInt64(report.wanted)),
                "quarantined": .array(quarantine.damaged.map { .string("\($0)") }),
                "keptrepaired": .integer(UInt64(quarantine.repaired)),
            ]),
            "backup": backup.progress(at: clock.moment.instant)?.json ?? .null,
            "verified": report.verified.map { .bool($0) } ?? .null,
        ])
    }
}
