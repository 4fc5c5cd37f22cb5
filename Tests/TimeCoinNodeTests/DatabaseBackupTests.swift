import Foundation
import Synchronization
import Testing
import TimeCoinConsensus
import TimeCoinControl
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

@Suite("Backup and restore")
struct DatabaseBackupTests {
    private func backup(_ store: ChainStore, _ node: NodeDirectory) -> DatabaseBackup {
        DatabaseBackup(of: store, in: node, clock: .system)
    }

    @discardableResult
    private func restore(_ path: String, _ node: NodeDirectory, replacing: Bool = false) throws
        -> DatabaseRestore.Summary
    {
        try DatabaseRestore.run(path, to: node, replacing: replacing, progress: .silent)
    }

    @Test("backups made while blocks are committed are each the whole chain up to some block")
    func hot() async throws {
        // More of them are made once in a while: TIMECOIN_BACKUPS=200.
        let count = ProcessInfo.processInfo.environment["TIMECOIN_BACKUPS"].flatMap { Int($0) } ?? 10
        let world = try DatabaseWorld(blocks: 3 * count)
        defer { world.end() }
        let node = try world.node("a")
        let store = try world.store(node)
        try world.commit(0..<2, to: store)
        let backup = backup(store, node)
        let committed = AsyncStream.makeStream(of: Int.self)
        let heights = try await withThrowingTaskGroup(of: [Height].self) { group in
            group.addTask {
                for height in 2...3 * count {
                    try world.commit(height..<height + 1, to: store)
                    committed.continuation.yield(height)
                    await Task.yield()
                }
                committed.continuation.finish()
                return []
            }
            group.addTask {
                var heights: [Height] = []
                for await height in committed.stream where height.isMultiple(of: 3) {
                    let manifest = try await backup.makeBeside(
                        "\(world.root)/backup-\(height)\(height == 6 ? "/" : "")")
                    #expect(manifest.height >= Height(height))
                    heights.append(manifest.height)
                }
                return heights
            }
            return try await group.reduce([], +)
        }
        #expect(heights.count == count)
        for (place, height) in heights.enumerated() {
            let path = "\(world.root)/backup-\(3 * (place + 1))"
            let target = try world.node("restored-\(place)")
            let summary = try restore(path, target)
            #expect(summary.manifest.height == height)
            #expect(!summary.hasSignRecord)
            try world.expect(target, height: Int(height))
            #expect(try world.store(target).instance == store.instance)
        }
        try world.expect(node, height: 3 * count, at: "\(world.root)/backup-\(3 * count)/chain")
    }

    private final class Asked: Sendable {
        let state = Mutex<(backup: DatabaseBackup?, reports: [ProgressReport?])>((nil, []))
    }

    /// A store that asks, once its copy is there.
    private struct AskingStore: ChainCopying {
        let store: ChainStore
        let ask: @Sendable () -> Void

        func copy(to directory: String) throws(StoreFailure) {
            try store.copy(to: directory)
            ask()
        }
    }

    @Test("how far a backup of a running node is can be asked: bytes copied, then what of it is verified")
    func progress() async throws {
        let world = try DatabaseWorld(blocks: 5)
        defer { world.end() }
        let node = try world.node("a", height: 5)
        let store = try world.store(node)
        let asked = Asked()
        let asking = AskingStore(store: store) {
            asked.state.withLock { asked in
                let now = NodeClock.system.moment.instant.advanced(byMilliseconds: 5000)
                asked.reports.append(asked.backup?.progress(at: now))
            }
        }
        let backup = DatabaseBackup(of: asking, in: node, clock: .system)
        asked.state.withLock { $0.backup = backup }
        #expect(backup.progress(at: NodeClock.system.moment.instant) == nil)
        _ = try await backup.makeBeside("\(world.root)/backup")
        #expect(backup.progress(at: NodeClock.system.moment.instant) == nil)
        let report = try #require(asked.state.withLock { $0.reports.first ?? nil })
        let copied = try PosixFileSystem().size(of: "\(world.root)/backup/chain/\(ChainStore.fileName)")
        #expect(report.action == "backup" && report.unit == "bytes" && report.done == copied)
        #expect(report.total == (try PosixFileSystem().size(of: "\(node.chain)/\(ChainStore.fileName)")))
        #expect(report.tenthsPerSecond != nil && report.secondsLeft != nil)
        // As it goes over the socket.
        #expect(ProgressReport(try JSONValue(parsing: Array(report.json.compact.utf8))) == report)
    }

