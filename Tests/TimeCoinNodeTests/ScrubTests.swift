import Foundation
import Testing
import TimeCoinCore

@testable import TimeCoinStore

@Suite("Scrub, quarantine and repair")
struct ScrubTests {
    /// A whole pass, step by step.
    private func pass(_ store: ChainStore, records: Int = 50) throws -> [DatabaseReport.Damage] {
        var damages: [DatabaseReport.Damage] = []
        var place: ScrubPlace?
        for _ in 0..<10_000 {
            let step = try store.scrub(from: place, records: records)
            for damage in step.damages where !damages.contains(where: { $0.record == damage.record }) {
                damages.append(damage)
            }
            guard let next = step.next else { return damages }
            #expect(next != place)
            place = next
        }
        Issue.record("the pass does not end")
        return damages
    }

    /// Repairs what was found, blocks out of a sound store.
    private func repair(
        _ damages: [DatabaseReport.Damage], in store: ChainStore, from chain: StoredChain
    ) throws {
        for damage in damages {
            switch try store.repair(damage.record, near: damage.near) {
            case .repaired: continue
            case .needsBlock(let height):
                let commit = chain.commits[Int(height)]
                try store.restore(
                    StoredBlock(height: height, block: commit.block, certificate: commit.certificate))
                if ["blocks", "certificates", "headers"].contains(damage.record.table) { continue }
                #expect(try store.repair(damage.record, near: damage.near) == .repaired)
            case .impossible(let reason): Issue.record("\(damage): \(reason)")
            }
        }
    }

    /// Every record of the tables of a closed database but those that repairs may change.
    private func records(_ chain: StoredChain) throws -> [String: [[UInt8]: [UInt8]]] {
        var all: [String: [[UInt8]: [UInt8]]] = [:]
        for table in ScrubTests.tables + ["sweeps", "set-changes"] {
            try chain.damage(table) { transaction, table throws(StoreFailure) in
                var records: [[UInt8]: [UInt8]] = [:]
                try transaction.walk(table) { key, payload in records[key.bytes] = payload ?? [] }
                all[table.name] = records
            }
        }
        return all
    }

    private static let tables = [
        "headers", "heights", "blocks", "certificates", "undo", "outputs", "transactions", "nodes", "chunks",
        "addresses", "leaves", "history", "validator-sets",
    ]
    private static let repairable = tables.filter { $0 != "undo" }

    @Test(
        "a pass over a sound database finds nothing, whatever the length of its steps",
        arguments: [1, 7, 5000])
    func sound(records: Int) throws {
        let chain = try StoredChain(blocks: 14)
        let store = try chain.store()
        #expect(try pass(store, records: records) == [])
        for _ in 0..<5 { try store.rollbackTip() }
        #expect(try pass(store, records: records) == [])
        #expect(try store.quarantined() == QuarantineReport())
    }

    @Test("a pass goes on where it was while the chain grows, and finds nothing")
    func growing() throws {
        let chain = try StoredChain(blocks: 30)
        let store = try chain.store(blocks: 3)
        var place: ScrubPlace?
        var height = 3
        var steps = 0
        repeat {
            let step = try store.scrub(from: place, records: 5)
            #expect(step.damages == [])
            place = step.next
            steps += 1
            guard steps.isMultiple(of: 3), height < 30 else { continue }
            height += 1
            try store.commit([chain.commits[height]])
        } while place != nil && steps < 1000
        #expect(height > 10)
        #expect(place == nil)
    }

    /// A bit of the record in the middle of a table.
    private func flip(_ table: String, in chain: StoredChain) throws -> (key: [UInt8], raw: [UInt8]) {
        var found: (key: [UInt8], raw: [UInt8])?
        try chain.damage(table) { transaction, table throws(StoreFailure) in
            guard let key = try StoredChain.middleKey(transaction, table) else { return }
            found = (key.bytes, try transaction.flip(table, key))
        }
        return try #require(found)
    }

