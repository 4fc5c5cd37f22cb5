import Foundation
import Testing
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinTesting

@testable import TimeCoinNode
@testable import TimeCoinStore

@Suite("The life of a database")
struct DatabaseLifeTests {
    // MARK: - Rollback

    @Test("K5: a rollback takes back uncertified blocks and never a certified one")
    func rollback() async throws {
        let world = try DatabaseWorld(blocks: 8)
        defer { world.end() }
        let node = try world.node("a", height: 8) { $0 <= 5 }
        let low = try await world.refusal(.refused) {
            _ = try DatabaseRollback.run(node, to: 4, isDryRun: false)
        }
        #expect(low.contains("block 5 has a commit certificate: it is final"))
        let plan = try DatabaseRollback.run(node, to: nil, isDryRun: true)
        #expect(plan.undone == world.blocks[5...].map(\.block.hash))
        #expect((plan.from, plan.to) == (8, 5))
        #expect(try DatabaseRollback.run(node, to: 7, isDryRun: false).undone == [world.blocks[7].block.hash])
        #expect(try DatabaseStatistics(of: node).statistics.tip?.height == 7)
        #expect(
            try DatabaseRollback.run(node, to: nil, isDryRun: false).undone == Array(plan.undone.prefix(2)))
        try world.expect(node, height: 5)
        let none = try await world.refusal(.refused) {
            _ = try DatabaseRollback.run(node, to: nil, isDryRun: false)
        }
        #expect(none.contains("block 5 has a commit certificate"))
        try world.expect(node, height: 5)
    }

    @Test("a rollback is told as a warning from 10 blocks on, and loudly from 100")
    func alarm() {
        func words(_ count: Int) -> String? {
            DatabaseRollback.Summary(
                from: Height(count), to: 0, hash: .zero, undone: [Hash256](repeating: .zero, count: count),
                isDryRun: false
            ).warning
        }
        #expect(words(9) == nil)
        #expect(words(10)?.hasPrefix("warning") == true)
        #expect(words(99)?.hasPrefix("warning") == true)
        #expect(words(100)?.contains("ALARM") == true)
    }

    // MARK: - Statistics

    @Test("statistics count what is there; a database in use, or none at all, is refused with what to do")
    func statistics() async throws {
        let world = try DatabaseWorld(blocks: 3)
        defer { world.end() }
        let node = try world.node("a", height: 3)
        let statistics = try DatabaseStatistics(of: node).statistics
        #expect(statistics.tip?.outputCount == world.world.state.outputCount)
        #expect(statistics.tip?.leafCount == world.world.state.commitment.leafCount)
        #expect(statistics.base == .whole)
        #expect(statistics.tables.first { $0.name == "blocks" }?.records == 4)
        #expect(statistics.tables.allSatisfy { $0.records == 0 || $0.bytes > 0 })
        #expect(statistics.tables.reduce(0) { $0 + $1.bytes } <= statistics.usedBytes)
        let store = try world.store(node)
        let used = try await world.refusal(.inUse) { _ = try DatabaseStatistics(of: node) }
        #expect(used.contains("running node"))
        withExtendedLifetime(store) {}
        _ = try await world.refusal(.missing) { _ = try DatabaseStatistics(of: try world.node("b")) }
        #expect(!FileManager.default.fileExists(atPath: try world.node("b").chain))
    }

    // MARK: - Reindex

    private func reindex(_ node: NodeDirectory, discarding: Bool = false) async throws
        -> DatabaseReindex.Summary
    {
        try await DatabaseReindex.run(node, discarding: discarding, progress: .silent)
    }

    @Test("a database built anew is the same, keeps its instance, and the old one stays beside it")
    func reindexed() async throws {
        let world = try DatabaseWorld(blocks: 7)
        defer { world.end() }
        let node = try world.node("a", height: 7)
        let instance = try world.store(node).instance
        let summary = try await reindex(node)
        #expect((summary.height, summary.continued) == (7, 0))
        #expect(summary.replaced == node.chain + ".old-7")
        try world.expect(node, height: 7)
        try world.expect(node, height: 7, at: node.chain + ".old-7")
        #expect(try world.store(node).instance == instance)
        #expect(try await reindex(node, discarding: true).replaced == nil)
        try world.expect(node, height: 7)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: node.root).sorted()
                == ["chain", "chain.old-7", "genesis.json"])
    }

    @Test("what an interrupted rebuild left is continued, or removed where it is no beginning of the chain")
    func interrupted() async throws {
        let world = try DatabaseWorld(blocks: 6)
        defer { world.end() }
        let node = try world.node("a", height: 6)
        var options = StoreOptions()
        options.instance = try world.store(node).instance
        let genesis = world.world.chain.genesis.hash
        for (left, continued) in [(node.reindexed, 4), (node.renewed, 0), (node.reindexed, 0)] {
            try DatabaseSwap.clear(left)
            if continued > 0 {
                let part = try ChainStore(opening: left, chain: genesis, options: options)
                try world.commit(0..<continued + 1, to: part)
            } else {
                try FileManager.default.createDirectory(atPath: left, withIntermediateDirectories: true)
                try Data([UInt8](repeating: 7, count: 9000)).write(
                    to: URL(fileURLWithPath: "\(left)/\(ChainStore.fileName)"))
            }
            #expect(try await reindex(node).continued == Height(continued))
            try world.expect(node, height: 6)
            #expect(!FileManager.default.fileExists(atPath: left))
        }
    }

    @Test("S9: a block that cannot be read is named, and not one before it")
    func unreadable() async throws {
        let world = try DatabaseWorld(blocks: 6)
        defer { world.end() }
        let node = try world.node("a", height: 6)
        do {
            let store = try world.store(node)
            let blocks = try #require(store.tables.counted.first { $0.name == "blocks" })
            try store.environment.write { transaction throws(StoreFailure) in
                _ = try transaction.put([1, 2, 3], blocks, RecordKey(4 as UInt64))
            }
        }
        let message = try await world.refusal(.damaged) { _ = try await reindex(node) }
        #expect(message.contains("block 4 of this database"))
        #expect(try DatabaseStatistics(of: node).statistics.tip?.height == 6)
    }

    @Test("a swap that a crash interrupted between its renames is ended by whoever comes next")
    func swap() throws {
        let world = try DatabaseWorld(blocks: 2)
        defer { world.end() }
        let node = try world.node("a", height: 2)
        try FileManager.default.moveItem(atPath: node.chain, toPath: node.renewed)
        #expect(try DatabaseStatistics(of: node).statistics.tip?.height == 2)
        try world.expect(node, height: 2)
        try FileManager.default.moveItem(atPath: node.chain, toPath: node.renewed)
        try FileManager.default.createDirectory(atPath: node.chain, withIntermediateDirectories: false)
        try DatabaseSwap.settle(node)
        try world.expect(node, height: 2)
    }

    @Test("a database that was to take another's place before a crash does not take it later")
    func lateSwap() throws {
        let world = try DatabaseWorld(blocks: 2)
        defer { world.end() }
        let node = try world.node("a", height: 2)
        let other = try world.node("b", height: 1)
        try FileManager.default.moveItem(atPath: other.chain, toPath: node.renewed)
        do {
            // Whoever has the database open may be the one that installs the other.
            let open = try world.store(node)
            try DatabaseSwap.settle(node)
            #expect(FileManager.default.fileExists(atPath: node.renewed))
            withExtendedLifetime(open) {}
        }
        for _ in 0..<2 {
            #expect(try DatabaseStatistics(of: node).statistics.tip?.height == 2)
            #expect(!FileManager.default.fileExists(atPath: node.renewed))
        }
        #expect(FileManager.default.fileExists(atPath: node.chain + ".old-unread"))
    }

    @Test("uncertified blocks are not built anew; a block that does not hold leaves the old one as it was")
    func notTakenOver() async throws {
        let world = try DatabaseWorld(blocks: 5)
        defer { world.end() }
        let tail = try world.node("a", height: 5) { $0 < 5 }
        let summary = try await reindex(tail, discarding: true)
        #expect(summary.height == 4)
        #expect(summary.left?.contains("block 5") == true)
        #expect(summary.replaced == tail.chain + ".old-5", "what was left out is not thrown away")
        try world.expect(tail, height: 4)
        let hole = try world.node("b", height: 5) { $0 != 3 }
        let message = try await world.refusal(.damaged) { _ = try await reindex(hole) }
        #expect(message.contains("block 3"))
        #expect(try DatabaseStatistics(of: hole).statistics.tip?.height == 5)
    }
}
