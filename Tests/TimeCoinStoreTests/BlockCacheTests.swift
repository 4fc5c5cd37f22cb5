import Testing
import TimeCoinCore
import TimeCoinStoreConformance

@testable import TimeCoinStore

@Suite("Blocks that were read lately")
struct BlockCacheTests {
    private func key(_ height: Height) -> BlockCache.Key { BlockCache.Key(kind: .block, height: height) }

    @Test("S13: whatever is read in whatever order, the cache stays within its bytes")
    func bound() {
        for seed in UInt64(0)..<8 {
            var generator = SeededGenerator(seed: seed)
            var cache = BlockCache(bytesMax: 100_000)
            // The same rule the slow way.
            var model: [(key: BlockCache.Key, record: [UInt8])] = []
            for step in 0..<4000 {
                let key = key(UInt64.random(in: 0..<60, using: &generator))
                let record = [UInt8](repeating: UInt8(key.height), count: Int(key.height * key.height) * 10)
                let known = model.firstIndex { $0.key == key }
                #expect(cache.record(key) == known.map { model[$0].record }, "seed \(seed), step \(step)")
                if let known {
                    model.append(model.remove(at: known))
                } else {
                    cache.keep(record, key)
                    if record.count + BlockCache.entryBytes <= 25_000 { model.append((key, record)) }
                }
                func cost() -> Int { model.reduce(0) { $0 + $1.record.count + BlockCache.entryBytes } }
                while cost() > 100_000 { model.removeFirst() }
                #expect(cache.bytes == cost() && cache.count == model.count, "seed \(seed), step \(step)")
            }
            #expect(cache.bytes > 50_000)
            cache.removeAll()
            #expect(cache.bytes == 0 && cache.record(key(1)) == nil)
        }
    }

    @Test("a block is read once from the database, and answered without it afterwards")
    func answers() throws {
        var chain = try ModelChain(seed: 60)
        try chain.extend(count: 5)
        let directory = try TemporaryDirectory()
        let store = try ChainStore(opening: directory.path, chain: chain.genesis)
        try store.commit(chain.commits)
        #expect(store.hot.bytes == 0)
        let first = try store.snapshot { try $0.blocks(from: 2, countMax: 3, bytesMax: .max) }
        let bytes = store.hot.bytes
        #expect(bytes == first.reduce(0) { $0 + $1.block.count + $1.certificate.count + 512 })
        // Beside the store, so that only the cache has it.
        try store.environment.write { transaction throws(StoreFailure) in
            for height in UInt64(2)...4 {
                _ = try transaction.delete(store.tables.blocks, RecordKey(height))
                _ = try transaction.delete(store.tables.certificates, RecordKey(height))
            }
        }
        #expect(try store.snapshot { try $0.blocks(from: 2, countMax: 3, bytesMax: .max) } == first)
        #expect(store.hot.bytes == bytes)
        // Who verifies asks the database.
        #expect(throws: StoreFailure(.corrupt, "")) { try store.reading { try $0.block(at: 3) } }
    }

    @Test("what was taken back or pruned is not answered, and what came in its place is")
    func changes() throws {
        var chain = try ModelChain(seed: 61)
        try chain.extend(count: 6)
        let directory = try TemporaryDirectory()
        var options = StoreOptions()
        (options.undoBlocks, options.undoSlots) = (3, 1)
        let store = try ChainStore(opening: directory.path, chain: chain.genesis, options: options)
        for commit in chain.commits { try store.commit([commit]) }
        func blocks() throws -> [StoredBlock] {
            try store.snapshot { try $0.blocks(from: 3, countMax: 9, bytesMax: .max) }
        }
        #expect(try blocks().count == 4)
        try store.rollbackTip()
        try store.rollbackTip()
        #expect(try blocks().count == 2)
        #expect(try store.snapshot { try $0.block(at: 5) } == nil)
        // The same block with another certificate, as after a recovery.
        let recertified = BlockCommit(
            header: chain.commits[5].header, block: chain.commits[5].block, certificate: [7],
            transactions: chain.commits[5].transactions, created: chain.commits[5].created,
            spent: chain.commits[5].spent, nodes: chain.commits[5].nodes, chunks: chain.commits[5].chunks,
            leafCount: chain.commits[5].leafCount, state: chain.commits[5].state,
            validators: chain.commits[5].validators)
        try store.commit([recertified])
        #expect(try store.snapshot { try $0.certificate(at: 5) } == [7])
        #expect(try store.snapshot { try $0.block(at: 2) } == chain.commits[2].block)
        _ = try store.prune(blocksBelow: 3)
        #expect(try store.snapshot { try $0.block(at: 2) } == nil)
    }

