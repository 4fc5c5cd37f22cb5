import Foundation
import Testing
import TimeCoinCore
import TimeCoinTesting

@testable import TimeCoinStore

@Suite("Pruning of groups of leaves that are spent for long")
struct PruneTests {
    /// Payments spend the outputs of genesis in their order, two a block: the first two groups of 64 leaves
    /// are spent after 96 blocks.
    private static let allocations = 140
    private static let blocks = 116
    /// Where the chain is pruned.
    private static let prunedAt = 110
    private static let groups: UInt64 = 2

    private var options: StoreOptions {
        var options = StoreOptions()
        (options.undoBlocks, options.undoSlots) = (4, 1)
        return options
    }

    private func store(_ chain: StoredChain, _ name: String, upTo height: Int) throws -> ChainStore {
        let store = try ChainStore(
            opening: "\(chain.directory)/\(name)", chain: chain.genesis, options: options)
        try go(store, to: height, along: chain)
        return store
    }

    private func height(_ store: ChainStore) throws -> Int {
        try store.snapshot { try $0.tip() }.map { Int($0.height) } ?? -1
    }

    private func go(_ store: ChainStore, to height: Int, along chain: StoredChain) throws {
        let next = try self.height(store) + 1
        for commit in chain.commits[next..<(height + 1)] { try store.commit([commit]) }
    }

    /// What a store answers, as if nothing was pruned.
    private func expect(_ store: ChainStore, at height: Int, of chain: StoredChain) throws {
        #expect(try self.height(store) == height)
        #expect(try store.verification().damages == [], "height \(height)")
        try store.snapshot { reader in
            #expect(try reader.state() == chain.commits[height].state)
            let state = try ChainState(decoding: chain.commits[height].state)
            let outputs = try reader.outputs(from: 0, countMax: .max)
            #expect(UInt64(outputs.count) == state.outputCount)
            for output in outputs { #expect(try reader.output(output.outPoint) == output.entry) }
        }
    }

    /// Back to the oldest undo record and forward again.
    private func backAndForth(_ store: ChainStore, of chain: StoredChain) throws {
        let height = try height(store)
        let before = try store.snapshot { try $0.outputs(from: 0, countMax: .max) }
        var failure: StoreFailure?
        while failure == nil {
            do throws(StoreFailure) {
                try store.rollbackTip()
            } catch {
                failure = error
            }
        }
        #expect(failure == StoreFailure(.noUndo, ""))
        let oldest = try self.height(store)
        #expect(oldest <= height - 3)
        try expect(store, at: oldest, of: chain)
        try go(store, to: height, along: chain)
        try expect(store, at: height, of: chain)
        #expect(try store.snapshot { try $0.outputs(from: 0, countMax: .max) } == before)
    }

    @Test("pruned groups are gone, what is left is sound, goes back as far as it can be undone, and goes on")
    func groups() throws {
        let chain = try StoredChain(blocks: PruneTests.blocks, allocations: PruneTests.allocations)
        let store = try store(chain, "pruned", upTo: PruneTests.prunedAt)
        let report = try store.prune(blocksBelow: 90)
        #expect(report.groups == PruneTests.groups)
        #expect(try store.prune(blocksBelow: 90).groups == 0)
        try store.snapshot { reader throws in
            #expect(try reader.leaves(group: 0) == nil)
            #expect(try reader.leaves(group: PruneTests.groups)?.count == 64)
        }
        try expect(store, at: PruneTests.prunedAt, of: chain)
        try backAndForth(store, of: chain)
        try go(store, to: PruneTests.blocks, along: chain)
        try expect(store, at: PruneTests.blocks, of: chain)
        try backAndForth(store, of: chain)
    }

    @Test("a group that an undo record brings back is not pruned: pruned at the first block where it can be")
    func atOnce() throws {
        let chain = try StoredChain(blocks: PruneTests.blocks, allocations: PruneTests.allocations)
        let store = try store(chain, "pruned", upTo: 40)
        var pruned: UInt64 = 0
        for height in 41...PruneTests.blocks {
            try go(store, to: height, along: chain)
            let groups = try store.prune(blocksBelow: 0).groups
            pruned += groups
            if groups > 0 { try backAndForth(store, of: chain) }
        }
        #expect(pruned >= PruneTests.groups)
        try expect(store, at: PruneTests.blocks, of: chain)
    }

    /// - Returns: how many groups came without their leaves.
    private func load(_ path: String, _ chain: StoredChain) throws -> UInt64 {
        let trust = SnapshotTrust.validators(chain.world.state.header.validators)
        var file = try SnapshotFile.Reader(path, genesis: chain.genesisState, trusting: trust)
        let loading = try SnapshotLoading(
            file.snapshot, into: "\(chain.directory)/loaded", options: options)
        var without: UInt64 = 0
        while loading.nextSegment < file.snapshot.segmentCount {
            let segment = try file.segment(loading.nextSegment)
            without += UInt64(segment.leafGroups.count { $0 == nil })
            try loading.add([segment])
        }
        try file.finish()
        try loading.finish()
        return without
    }

    @Test("a snapshot with pruned groups loads, is sound, and the chain goes on on it and back")
    func snapshot() throws {
        let chain = try StoredChain(blocks: PruneTests.blocks, allocations: PruneTests.allocations)
        let whole = try store(chain, "whole", upTo: PruneTests.prunedAt)
        let pruned = try store(chain, "pruned", upTo: PruneTests.prunedAt)
        #expect(try pruned.prune(blocksBelow: 90).groups == PruneTests.groups)
        let path = "\(chain.directory)/snapshot"
        _ = try pruned.snapshot { try SnapshotFile.write($0, to: path) }
        #expect(try load(path, chain) == PruneTests.groups)

        let loaded = try store(chain, "loaded", upTo: PruneTests.prunedAt)
        try expect(loaded, at: PruneTests.prunedAt, of: chain)
        try go(loaded, to: PruneTests.blocks, along: chain)
        try go(whole, to: PruneTests.blocks, along: chain)
        try expect(loaded, at: PruneTests.blocks, of: chain)
        let outputs = try whole.snapshot { try $0.outputs(from: 0, countMax: .max) }
        #expect(try loaded.snapshot { try $0.outputs(from: 0, countMax: .max) } == outputs)
        try backAndForth(loaded, of: chain)
    }

    @Test("a group to which a block that can be taken back appended is kept, though all of it is spent")
    func lateGroup() throws {
        let chain = try LateGroup(between: 6)
        let directory = NSTemporaryDirectory() + "timecoin-pruned.\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var options = options
        options.undoSlots = 0
        let store = try ChainStore(
            opening: directory, chain: chain.world.chain.genesis.hash, options: options)
        for commit in chain.commits { try store.commit([commit]) }
        #expect(try store.prune(blocksBelow: 1).groups == 0)
        #expect(try store.verification().damages == [])
        let last = try #require(chain.commits.last)
        try store.rollbackTip()
        #expect(try store.verification().damages == [])
        try store.commit([last])
        #expect(try store.verification().damages == [])
        #expect(try store.snapshot { try $0.state() } == last.state)
    }
}
