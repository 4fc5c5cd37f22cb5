import CLMDB
import Testing
import TimeCoinCore
import TimeCoinStoreConformance

@testable import TimeCoinStore

/// Sums of tables after repairs: what comes back as it was, as another record, or not at all.
@Suite struct TableSumsTests {
    private func filled(_ directory: TemporaryDirectory) throws -> (store: ChainStore, chain: ModelChain) {
        var chain = try ModelChain(seed: 64, outputsPerBlock: 200)
        try chain.extend(count: 14)
        let store = try ChainStore(opening: directory.path, chain: chain.genesis)
        try store.commit(chain.commits)
        return (store, chain)
    }

    /// Puts bytes where a record lies, past its checksum and past the sums.
    private func damage(_ store: ChainStore, _ table: Table, _ key: RecordKey, at offset: Int) throws {
        try store.environment.write { transaction throws(StoreFailure) in
            var raw = try transaction.raw(table, key, bytesMax: 1000) ?? []
            raw[offset] ^= 1
            let handle = try transaction.live()
            let status = key.withUnsafeBytes { key in
                raw.withUnsafeBytes { raw in
                    var (key, value) = (MDB_val(key), MDB_val(raw))
                    return mdb_put(handle, table.handle, &key, &value, 0)
                }
            }
            try LMDBStatus.check(status, "damage \(table.name)")
        }
    }

    private func agrees(_ store: ChainStore, _ table: Table, _ key: RecordKey) throws -> Bool {
        try store.reading { try $0.agrees(table, range: TableSums.range(of: key)) }
    }

    private func repair(_ store: ChainStore, _ table: Table, _ key: RecordKey, _ payload: [UInt8]?) throws {
        try store.environment.write { transaction throws(StoreFailure) in
            let writer = ChainWriter(transaction, store.tables, store.options)
            try writer.repairing(table, key) { () throws(StoreFailure) in
                if let payload {
                    try writer.overwrite(payload, table, key)
                } else {
                    _ = try transaction.delete(table, key, isKnown: false)
                }
            }
        }
    }

    /// Where a bit of a record flips: in its checksum, and behind it.
    @Test(
        "S9: the sums agree after a repair, whatever it brings back",
        arguments: [0, Table.checksumBytes], ["the same", "another", "nothing"])
    func damaged(offset: Int, remedy: String) throws {
        let directory = try TemporaryDirectory()
        let (store, chain) = try filled(directory)
        let set = try #require(chain.commits[3].validators)
        let tables = store.tables
        let rows = [
            (tables.transactions, RecordKey(chain.commits[5].transactions[0].identifier)),
            (tables.heights, RecordKey(chain.commits[5].hash)),
            (tables.validatorSets, RecordKey(set.hash)),
        ]
        for (table, key) in rows {
            let payload = try #require(try store.reading { try $0.transaction.record(table, key) })
            try damage(store, table, key, at: offset)
            #expect(throws: StoreFailure(.corrupt, "")) { try agrees(store, table, key) }
            let other: [UInt8]? =
                switch remedy {
                case "the same": payload
                case "another": payload + [1]
                default: nil
                }
            try repair(store, table, key, other)
            #expect(try agrees(store, table, key), "\(table.name)")
        }
    }

    @Test("S9: a row that is gone comes back under the sum that counts it")
    func gone() throws {
        let directory = try TemporaryDirectory()
        let (store, chain) = try filled(directory)
        let table = store.tables.transactions
        let key = RecordKey(chain.commits[5].transactions[0].identifier)
        let payload = try #require(try store.reading { try $0.transaction.record(table, key) })
        try repair(store, table, key, nil)
        #expect(try agrees(store, table, key), "taken away by a repair")
        try repair(store, table, key, payload)
        #expect(try agrees(store, table, key), "brought back by a repair")
        try store.environment.write { transaction throws(StoreFailure) in
            _ = try transaction.delete(table, key, isKnown: false)
        }
        #expect(try !agrees(store, table, key))
        try repair(store, table, key, payload)
        #expect(try agrees(store, table, key))
    }

    @Test("S9: a repair does not hide that something else of the range is older")
    func older() throws {
        let directory = try TemporaryDirectory()
        let (store, chain) = try filled(directory)
        let table = store.tables.transactions
        let key = RecordKey(chain.commits[5].transactions[0].identifier)
        var bytes = key.bytes
        bytes[bytes.count - 1] ^= 1
        let other = try #require(RecordKey(bytes))
        let payload = try #require(try store.reading { try $0.transaction.record(table, key) })
        // Two rows that the sum counts, one of which is gone.
        try store.environment.write { transaction throws(StoreFailure) in
            _ = try transaction.put(payload, table, other, .inserting)
            let writer = ChainWriter(transaction, store.tables, store.options)
            try writer.writeSums()
        }
        #expect(try agrees(store, table, key))
        try store.environment.write { transaction throws(StoreFailure) in
            _ = try transaction.delete(table, other, isKnown: false)
        }
        try damage(store, table, key, at: Table.checksumBytes)
        for remedy in [payload + [1], payload, nil] {
            try repair(store, table, key, remedy)
            #expect(try !agrees(store, table, key))
        }
    }
}