    @Test(
        "S9: a flipped bit is named within a pass, kept in quarantine and repaired to the byte",
        arguments: repairable)
    func flipped(table: String) throws {
        let chain = try StoredChain(blocks: 30)
        _ = try chain.store()
        let (key, raw) = try flip(table, in: chain)
        let store = try chain.store()
        let damages = try pass(store)
        let record = StoreFailure.DamagedRecord(table: table, key: key)
        #expect(damages.contains { $0.record == record }, "\(damages)")
        #expect(Set(damages.map(\.record)) == [record], "\(damages)")
        #expect(try store.quarantine(damages.map(\.record)) == damages.count)
        #expect(throws: StoreFailure.self) { try store.read(record) }
        #expect(try store.quarantined().damaged == [record])
        #expect(try store.verification().damages.contains { $0.record.table == "quarantine" })
        try repair(damages, in: store, from: chain)
        #expect(try pass(store) == [])
        #expect(try store.verification().damages == [])
        #expect(try store.quarantined().damaged == [])
        #expect(try store.quarantined().repaired == 1)
        #expect(try store.quarantinedBytes(record) == raw)
        withExtendedLifetime(store) {}
    }

    @Test("S9: what was repaired is what it was before, and opens", arguments: repairable)
    func reopened(table: String) throws {
        let chain = try StoredChain(blocks: 30, allocations: 600)
        _ = try chain.store()
        let before = try records(chain)
        _ = try flip(table, in: chain)
        do {
            let store = try chain.store()
            try repair(try pass(store), in: store, from: chain)
        }
        #expect(try records(chain) == before)
        _ = try chain.store()
        #expect(try ChainStore.verify("\(chain.directory)/chain", chain: chain.genesis).damages == [])
    }

    @Test("S9: the valid record of another key is named and repaired", arguments: repairable)
    func stale(table: String) throws {
        let chain = try StoredChain(blocks: 30, allocations: 600)
        _ = try chain.store()
        let before = try records(chain)
        var isAltered = false
        try chain.damage(table) { transaction, table throws(StoreFailure) in
            guard let key = try StoredChain.middleKey(transaction, table),
                let other = try transaction.firstKey(table),
                let stale = try transaction.record(table, other),
                try transaction.record(table, key) != stale
            else { return }
            isAltered = try transaction.put(stale, table, key)
        }
        guard isAltered else {
            return #expect(["addresses", "history", "validator-sets", "chunks", "leaves"].contains(table))
        }
        do {
            let store = try chain.store()
            let damages = try pass(store)
            #expect(damages.contains { $0.record.table == table }, "\(damages)")
            try repair(damages, in: store, from: chain)
            #expect(try pass(store) == [])
        }
        #expect(try records(chain) == before)
    }

    @Test("a record that is gone is named by those that lead to it, and comes back", arguments: repairable)
    func gone(table: String) throws {
        let chain = try StoredChain(blocks: 30)
        let store = try chain.store()
        let before = try store.verification()
        var key: [UInt8] = []
        try store.damage(table) { transaction, table throws(StoreFailure) in
            guard let middle = try StoredChain.middleKey(transaction, table) else { return }
            key = middle.bytes
            _ = try transaction.delete(table, middle)
        }
        let record = StoreFailure.DamagedRecord(table: table, key: key)
        let damages = try pass(store)
        #expect(damages.contains { $0.record == record }, "\(damages)")
        try repair(damages, in: store, from: chain)
        #expect(try pass(store) == [])
        #expect(try store.verification().damages == before.damages)
    }

    @Test("a whole page of headers comes back from the blocks under them")
    func headers() throws {
        let chain = try StoredChain(blocks: 30)
        _ = try chain.store()
        let before = try records(chain)
        try chain.damage("headers") { transaction, table throws(StoreFailure) in
            for height in UInt64(4)..<18 { _ = try transaction.flip(table, RecordKey(height)) }
        }
        do {
            let store = try chain.store()
            let damages = try pass(store)
            #expect(damages.count { $0.record.table == "headers" } == 14)
            try repair(damages, in: store, from: chain)
        }
        #expect(try records(chain) == before)
    }

