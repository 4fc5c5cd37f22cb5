public import TimeCoinControl
import TimeCoinCore
public import TimeCoinStore

/// What a stopped node's database says of itself.
public struct DatabaseStatistics: Sendable {
    public let statistics: StoreStatistics

    /// - Throws: ``DatabaseFailure``, `StoreFailure`.
    public init(of directory: NodeDirectory) throws {
        let database = try NodeDatabase(opening: directory)
        statistics = try database.store.statistics(in: database.path)
    }

    public var json: JSONValue {
        let tip = statistics.tip
        return .object([
            "ok": .bool(true), "format": .integer(statistics.format),
            "chain": .string(statistics.chain.description),
            "instance": .string(String(statistics.instance, radix: 16)),
            "addressindex": .bool(statistics.addressIndex),
            "height": tip.map { .integer($0.height) } ?? .null,
            "hash": .optional(tip?.hash.description), "slot": tip.map { .integer($0.slot) } ?? .null,
            "outputs": tip.map { .integer($0.outputCount) } ?? .null,
            "leaves": tip.map { .integer($0.leafCount) } ?? .null,
            "headersfrom": .integer(statistics.base.headersFrom),
            "blocksfrom": .integer(statistics.base.blocksFrom),
            "filebytes": .integer(statistics.fileBytes), "usedbytes": .integer(statistics.usedBytes),
            "mapbytes": .integer(statistics.mapBytes), "pagebytes": .integer(statistics.pageBytes),
            "tables": .array(
                statistics.tables.map {
                    .object([
                        "name": .string($0.name), "records": .integer($0.records),
                        "bytes": .integer($0.bytes),
                    ])
                }),
        ])
    }

    public var text: String {
        var lines = [
            "format      \(statistics.format)", "chain       \(statistics.chain)",
            "instance    \(String(statistics.instance, radix: 16))",
        ]
        if let tip = statistics.tip {
            lines += [
                "height      \(tip.height)", "hash        \(tip.hash)", "slot        \(tip.slot)",
                "outputs     \(tip.outputCount) unspent of \(tip.leafCount) ever created",
            ]
        }
        lines += [
            "history     blocks from \(statistics.base.blocksFrom), "
                + "headers from \(statistics.base.headersFrom)",
            "file        \(statistics.fileBytes) bytes, \(statistics.usedBytes) in use, at most "
                + "\(statistics.mapBytes)",
        ]
        return (lines + statistics.tables.map(line)).joined(separator: "\n")
    }

    private func line(_ table: StoreStatistics.Table) -> String {
        let name = table.name + String(repeating: " ", count: max(1, 14 - table.name.count))
        return "  \(name)\(table.records) records, \(table.bytes) bytes"
    }
}
