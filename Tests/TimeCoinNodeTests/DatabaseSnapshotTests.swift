import Foundation
import Testing
import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

@testable import TimeCoinNode

@Suite("Snapshots and pruning of a node's database")
struct DatabaseSnapshotTests {
    private func create(
        _ world: DatabaseWorld, _ node: NodeDirectory, _ name: String
    ) async throws -> String {
        let path = "\(world.root)/\(name)"
        let summary = try await SnapshotCreation.run(node, to: path, progress: .silent)
        #expect(summary.stateRoot == world.world.state.header.stateRoot)
        return path
    }

    @discardableResult
    private func load(
        _ path: String, _ node: NodeDirectory, replacing: Bool = false, trusting: Hash256? = nil
    ) throws -> SnapshotInstallation.Summary {
        try SnapshotInstallation.run(
            path, to: node, trusting: trusting, replacing: replacing, progress: .silent)
    }

    @Test("the snapshot of a stopped node is the state at its tip, and blocks go on from there")
    func goesOn() async throws {
        let world = try DatabaseWorld(blocks: 9)
        defer { world.end() }
        let node = try world.node("a", height: 6)
        let path = "\(world.root)/snapshot"
        // What a call before has left.
        for left in [path + ".partial", path + ".partial.part"] {
            try Data([1, 2]).write(to: URL(fileURLWithPath: left))
        }
        let made = try await SnapshotCreation.run(node, to: path, progress: .silent)
        #expect(made.height == 6)
        #expect(!FileManager.default.fileExists(atPath: path + ".partial"))
        let fresh = try world.node("b")
        try StoredSignRecord.create(at: fresh.signRecord)
        let instance = try SignRecordFile.instance(in: fresh.signRecord)
        try FileManager.default.createDirectory(
            atPath: fresh.loading, withIntermediateDirectories: true)
        try Data([7]).write(to: URL(fileURLWithPath: "\(fresh.loading)/\(ChainStore.fileName)"))
        let summary = try load(path, fresh)
        #expect(summary.hasSignRecord)
        #expect(summary.replaced == nil)
        #expect(summary.snapshot == made)
        #expect(!FileManager.default.fileExists(atPath: fresh.loading))
        let store = try world.store(fresh)
        #expect(store.instance == instance)
        #expect(try store.snapshot { try $0.state() } == world.state(6))
        try world.commit(7..<10, to: store)
        #expect(try store.snapshot { try $0.state() } == world.state(9))
        #expect(try store.verification().damages == [])
    }

    @Test("a database that is there is kept beside, and only when asked; one in use is not touched")
    func replaces() async throws {
        let world = try DatabaseWorld(blocks: 5)
        defer { world.end() }
        let path = try await create(world, try world.node("a", height: 5), "snapshot")
        let node = try world.node("b", height: 3)
        _ = try await world.refusal(.exists) { try load(path, node) }
        try world.expect(node, height: 3)
        var store: ChainStore? = try world.store(node)
        _ = try await world.refusal(.inUse) { try load(path, node, replacing: true) }
        withExtendedLifetime(store) {}
        store = nil
        let summary = try load(path, node, replacing: true)
        #expect(summary.replaced == node.chain + ".old-3")
        try world.expect(node, height: 3, at: node.chain + ".old-3")
        #expect(try DatabaseVerification.report(of: node, progress: .silent).height == 5)
        // Below the snapshot there is nothing, and who asks is told.
        let message = try await world.refusal(.refused) {
            _ = try ChainExport.run(node, to: "\(world.root)/x", progress: .silent)
        }
        #expect(message.contains("the first that is kept is 6"))
        _ = try await world.refusal(.refused) {
            _ = try await DatabaseReindex.run(node, discarding: false, progress: .silent)
        }
    }