    @Test(
        "the state, which only itself knew, cannot be repaired, nor an older set that nobody knows")
    func impossible() throws {
        let chain = try StoredChain(blocks: 30)
        let store = try chain.store()
        let record = try damage("state", ChainTables.stateKey, in: store)
        #expect(try store.repair(record) == .impossible("no other record holds the state"))
        #expect(try store.quarantined().damaged == [record])
        let set = chain.genesisState.validators
        let named = try damage("validator-sets", RecordKey(set.hash), in: store)
        #expect(
            try store.repair(named) == .impossible("no other record holds this set of validators"))
        #expect(try store.repair(named, knowing: [set]) == .repaired)
        #expect(try store.snapshot { try $0.validatorSet(set.hash) } == set)
    }

    private func damage(
        _ table: String, _ key: RecordKey, in store: ChainStore
    ) throws -> StoreFailure.DamagedRecord {
        try store.damage(table) { transaction, table throws(StoreFailure) in
            _ = try transaction.flip(table, key)
        }
        return StoreFailure.DamagedRecord(table: table, key: key.bytes)
    }

    @Test("S9: the tip and the base of the history are told by the state, the headers and the blocks")
    func tipAndBase() throws {
        let chain = try StoredChain(blocks: 30)
        let store = try chain.store()
        _ = try store.prune(blocksBelow: 1)
        let base = try store.snapshot { try $0.base() }
        for key in [ChainTables.tipKey, ChainTables.baseKey] {
            let record = try damage("state", key, in: store)
            #expect(throws: StoreFailure.self) { try store.read(record) }
            #expect(try store.repair(record) == .repaired)
        }
        #expect(try store.snapshot { try $0.tip()?.hash } == chain.world.state.headerHash)
        #expect(try store.snapshot { try $0.base() } == base)
        #expect(try store.verification().damages == [])
    }

    @Test("S9: of a damaged undo record and those below nothing is left, and blocks above are taken back")
    func undo() throws {
        let chain = try StoredChain(blocks: 30)
        do {
            let store = try chain.store()
            let record = try damage("undo", RecordKey(20), in: store)
            let damages = try pass(store)
            #expect(damages.map(\.record) == [record])
            #expect(try store.verification().damages.map(\.record).contains(record))
            #expect(try store.repair(record) == .repaired)
            for height in UInt64(1)...30 {
                #expect(try store.snapshot { try $0.undo(at: height) == nil } == (height <= 20))
            }
            #expect(try pass(store) == [])
            #expect(try store.verification().damages == [])
        }
        let store = try chain.store()
        for _ in 0..<10 { try store.rollbackTip() }
        #expect(try store.snapshot { try $0.tip()?.height } == 20)
        #expect(throws: StoreFailure(.noUndo, "")) { try store.rollbackTip() }
        for commit in chain.commits[21...] { try store.commit([commit]) }
        #expect(try store.verification().damages == [])
    }

    @Test("S9: what a snapshot brought of a transaction is told by its outputs")
    func transactionOfSnapshot() throws {
        let chain = try StoredChain(blocks: 30)
        let path = "\(chain.directory)/snapshot"
        _ = try chain.store().snapshot { try SnapshotFile.write($0, to: path) }
        var reader = try SnapshotFile.Reader(
            path, genesis: chain.genesisState, trusting: .validators(chain.genesisState.validators.hash))
        do {
            let loading = try SnapshotLoading(reader.snapshot, into: "\(chain.directory)/loaded")
            try loading.add([try reader.segment(0)])
            try loading.finish()
        }
        let store = try chain.store(named: "loaded")
        var rows: [(key: RecordKey, bytes: [UInt8])] = []
        try store.damage("transactions") { transaction, table throws(StoreFailure) in
            try transaction.walk(table) { key, bytes in rows.append((key, bytes ?? [])) }
        }
        #expect(rows.count > 10)
        for (key, bytes) in rows {
            let record = try damage("transactions", key, in: store)
            #expect(try store.repair(record) == .repaired)
            try store.damage("transactions") { transaction, table throws(StoreFailure) in
                let found = try transaction.record(table, key)
                #expect(found == bytes)
            }
        }
        // Of one whose outputs are all spent nothing need be known.
        let unknown = Hash256(Array(repeating: 7, count: 32)) ?? .zero
        try store.damage("transactions") { transaction, table throws(StoreFailure) in
            _ = try transaction.put([1], table, RecordKey(unknown), .inserting)
        }
        let record = StoreFailure.DamagedRecord(table: "transactions", key: unknown.bytes)
        #expect(try store.repair(record) == .repaired)
        #expect(try store.snapshot { try $0.location(of: unknown) } == nil)
    }

    @Test("only the block of the chain is taken back, and only where it is damaged")
    func foreign() throws {
        let chain = try StoredChain(blocks: 14)
        let store = try chain.store()
        let commit = chain.commits[3]
        let right = StoredBlock(height: 3, block: commit.block, certificate: commit.certificate)
        #expect(try store.restore(right) == [])
        try store.damage("blocks") { transaction, table throws(StoreFailure) in
            _ = try transaction.flip(table, RecordKey(3))
        }
        let other = chain.commits[4]
        for wrong in [
            StoredBlock(height: 3, block: other.block, certificate: other.certificate),
            StoredBlock(height: 3, block: commit.block, certificate: other.certificate),
            StoredBlock(height: 3, block: Array(commit.block.dropLast()), certificate: commit.certificate),
        ] {
            #expect(throws: StoreFailure(.invalidCommit, "")) { try store.restore(wrong) }
        }
        let record = StoreFailure.DamagedRecord(table: "blocks", key: RecordKey(3).bytes)
        #expect(try store.repair(record) == .needsBlock(3))
        #expect(try store.restore(right) == [record])
        #expect(try store.verification().damages == [])
    }

    @Test("the quarantine has a limit: what was repaired first goes first, and nothing else goes")
    func bounded() throws {
        let chain = try StoredChain(blocks: 14)
        let store = try chain.store()
        let repaired = StoreFailure.DamagedRecord(table: "certificates", key: RecordKey(2).bytes)
        try store.damage("certificates") { transaction, table throws(StoreFailure) in
            _ = try transaction.flip(table, RecordKey(2))
        }
        try store.quarantine([repaired])
        let commit = chain.commits[2]
        try store.restore(StoredBlock(height: 2, block: commit.block, certificate: commit.certificate))
        #expect(try store.quarantined().repaired == 1)
        let many = (0..<QuarantinedRecord.recordsMax + 5).map {
            StoreFailure.DamagedRecord(table: "outputs", key: RecordKey(UInt64($0)).bytes)
        }
        #expect(try store.quarantine(many) == QuarantinedRecord.recordsMax)
        #expect(try store.quarantined().damaged.count == QuarantinedRecord.recordsMax)
        #expect(try store.quarantined().repaired == 0)
        try store.damage("headers") { transaction, table throws(StoreFailure) in
            _ = try transaction.flip(table, RecordKey(3))
        }
        guard case .impossible = try store.repair(.init(table: "headers", key: RecordKey(3).bytes)) else {
            Issue.record("repaired without keeping what was there")
            return
        }
    }
}

