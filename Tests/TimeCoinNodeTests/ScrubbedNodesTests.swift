import Foundation
import Testing
import TimeCoinControl
import TimeCoinCore

@testable import TimeCoinNode
@testable import TimeCoinStore

/// Two whole nodes with one chain on real disks and sockets; a record of one of them has rotted.
@Suite("A rotten block comes again from a peer", .serialized)
struct ScrubbedNodesTests {
    private let root = NSTemporaryDirectory() + "tc-scrubbed.\(UUID().uuidString.prefix(8))"

    @Test("S9: an old block that rotted while the node was stopped is found, fetched and whole again")
    func endToEnd() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let network = try ForkedNodesTests.Network(root: root)
        let blocks = 20
        try network.grow(0, blocks: blocks, signers: [0, 1, 2])
        try copyChain(network, from: 0, to: 3)
        let rotten = RecordKey(3)
        do {
            let store = try open(network, 0)
            try store.damage("blocks") { transaction, table throws(StoreFailure) in
                _ = try transaction.flip(table, rotten)
            }
        }
        #expect(try verify(network, 0).damages.map(\.record.table) == ["blocks"])
        let processes = try (0..<2).map { try network.start($0) }
        defer { for process in processes where process.isRunning { process.terminate() } }
        let end = ContinuousClock.now.advanced(by: .seconds(60))
        var next: Int64 = 1
        while try network.call(network.home(0), ["getstorageinfo"])["damages"]?["repaired"]?.integer != 1 {
            try #require(ContinuousClock.now < end, "the block did not come")
            try #require(processes[0].isRunning, "the node ended")
            // Returns with the next event, and now and then without one.
            let events = try network.call(network.home(0), ["getevents", "\(next)", "1"])
            next = try #require(events["next"]?.integer)
        }
        for process in processes {
            process.terminate()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
        }
        #expect(try verify(network, 0).damages == [])
        let store = try open(network, 0)
        #expect(try store.quarantined().repaired == 1)
        let other = try open(network, 3)
        let height = Height(3)
        let ours = try store.snapshot { try $0.block(at: height) }
        #expect(try other.snapshot { try $0.block(at: height) } == ours)
    }

    private func open(_ network: ForkedNodesTests.Network, _ number: Int) throws -> ChainStore {
        let home = network.homes[number]
        return try ChainStore(
            opening: home.chain, chain: network.genesis.hash,
            options: try InstanceNumber.storeOptions(home))
    }

    private func verify(_ network: ForkedNodesTests.Network, _ number: Int) throws -> DatabaseReport {
        let home = network.homes[number]
        return try ChainStore.verify(
            home.chain, chain: network.genesis.hash, options: try InstanceNumber.storeOptions(home))
    }

    /// Writes the blocks of one node into the database of another.
    private func copyChain(_ network: ForkedNodesTests.Network, from source: Int, to target: Int) throws {
        let from = try open(network, source)
        let blocks = try from.snapshot { try $0.blocks(from: 1, countMax: 64, bytesMax: .max) }
        let store = try open(network, target)
        let genesis = network.genesis
        try store.commit([BlockCommit(genesis.block, change: genesis.change, certificate: [])])
        var state = genesis.state
        for stored in blocks {
            let verifier = BlockVerifier(store: store, chain: genesis.hash, proofs: ProofCache())
            let block = try CheckedBlock(decoding: stored.block)
            let executed = try verifier.judgeInTurn(block, on: state).get()
            try store.commit([
                BlockCommit(executed.block, change: executed.change, certificate: stored.certificate)
            ])
            state = executed.change.state
        }
    }
}