    @Test("a backup that would leave too little room on its disk is refused before anything is copied")
    func room() throws {
        let disk: (UInt64) -> DiskSpace = { DiskSpace(free: $0, total: 1 << 40) }
        let low = DiskWatermark.lowDiskBytes
        try DatabaseBackup.requireRoom(for: 1000, at: disk(low + 1000), "b")
        for free in [low + 999, low, low - 1, 0] {
            let failure = #expect(throws: DatabaseFailure.self) {
                try DatabaseBackup.requireRoom(for: 1000, at: disk(free), "b")
            }
            #expect(failure?.kind == .refused && failure?.hint != nil)
        }
    }

    @Test(
        "a backup has neither keys nor sign record, is never written over, and an unfinished one is no backup"
    )
    func contents() async throws {
        let world = try DatabaseWorld(blocks: 2)
        defer { world.end() }
        let node = try world.node("a", height: 2)
        try StoredSignRecord.create(at: node.signRecord)
        try FileManager.default.createDirectory(
            atPath: "\(world.root)/backup.partial/chain", withIntermediateDirectories: true)
        let path = "\(world.root)/backup"
        let manifest = try await DatabaseBackup.run(node, to: path, progress: .silent)
        #expect(manifest["excluded"]?.array?.contains(.string("sign record")) == true)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: path).sorted()
                == ["backup.json", "chain", "genesis.json"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(path)/chain") == ["data.mdb"])
        #expect(!FileManager.default.fileExists(atPath: "\(world.root)/backup.partial"))
        _ = try await world.refusal(.exists) {
            _ = try await DatabaseBackup.run(node, to: path, progress: .silent)
        }
        // A copy of an uncertified tip is none.
        let open = try world.node("b", height: 2) { $0 < 2 }
        let other = "\(world.root)/other"
        let message = try await world.refusal(.damaged) {
            _ = try await DatabaseBackup.run(open, to: other, progress: .silent)
        }
        #expect(message.contains("does not prove the tip"))
        #expect(!FileManager.default.fileExists(atPath: other))
        _ = try await world.refusal(.missing) { try restore(other + ".partial", try world.node("c")) }
    }

    @Test(
        "a stale copy is put in place, the sign record stays, and nothing is signed up to where it stands"
    )
    func stale() async throws {
        let world = try DatabaseWorld(blocks: 6)
        defer { world.end() }
        let node = try world.node("a", height: 3)
        let path = "\(world.root)/backup"
        _ = try await DatabaseBackup.run(node, to: path, progress: .silent)
        try world.commit(4..<7, to: try world.store(node))
        try StoredSignRecord.create(at: node.signRecord)
        do {
            let record = try StoredSignRecord(opening: node.signRecord)
            let bytes = [UInt8](repeating: 1, count: 40)
            try record.append(
                SignerRecord(
                    position: SignerPosition(height: 7, round: 2, kind: .precommit), bytes: bytes,
                    signature: world.world.chain.members[0].sign(bytes)))
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: node.signRecord).sorted()
        let before = names.map { FileManager.default.contents(atPath: "\(node.signRecord)/\($0)") }
        _ = try await world.refusal(.exists) { try restore(path, node) }
        try world.expect(node, height: 6)
        let summary = try restore(path, node, replacing: true)
        #expect(summary.replaced == node.chain + ".old-6")
        #expect(summary.hasSignRecord)
        try world.expect(node, height: 3)
        try world.expect(node, height: 6, at: node.chain + ".old-6")
        #expect(names.map { FileManager.default.contents(atPath: "\(node.signRecord)/\($0)") } == before)
        let record = try StoredSignRecord(opening: node.signRecord)
        #expect(NodeRecovery.lostHeight([], record.positions.last, above: 3) == 7)
    }

    @Test("a backup that is damaged, of another chain, or not what it says of itself is refused")
    func refused() async throws {
        let world = try DatabaseWorld(blocks: 3)
        let stranger = try DatabaseWorld(blocks: 1, weights: [1, 2, 3])
        defer {
            world.end()
            stranger.end()
        }
        let path = "\(world.root)/backup"
        _ = try await DatabaseBackup.run(try world.node("a", height: 3), to: path, progress: .silent)
        let node = try world.node("b")
        _ = try await world.refusal(.badInput) { try restore(path, try stranger.node("s")) }
        _ = try await world.refusal(.missing) { try restore(world.root, node) }
        let manifest = URL(fileURLWithPath: "\(path)/backup.json")
        let good = try String(contentsOf: manifest, encoding: .utf8)
        try good.replacing("\"height\": 3", with: "\"height\": 2").write(
            to: manifest, atomically: true, encoding: .utf8)
        #expect(try await world.refusal(.badInput) { try restore(path, node) }.contains("its manifest"))
        try good.write(to: manifest, atomically: true, encoding: .utf8)
        let file = URL(fileURLWithPath: "\(path)/chain/data.mdb")
        var bytes = try Data(contentsOf: file)
        for place in stride(from: 8192, to: bytes.count, by: 64) { bytes[place] ^= 0x40 }
        try bytes.write(to: file)
        #expect(throws: (any Error).self) { try restore(path, node) }
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: node.root).sorted() == ["genesis.json"])
        let held = try world.node("c", height: 1)
        let store = try world.store(held)
        _ = try await world.refusal(.inUse) { try restore(path, held, replacing: true) }
        withExtendedLifetime(store) {}
    }
}