extension WriteTransaction {
    /// Flips a bit of a record, in its payload where there is one.
    ///
    /// - Returns: what lies there now, checksum and all.
    func flip(_ table: Table, _ key: RecordKey) throws(StoreFailure) -> [UInt8] {
        guard var payload = try record(table, key) else { return [] }
        if !payload.isEmpty { payload[payload.count / 2] ^= 4 }
        // Under another key of checksums: the one that lies there does not match.
        let rotten = Table(
            name: table.name, identifier: table.identifier, handle: table.handle, checksumKey: .zero)
        _ = try put(payload, rotten, key)
        return try raw(table, key, bytesMax: .max) ?? []
    }
}

extension ChainStore {
    /// Changes records beside everything that guards them.
    func damage(
        _ name: String, _ body: (WriteTransaction, Table) throws(StoreFailure) -> Void
    ) throws {
        let table = try #require(tables.all.first { $0.name == name })
        try environment.write { transaction throws(StoreFailure) in try body(transaction, table) }
    }

    /// Reads a record as everybody does.
    func read(_ record: StoreFailure.DamagedRecord) throws {
        let (table, key) = try #require(tables.place(of: record))
        _ = try reading { try $0.transaction.record(table, key) }
    }

    /// What the quarantine holds of a record, as it lay there.
    func quarantinedBytes(_ record: StoreFailure.DamagedRecord) throws -> [UInt8]? {
        let (table, key) = try #require(tables.place(of: record))
        let place = try #require(RecordKey(quarantining: table, key))
        return try reading { reader in
            try reader.transaction.record(tables.quarantine, place).flatMap { QuarantinedRecord($0)?.raw }
        }
    }
}
