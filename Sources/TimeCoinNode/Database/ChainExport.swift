public import TimeCoinControl
public import TimeCoinCore
import TimeCoinStore

/// Writes certified blocks of a stopped node's database to an archive.
public enum ChainExport {
    /// Blocks read in one view of the database, at most.
    static let batchBlocksMax = 64
    /// Bytes of blocks read in one view, unless one block alone is larger.
    static let batchBytesMax = 8 << 20

    /// What an archive holds.
    public struct Summary: Hashable, Sendable {
        public let chain: Hash256
        public let from: Height
        public let to: Height
        /// Hash of the last block.
        public let hash: Hash256
        /// Bytes of the archive.
        public let bytes: UInt64

        public var json: JSONValue {
            .object([
                "ok": .bool(true), "chain": .string(chain.description), "from": .integer(from),
                "to": .integer(to), "blocks": .integer(to - from + 1), "hash": .string(hash.description),
                "bytes": .integer(bytes),
            ])
        }

        public var text: String {
            "exported blocks \(from) to \(to) (\(to - from + 1) blocks, \(bytes) bytes); "
                + "the last is \(hash)"
        }
    }

    /// - Parameters:
    ///   - path: of the archive, `-` for standard output.
    ///   - from: by default the first that is kept; genesis is in every node's genesis file.
    ///   - to: by default the last block with a valid certificate.
    /// - Throws: ``DatabaseFailure``; faults of the disk, after which nothing has the wanted name.
    public static func run(
        _ directory: NodeDirectory, to path: String, from: Height? = nil, through to: Height? = nil,
        progress: ProgressSink
    ) throws -> Summary {
        let database = try NodeDatabase(opening: directory)
        let tip = try database.state()
        let certified = tip.height - UInt64(try UncertifiedBlocks.find(in: database.store, tip: tip).count)
        let last = to ?? certified
        guard last <= certified else {
            throw DatabaseFailure(.refused, "the last certified block is \(certified), not \(last)")
        }
        let kept = max(1, try database.store.snapshot { try $0.base() }.blocksFrom)
        let first = from ?? kept
        guard first >= kept, first <= last else {
            throw DatabaseFailure(
                .refused, "blocks \(first) to \(last) are not there: the first that is kept is \(kept)")
        }
        return try write(database, to: path, first...last, progress)
    }

    private static func write(
        _ database: NodeDatabase, to path: String, _ heights: ClosedRange<Height>, _ progress: ProgressSink
    ) throws -> Summary {
        var writer = try ArchiveWriter(
            writing: path, chain: database.genesis.hash, first: heights.lowerBound)
        var meter = progress.meter(
            "export", unit: "blocks", total: heights.upperBound - heights.lowerBound + 1)
        var next = heights.lowerBound
        while next <= heights.upperBound {
            let left = Int(clamping: heights.upperBound - next + 1)
            // Short views: a long one keeps pages from being reused.
            let batch = try database.store.snapshot {
                try $0.blocks(
                    from: next, countMax: min(left, batchBlocksMax), bytesMax: batchBytesMax)
            }
            guard !batch.isEmpty else { throw DatabaseFailure(.damaged, "block \(next) is missing") }
            for stored in batch { try writer.append(stored) }
            next += UInt64(batch.count)
            progress.advance(&meter, to: next - heights.lowerBound)
        }
        guard let hash = try database.store.snapshot({ try $0.hash(at: heights.upperBound) }) else {
            throw DatabaseFailure(.damaged, "the header of block \(heights.upperBound) is missing")
        }
        try writer.finish(at: heights.upperBound, last: hash)
        progress.finish(meter)
        return Summary(
            chain: database.genesis.hash, from: heights.lowerBound, to: heights.upperBound, hash: hash,
            bytes: writer.bytes)
    }
}