    @Test("a snapshot from before a change answers as it did, and leaves nothing in the cache")
    func oldSnapshots() throws {
        var chain = try ModelChain(seed: 62)
        try chain.extend(count: 4)
        let directory = try TemporaryDirectory()
        let store = try ChainStore(opening: directory.path, chain: chain.genesis)
        try store.commit(Array(chain.commits.dropLast()))
        try store.snapshot { old in
            try store.commit([chain.commits[4]])
            #expect(try store.snapshot { try $0.block(at: 4) } == chain.commits[4].block)
            #expect(try old.block(at: 4) == nil)
            #expect(try old.block(at: 3) == chain.commits[3].block)
            try store.rollbackTip()
            try store.rollbackTip()
            #expect(store.hot.bytes == 0)
            #expect(try old.block(at: 3) == chain.commits[3].block)
            #expect(try old.certificate(at: 3) == chain.commits[3].certificate)
            #expect(store.hot.bytes == 0)
            #expect(try store.snapshot { try $0.block(at: 3) } == nil)
        }
    }

    @Test("a damaged block is an error at every reading, and the others are answered")
    func damaged() throws {
        var chain = try ModelChain(seed: 63)
        try chain.extend(count: 4)
        let directory = try TemporaryDirectory()
        do {
            let store = try ChainStore(opening: directory.path, chain: chain.genesis)
            try store.commit(chain.commits)
        }
        var bytes = try TemporaryDirectory.read("\(directory.path)/data.mdb")
        let block = chain.commits[2].block
        let place = try #require(
            bytes.indices.dropLast(block.count).first { bytes[$0...].starts(with: block) })
        bytes[place + 50] ^= 1
        try TemporaryDirectory.write(bytes, to: "\(directory.path)/data.mdb")
        let store = try ChainStore(
            opening: directory.path, chain: chain.genesis, options: StoreOptions(), checking: false)
        for _ in 0..<3 {
            #expect(throws: StoreFailure(.corrupt, "")) { try store.snapshot { try $0.block(at: 2) } }
            #expect(try store.snapshot { try $0.block(at: 3) } == chain.commits[3].block)
        }
    }

    @Test("readers on many threads beside rollbacks and commits get a block of their own chain or none")
    func threads() async throws {
        var chain = try ModelChain(seed: 64)
        try chain.extend(count: 6)
        let directory = try TemporaryDirectory()
        let store = try ChainStore(opening: directory.path, chain: chain.genesis)
        try store.commit(chain.commits)
        let first = chain.commits[6]
        let second = BlockCommit(
            header: first.header, block: first.block + [1], certificate: [2],
            transactions: first.transactions, created: first.created, spent: first.spent,
            nodes: first.nodes, chunks: first.chunks, leafCount: first.leafCount,
            state: first.state + [1], validators: first.validators)
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var wrong = 0
                    for _ in 0..<2000 {
                        let seen = try? store.snapshot { reader in
                            (try reader.state(), try reader.block(at: 6), try reader.certificate(at: 6))
                        }
                        guard let (state, block, certificate) = seen else { return 1_000_000 }
                        let isRight =
                            switch state {
                            case first.state: block == first.block && certificate == first.certificate
                            case second.state: block == second.block && certificate == second.certificate
                            default: block == nil && certificate == nil
                            }
                        if !isRight { wrong += 1 }
                    }
                    return wrong
                }
            }
            group.addTask {
                for round in 0..<60 {
                    guard (try? store.rollbackTip()) != nil,
                        (try? store.commit([round % 2 == 0 ? second : first])) != nil
                    else { return 1_000_000 }
                }
                return 0
            }
            for await wrong in group { #expect(wrong == 0) }
        }
    }
}
