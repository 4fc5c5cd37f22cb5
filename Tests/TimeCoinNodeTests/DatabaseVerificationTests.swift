import Foundation
import Testing
import TimeCoinCore

@testable import TimeCoinStore

@Suite("Verification of a whole database")
struct DatabaseVerificationTests {
    private func verify(_ chain: StoredChain) throws -> DatabaseReport {
        try ChainStore.verify("\(chain.directory)/chain", chain: chain.genesis)
    }

    @Test("a sound database is sound, and its root, outputs and money are those of the tip")
    func sound() throws {
        let chain = try StoredChain(blocks: 14)
        _ = try chain.store()
        let state = chain.world.state
        var phases: Set<VerificationProgress.Phase> = []
        let report = try ChainStore.verify("\(chain.directory)/chain", chain: chain.genesis) { progress in
            phases.insert(progress.phase)
            #expect(progress.done <= progress.total)
        }
        #expect(report.damages == [])
        #expect(report.isSound)
        #expect(report.height == 14)
        #expect(report.hash == state.headerHash)
        #expect(report.stateRoot == state.header.stateRoot)
        #expect(report.outputs == state.outputCount)
        #expect(report.supply == state.supply.total)
        #expect(report.records > 100)
        #expect(phases == Set(VerificationProgress.Phase.allCases))
    }

    @Test("it stays so through rollbacks, sweeps and openings")
    func afterRollback() throws {
        let chain = try StoredChain(blocks: 20)
        do {
            let store = try chain.store()
            for _ in 0..<7 { try store.rollbackTip() }
            #expect(try store.verification().damages == [])
        }
        #expect(try verify(chain).height == 13)
        _ = try chain.store()
        let report = try verify(chain)
        #expect(report.damages == [])
        #expect(report.height == 20)
    }

    @Test("there is nothing to verify where there is no database")
    func missing() throws {
        let chain = try StoredChain(blocks: 1)
        #expect(throws: StoreFailure(.missing, "")) { try verify(chain) }
        #expect(!FileManager.default.fileExists(atPath: "\(chain.directory)/chain"))
    }

    /// Tables, with what takes the place of a record: bytes that no checksum shields.
    private static let tables = [
        "state", "headers", "heights", "blocks", "certificates", "undo", "outputs", "transactions", "nodes",
        "chunks", "addresses", "leaves", "history", "validator-sets",
    ]

    @Test("S9: a record that is gone is named, whatever its table", arguments: tables)
    func gone(table: String) throws {
        let chain = try StoredChain(blocks: 14)
        _ = try chain.store()
        var key: RecordKey?
        try chain.damage(table) { transaction, table throws(StoreFailure) in
            key = try StoredChain.middleKey(transaction, table)
            guard let key else { return }
            _ = try transaction.delete(table, key)
        }
        let report = try verify(chain)
        let bytes = try #require(key).bytes
        #expect(!report.isSound)
        // Of what is nothing but a key, its absence is seen in the counts where nothing else leads to it.
        let isNamed = report.damages.contains {
            $0.record.table == table && ($0.record.key == bytes || $0.record.key.isEmpty)
        }
        #expect(isNamed, "\(report.damages)")
    }

    @Test("S9: the record of another key with a checksum of its own is named, too", arguments: tables)
    func swapped(table: String) throws {
        let chain = try StoredChain(blocks: 14)
        _ = try chain.store()
        var altered: RecordKey?
        try chain.damage(table) { transaction, table throws(StoreFailure) in
            guard let key = try StoredChain.middleKey(transaction, table),
                let other = try transaction.firstKey(table),
                let stale = try transaction.record(table, other),
                let present = try transaction.record(table, key), stale != present
            else { return }
            altered = key
            _ = try transaction.put(stale, table, key)
        }
        // Records that are nothing but a key have nothing to be swapped.
        guard let altered else {
            #expect(["addresses", "history", "validator-sets", "chunks", "leaves"].contains(table))
            return
        }
        let report = try verify(chain)
        #expect(!report.isSound)
        let isNamed = report.damages.contains { damage in
            damage.record.table == table && damage.record.key == altered.bytes
                || table == "leaves" && damage.record.table == "nodes"
                || table == "state" && damage.record.table == "state"
        }
        #expect(isNamed, "\(report.damages)")
    }

    @Test("S9: nodes high above the leaves are recomputed, too")
    func highNodes() throws {
        let chain = try StoredChain(blocks: 3, allocations: 200)
        _ = try chain.store()
        let key = RecordKey(CommitmentNodeKey(tree: .outputs, level: 7, index: 0))
        try chain.damage("nodes") { transaction, table throws(StoreFailure) in
            guard try transaction.record(table, key) != nil else {
                throw StoreFailure(.missing, "there is no such node")
            }
            _ = try transaction.put([UInt8](repeating: 7, count: 32), table, key)
        }
        let report = try verify(chain)
        #expect(report.damages.map(\.record) == [.init(table: "nodes", key: key.bytes)])
    }

    @Test("all damages are listed, not only the first")
    func several() throws {
        let chain = try StoredChain(blocks: 14)
        _ = try chain.store()
        for table in ["certificates", "blocks", "transactions"] {
            try chain.damage(table) { transaction, table throws(StoreFailure) in
                guard let key = try StoredChain.middleKey(transaction, table) else { return }
                _ = try transaction.put([1, 2, 3], table, key)
            }
        }
        let report = try verify(chain)
        #expect(
            Set(report.damages.map(\.record.table)).isSuperset(of: ["certificates", "blocks", "transactions"])
        )
    }
}

extension StoredChain {
    /// The key in the middle of a table, which is neither its first nor its last where it has three.
    static func middleKey(
        _ transaction: ReadTransaction, _ table: Table
    ) throws(StoreFailure) -> RecordKey? {
        var keys: [RecordKey] = []
        let cursor = try Cursor(transaction, table)
        defer { cursor.close() }
        var move = Cursor.Move.first
        while let key = try cursor.key(move) {
            keys.append(key)
            move = .next
        }
        return keys.isEmpty ? nil : keys[keys.count / 2]
    }
}