    @Test("what is not trusted, of another chain, cut or changed is refused, and nothing is left of it")
    func refused() async throws {
        let world = try DatabaseWorld(blocks: 4)
        let stranger = try DatabaseWorld(blocks: 4, weights: [1, 1, 1])
        defer {
            world.end()
            stranger.end()
        }
        let path = try await create(world, try world.node("a", height: 4), "snapshot")
        let foreign = try await create(stranger, try stranger.node("a", height: 4), "snapshot")
        let node = try world.node("b")
        #expect(try await world.refusal(.badInput) { try load(foreign, node) }.contains("wrong-chain"))
        #expect(
            try await world.refusal(.badInput) { try load(path, node, trusting: .zero) }
                .contains("untrusted-snapshot"))
        let intact = try Data(contentsOf: URL(fileURLWithPath: path))
        let changed = "\(world.root)/changed"
        for place in [0, 9, intact.count / 2, intact.count - 1] {
            var bytes = intact
            bytes[place] ^= 4
            try bytes.write(to: URL(fileURLWithPath: changed))
            _ = try await world.refusal(.badInput) { try load(changed, node) }
            try intact.prefix(place).write(to: URL(fileURLWithPath: changed))
            _ = try await world.refusal(.badInput) { try load(changed, node) }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: node.root) == ["genesis.json"])
        try load(path, node, trusting: world.blocks[3].block.hash)
    }

    @Test("a snapshot is made of certified tips only, of a backup too, and never written over")
    func creates() async throws {
        let world = try DatabaseWorld(blocks: 5)
        defer { world.end() }
        let open = try world.node("open", height: 5) { $0 < 5 }
        _ = try await world.refusal(.refused) { _ = try await create(world, open, "x") }
        let node = try world.node("a", height: 5)
        let path = try await create(world, node, "snapshot")
        _ = try await world.refusal(.exists) { _ = try await create(world, node, "snapshot") }
        let backup = "\(world.root)/backup"
        _ = try await DatabaseBackup.run(node, to: backup, progress: .silent)
        let second = "\(world.root)/second"
        _ = try SnapshotCreation.run(node, fromBackup: backup, to: second, progress: .silent)
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: second))
                == Data(contentsOf: URL(fileURLWithPath: path)))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: "\(backup)/chain") == [ChainStore.fileName])
    }

    // MARK: - Pruning

    /// Thirty blocks twenty hours apart: the evidence period begins at block 14. What could be taken back
    /// begins at the block before the last `undo` ones.
    private func old(_ name: String, undo: UInt64) throws -> (world: DatabaseWorld, node: NodeDirectory) {
        let world = try DatabaseWorld(blocks: 30, slotMilliseconds: 3_600_000, slotsApart: 20)
        let node = try world.node(name)
        var options = StoreOptions()
        (options.undoBlocks, options.undoSlots) = (undo, 1)
        try world.commit(0..<31, to: try world.store(node, options: options))
        return (world, node)
    }

    @Test("blocks go that nothing needs, and not one of the evidence period; what is left is sound")
    func prunes() async throws {
        let (world, node) = try old("a", undo: 4)
        defer { world.end() }
        let some = try DatabasePrune.run(node, keeping: 25, progress: .silent)
        #expect(some.blocks == 6)
        #expect(some.blocksFrom == 6)
        #expect(some.bound == "it was asked for")
        let rest = try DatabasePrune.run(node, keeping: 1, progress: .silent)
        #expect(rest.blocks == 8)
        #expect(rest.blocksFrom == 14)
        #expect(rest.bound.contains("evidence period"))
        #expect(some.freedBytes + rest.freedBytes > 0)
        #expect(rest.reusableBytes >= rest.freedBytes)
        let again = try await world.refusal(.refused) {
            _ = try DatabasePrune.run(node, progress: .silent)
        }
        #expect(again.contains("from 14 on they must stay: it is within the evidence period"))
        try world.store(node).snapshot { reader throws in
            #expect(try reader.block(at: 13) == nil)
            #expect(try reader.block(at: 14) == world.stored(14).block)
            #expect(try reader.header(at: 1)?.hash == world.blocks[0].block.hash)
            // Scheduled blocks keep theirs: every block is an ancestor of one that can be proven.
            #expect(try reader.certificate(at: 1) == world.certificates[0])
        }
        #expect(try DatabaseVerification.report(of: node, progress: .silent).isSound)
        #expect(try DatabaseStatistics(of: node).statistics.base.blocksFrom == 14)
    }

    @Test("what could still be taken back is kept, however old it is")
    func keepsUndo() async throws {
        let (world, node) = try old("a", undo: 25)
        defer { world.end() }
        let summary = try DatabasePrune.run(node, progress: .silent)
        #expect(summary.blocksFrom == 6)
        #expect(summary.bound.contains("taken back"))
        let young = try world.node("b", height: 30)
        let message = try await world.refusal(.refused) {
            _ = try DatabasePrune.run(young, progress: .silent)
        }
        #expect(message.contains("could still be taken back"))
        try world.expect(young, height: 30)
    }

    @Test("a pruned database is backed up small, restored, and made a snapshot of")
    func compacts() async throws {
        let (world, node) = try old("a", undo: 4)
        defer { world.end() }
        _ = try DatabasePrune.run(node, progress: .silent)
        let before = try DatabaseStatistics(of: node).statistics
        let backup = "\(world.root)/backup"
        _ = try await DatabaseBackup.run(node, to: backup, progress: .silent)
        _ = try DatabaseRestore.run(backup, to: node, replacing: true, progress: .silent)
        let after = try DatabaseStatistics(of: node).statistics
        #expect(after.fileBytes < before.fileBytes)
        #expect(after.base == before.base)
        let path = try await create(world, node, "snapshot")
        try load(path, try world.node("b"))
    }
}
