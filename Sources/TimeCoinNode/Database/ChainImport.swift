public import TimeCoinControl
public import TimeCoinCore
import TimeCoinStore

/// Reads an archive into a stopped node's database, believing nothing of it.
public enum ChainImport {
    /// What an import has done.
    public struct Summary: Hashable, Sendable {
        /// Blocks written.
        public let imported: UInt64
        /// Blocks that were there, the same ones.
        public let present: UInt64
        public let height: Height
        /// Hash of the tip.
        public let hash: Hash256

        public var json: JSONValue {
            .object([
                "ok": .bool(true), "imported": .integer(imported), "present": .integer(present),
                "height": .integer(height), "hash": .string(hash.description),
            ])
        }

        public var text: String {
            "imported \(imported) blocks, \(present) were there; the tip is \(height) \(hash)"
        }
    }

    /// Goes on where the database stands; where there is none it is made of the genesis file.
    ///
    /// - Parameter path: of the archive, `-` for standard input.
    /// - Throws: ``DatabaseFailure``: what came before the fault stays and was verified whole; faults of this
    ///   machine.
    public static func run(
        _ directory: NodeDirectory, from path: String, progress: ProgressSink
    ) async throws -> Summary {
        var archive: ArchiveReader
        do {
            archive = try ArchiveReader(reading: path)
        } catch let fault as ArchiveReader.Fault {
            throw DatabaseFailure(.badInput, "\(path): \(fault)")
        }
        let chain = try directory.readGenesis().hash
        guard archive.header.chain == chain else {
            throw DatabaseFailure(
                .badInput, "\(path) is of the chain \(archive.header.chain), \(directory.genesis) of \(chain)"
            )
        }
        let database = try NodeDatabase(opening: directory, creating: true)
        let tip = try database.state()
        guard try UncertifiedBlocks.find(in: database.store, tip: tip).isEmpty else {
            throw DatabaseFailure(
                .refused, "the tip \(tip.height) has no valid commit certificate",
                hint: "take it back with `timecoin-node db rollback`")
        }
        guard archive.header.first <= tip.height + 1 else {
            throw DatabaseFailure(
                .badInput, "\(path) begins with block \(archive.header.first), the tip is \(tip.height)",
                hint: "import an archive of the blocks from \(tip.height + 1) first")
        }
        return try await run(&archive, path, into: database, tip, progress)
    }

    private static func run(
        _ archive: inout ArchiveReader, _ path: String, into database: NodeDatabase, _ tip: ChainState,
        _ progress: ProgressSink
    ) async throws -> Summary {
        var replay = try CertifiedReplay(database.store, tip: tip, recoveries: database.recoveries)
        var meter = progress.meter(
            "import", unit: "bytes", total: path == "-" ? nil : try PosixFileSystem().size(of: path))
        var present: UInt64 = 0
        do {
            while let stored = try archive.read() {
                if stored.height <= tip.height {
                    try compare(stored, with: database.store)
                    present += 1
                } else {
                    try await replay.take(stored)
                }
                progress.advance(&meter, to: archive.offset)
            }
        } catch {
            try replay.flush()
            let kept = "; what came before stays, the tip is \(replay.state.height)"
            switch error {
            case is ArchiveReader.Fault, is CertifiedReplay.Rejection, is Difference:
                throw DatabaseFailure(
                    .badInput, "\(path): \(error)\(kept)",
                    hint: "get the archive again, or export it on another node; the import then goes on")
            default: throw error
            }
        }
        try replay.flush()
        progress.finish(meter)
        return Summary(
            imported: replay.state.height - tip.height, present: present, height: replay.state.height,
            hash: replay.state.headerHash)
    }

    /// A block of the archive is not that of the database.
    private struct Difference: Error, CustomStringConvertible {
        let height: Height
        let own: Hash256?

        var description: String {
            "block \(height) is not the one of this database, \(own?.description ?? "none"): two certified "
                + "chains are a fork, see Docs/ForkRunbook.md"
        }
    }

    private static func compare(_ stored: StoredBlock, with store: ChainStore) throws {
        let own = try store.snapshot { try $0.hash(at: stored.height) }
        var reader = ByteReader(stored.block)
        let header = try? BlockHeader(from: &reader)
        guard header?.hash == own, own != nil else { throw Difference(height: stored.height, own: own) }
    }
}
