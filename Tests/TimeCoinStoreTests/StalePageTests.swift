import Foundation
import Testing
import TimeCoinCore
import TimeCoinStoreConformance

@testable import TimeCoinStore

/// What an older page does that lies where a write was lost: all that is on it is sound, and no longer true.
@Suite struct StalePageTests {
    private static let pageBytes = 4096

    /// A file in memory that notes which of its pages are read.
    private final class PagedFile {
        var bytes: [UInt8]
        /// In the order of reading.
        var pagesRead: [Int] = []

        init(_ bytes: [UInt8]) {
            self.bytes = bytes
        }

        func range(_ page: Int) -> Range<Int> {
            page * StalePageTests.pageBytes..<(page + 1) * StalePageTests.pageBytes
        }

        func read(_ offset: UInt64, _ count: Int) -> [UInt8] {
            if Int(offset).isMultiple(of: pageBytes) { pagesRead.append(Int(offset) / pageBytes) }
            return Array(bytes[Int(offset)..<Int(offset) + count])
        }

        func check(last: UInt64, pagesMax: Int = PageTree.pagesMax) throws(StoreFailure) -> Bool {
            var tree = PageTree(
                { offset, count throws(StoreFailure) in self.read(offset, count) }, pageBytes: pageBytes,
                pages: UInt64(bytes.count / pageBytes), pagesMax: pagesMax)
            return try tree.check(last: last)
        }

        /// Of the pages that were read, the leaves of records: below the table of tables, which is read after
        /// the free list.
        func leavesOfRecords(last: UInt64) -> Set<Int> {
            let root = Int(word(firstPage(last: last) + 128))
            let below = pagesRead.drop { $0 != root }
            return Set(
                below.filter { page in
                    let start = range(page).lowerBound
                    let node = start + half(start + 16)
                    return half(start + 10) & 2 != 0 && half(node + 4) & 2 == 0
                })
        }

        /// The root of the list of free pages.
        func freeList(last: UInt64) -> Int { Int(word(firstPage(last: last) + 80)) }

        private func firstPage(last: UInt64) -> Int {
            range([0, 1].first { word(range($0).lowerBound + 144) == last } ?? 0).lowerBound
        }

        private func word(_ offset: Int) -> UInt64 {
            bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
        }

        private func half(_ offset: Int) -> Int { Int(bytes[offset]) | Int(bytes[offset + 1]) << 8 }
    }

    /// A page without what lies between the places of its nodes and the nodes.
    private static func content(_ page: [UInt8]) -> [UInt8] {
        let (lower, upper) = (Int(page[12]) | Int(page[13]) << 8, Int(page[14]) | Int(page[15]) << 8)
        guard lower < upper, upper <= page.count else { return page }
        return Array(page[..<lower] + page[upper...])
    }

    @Test("S9: an older page, or another one, above the leaves or in the list of free pages is found")
    func pages() throws {
        let directory = try TemporaryDirectory()
        var chain = try ModelChain(seed: 60, outputsPerBlock: 200)
        try chain.extend(count: 14)
        let store = try ChainStore(opening: directory.path, chain: chain.genesis)
        var copies: [[UInt8]] = []
        for commit in chain.commits {
            try store.commit([commit])
            copies.append(try TemporaryDirectory.read(directory.file("data.mdb")))
        }
        let last = UInt64(try store.environment.lastTransaction())
        let file = PagedFile(copies.removeLast())
        #expect(try file.check(last: last))
        var (older, found, refused) = (0, 0, 0)
        let pages = Set(file.pagesRead + [file.freeList(last: last)]).subtracting([0, 1]).sorted()
        let leaves = file.leavesOfRecords(last: last)
        #expect(leaves.count < pages.count - 3)
        for (page, other) in zip(pages, pages.dropFirst() + pages.prefix(1)) {
            let kept = Array(file.bytes[file.range(page)])
            var changed = copies.filter { file.range(page).upperBound <= $0.count }
                .map { Array($0[file.range(page)]) }.filter { Self.content($0) != Self.content(kept) }
            older += changed.count
            changed.append(Array(file.bytes[file.range(other)]))
            for bytes in changed {
                file.bytes.replaceSubrange(file.range(page), with: bytes)
                do throws(StoreFailure) {
                    _ = try file.check(last: last)
                } catch {
                    #expect(error.code == .corrupt)
                    found += 1
                    continue
                }
                // A table of tables from before the first block names no page; the counts refuse it.
                do {
                    let isNoticed = try Self.isNoticed(file.bytes, chain.genesis)
                    // No page tells that a leaf of records is an older one: its records do.
                    #expect(leaves.contains(page) && isNoticed, "page \(page)")
                } catch let failure as StoreFailure {
                    #expect(failure.code == .corrupt)
                }
                refused += 1
            }
            file.bytes.replaceSubrange(file.range(page), with: kept)
        }
        #expect(try file.check(last: last))
        #expect(try !Self.isNoticed(file.bytes, chain.genesis))
        #expect(older > 50, "or nothing was tested")
        #expect(found + refused == older + pages.count)
        #expect(found > older, "\(found) of \(older) older ones and \(pages.count) of other places")
    }

    /// Opens a database of these bytes.
    ///
    /// - Returns: whether a record does not match its checksum, or a sum does not agree.
    @discardableResult
    private static func isNoticed(_ bytes: [UInt8], _ genesis: Hash256) throws -> Bool {
        let directory = try TemporaryDirectory()
        try TemporaryDirectory.write(bytes, to: directory.file("data.mdb"))
        let store = try ChainStore(opening: directory.path, chain: genesis)
        return try store.reading { reader in
            var isNoticed = false
            for table in reader.tables.all {
                try reader.transaction.walk(table) { _, payload in isNoticed = isNoticed || payload == nil }
                guard table.isSummed, !isNoticed else { continue }
                for range in 0..<TableSums.ranges where try !reader.agrees(table, range: range) {
                    isNoticed = true
                }
            }
            return isNoticed
        }
    }

    @Test("a record that is written twice in one transaction, shorter the second time, is no damage")
    func shortened() throws {
        let directory = try TemporaryDirectory()
        let environment = try Environment(directory: directory.path, mapBytes: 1 << 24)
        let table = try environment.table("a", 1, checksumKey: SipHash.Key(low: 1, high: 2))
        for first in [9000, 13_000, 30_000] {
            for second in [3000, 5000, 8200] {
                try environment.write { transaction throws(StoreFailure) in
                    for bytes in [first, second] {
                        _ = try transaction.put([UInt8](repeating: 1, count: bytes), table, RecordKey(7))
                    }
                }
                try environment.checkPages(in: directory.path, pagesMax: .max)
            }
        }
    }

    @Test("of a large database a bounded number of pages is read, the highest first")
    func bounded() throws {
        let directory = try TemporaryDirectory()
        var chain = try ModelChain(seed: 63, outputsPerBlock: 200)
        try chain.extend(count: 14)
        let store = try ChainStore(opening: directory.path, chain: chain.genesis)
        try store.commit(chain.commits)
        let last = UInt64(try store.environment.lastTransaction())
        let file = PagedFile(try TemporaryDirectory.read(directory.file("data.mdb")))
        #expect(try file.check(last: last))
        let all = file.pagesRead.count
        for pagesMax in [0, 1, 2, 4] {
            file.pagesRead = []
            #expect(try !file.check(last: last, pagesMax: pagesMax))
            // Two first pages, the free list and the tables.
            #expect(file.pagesRead.count <= 2 + 2 * pagesMax)
        }
        #expect(all > 10)
    }

    @Test("writing blocks and reading what they spend reads no range of a table whole after a start")
    func connecting() throws {
        let directory = try TemporaryDirectory()
        var (_, chain) = try filled(directory)
        try chain.extend(count: 3)
        let store = try ChainStore(opening: directory.path, chain: chain.genesis)
        for commit in chain.commits.suffix(3) {
            try store.snapshot { reader in
                for spent in commit.spent {
                    let entry = try reader.output(spent.outPoint)
                    #expect(entry == spent.entry)
                }
            }
            try store.commit([commit])
        }
        #expect(chain.commits.suffix(3).allSatisfy { !$0.spent.isEmpty })
        #expect(store.confirmations.rangeCount == 0)
        let unknown = try store.snapshot { try $0.location(of: .zero) }
        #expect(unknown == nil)
        #expect(store.confirmations.rangeCount == 1)
    }

    /// A store of 13 blocks, the last of which is beyond what a start looks at in the first ones.
    private func filled(_ directory: TemporaryDirectory) throws -> (store: ChainStore, chain: ModelChain) {
        var chain = try ModelChain(seed: 61, outputsPerBlock: 200)
        try chain.extend(count: 14)
        let store = try ChainStore(opening: directory.path, chain: chain.genesis)
        try store.commit(chain.commits)
        return (store, chain)
    }

    /// Lets a row be as on an older page: it is gone, and one that was deleted since is there.
    private func makeOlder(_ store: ChainStore, _ table: Table, _ row: RecordKey) throws {
        var bytes = row.bytes
        bytes[bytes.count - 1] ^= 1
        let other = try #require(RecordKey(bytes))
        try store.environment.write { transaction throws(StoreFailure) in
            let payload = try transaction.record(table, row) ?? []
            #expect(try transaction.delete(table, row, isKnown: false))
            _ = try transaction.put(payload, table, other)
        }
    }

    @Test("S9: a list or an absence that an older page gives is damage, not an answer", arguments: 0..<6)
    func rows(_ place: Int) throws {
        let directory = try TemporaryDirectory()
        let (store, chain) = try filled(directory)
        let commit = chain.commits[3]
        let transaction = commit.transactions[0].identifier
        let script = ModelChain.scripts[1]
        let set = try #require(commit.validators)
        let output = try #require(
            chain.outputs.filter { $0.value.output.locking == script }.map(\.value.position).min())
        let change = try #require(
            chain.commits.first { $0.header.nextValidators != $0.header.validators }?.height)
        let history = try store.snapshot { try $0.history(locking: script, after: nil, countMax: 1) }[0]
        let tables = store.tables
        let key = tables.scriptKey(script)
        let (table, row, read): (Table, RecordKey, (any ChainReading) throws -> Void) =
            [
                (tables.heights, RecordKey(commit.hash), { _ = try $0.height(of: commit.hash) }),
                (tables.transactions, RecordKey(transaction), { _ = try $0.location(of: transaction) }),
                (
                    tables.addresses, RecordKey(script: key, position: output),
                    { _ = try $0.unspent(locking: script, after: nil, countMax: 5) }
                ),
                (
                    tables.history, RecordKey(script: key, history),
                    { _ = try $0.history(locking: script, before: nil, countMax: 5) }
                ),
                (tables.validatorSets, RecordKey(set.hash), { _ = try $0.validatorSet(set.hash) }),
                (tables.setChanges, RecordKey(change), { _ = try $0.setChanges(from: 9, countMax: 1) }),
            ][place]
        try store.snapshot { try read($0) }
        try makeOlder(store, table, row)
        // What this process wrote itself is believed; after the next start it is looked at again.
        store.confirmations.removeAll()
        let failure = #expect(throws: StoreFailure.self) { try store.snapshot { try read($0) } }
        #expect(failure?.code == .corrupt)
        #expect(failure?.damaged == [.init(table: table.name, key: [])])
    }

    @Test("S9: older spent bits, leaves and nodes are not under the root beside the tip")
    func commitment() throws {
        let directory = try TemporaryDirectory()
        let (store, chain) = try filled(directory)
        let (outPoint, entry) = try #require(chain.outputs.min { $0.value.position < $1.value.position })
        let tables = store.tables
        let chunk = entry.position / SpentChunk.positions
        var bits = try #require(chain.chunks[chunk]).bytes
        bits[Int(entry.position % SpentChunk.positions) / 8] ^= 1 << UInt8(entry.position % 8)
        let node = CommitmentNodeKey(tree: .outputs, level: 6, index: 3)
        let leaf = CommitmentNodeKey(tree: .outputs, level: 0, index: 5)
        var group = try #require(try store.reading { try $0.leafGroup(0) })
        group = LeafGroup([.zero] + group.leaves.dropFirst())
        let cases: [(Table, RecordKey, [UInt8], (any ChainReading) throws -> Void)] = [
            (tables.chunks, RecordKey(chunk), bits, { _ = try $0.output(outPoint) }),
            (tables.nodes, RecordKey(node), Hash256.zero.bytes, { _ = try $0.node(node) }),
            (tables.leaves, RecordKey(0), group.encoded, { _ = try $0.node(leaf) }),
        ]
        for (table, key, older, read) in cases {
            store.confirmations.removeAll()
            try store.snapshot { try read($0) }
            let kept = try #require(try store.reading { try $0.transaction.record(table, key) })
            try store.environment.write { transaction throws(StoreFailure) in
                _ = try transaction.put(older, table, key)
            }
            store.confirmations.removeAll()
            #expect(throws: StoreFailure(.corrupt, ""), "\(table.name)") {
                try store.snapshot { try read($0) }
            }
            try store.environment.write { transaction throws(StoreFailure) in
                _ = try transaction.put(kept, table, key)
            }
            try store.snapshot { try read($0) }
        }
    }

    @Test("S9: older spent bits under nodes that are all of the same time are not under the root")
    func olderPath() throws {
        let directory = try TemporaryDirectory()
        let (store, chain) = try filled(directory)
        let (outPoint, entry) = try #require(chain.outputs.min { $0.value.position < $1.value.position })
        let index = entry.position / SpentChunk.positions
        var bits = try #require(chain.chunks[index]).bytes
        bits[Int(entry.position % SpentChunk.positions) / 8] ^= 1 << UInt8(entry.position % 8)
        let tables = store.tables
        try store.environment.write { transaction throws(StoreFailure) in
            _ = try transaction.put(bits, tables.chunks, RecordKey(index))
            let reader = ChainReader(transaction: transaction, tables: tables, addressIndex: true)
            var key = CommitmentNodeKey(tree: .spent, level: 0, index: index)
            var hash = Blake2b.hash256(.spentChunk, bits)
            while try reader.keptNode(key) != nil {
                _ = try transaction.put(hash.bytes, tables.nodes, RecordKey(key))
                let sibling = CommitmentNodeKey(tree: .spent, level: key.level, index: key.index ^ 1)
                guard let other = try reader.keptNode(sibling) else { return }
                let isLeft = key.index.isMultiple(of: 2)
                hash = Blake2b.hash256(.rangeNode, isLeft ? hash : other, isLeft ? other : hash)
                key = CommitmentNodeKey(tree: .spent, level: key.level + 1, index: key.index >> 1)
            }
        }
        store.confirmations.removeAll()
        #expect(throws: StoreFailure(.corrupt, "")) { try store.snapshot { try $0.output(outPoint) } }
    }

    @Test("S9: no block is written over highest nodes that are not those of the tip")
    func peaks() throws {
        let directory = try TemporaryDirectory()
        let (store, filled) = try filled(directory)
        var chain = filled
        try chain.extend()
        let chunks = UInt64(chain.chunks.count)
        let isEven = chunks.isMultiple(of: 2)
        let key = RecordKey(
            CommitmentNodeKey(
                tree: .spent, level: isEven ? 1 : 0, index: isEven ? chunks / 2 - 1 : chunks - 1))
        try store.environment.write { transaction throws(StoreFailure) in
            _ = try transaction.put(Hash256.zero.bytes, store.tables.nodes, key)
        }
        #expect(throws: StoreFailure(.corrupt, "")) { try store.commit([chain.commits[15]]) }
        #expect(throws: StoreFailure(.corrupt, "")) { try store.rollbackTip() }
    }

    @Test("The sums of all tables agree with them after blocks and rollbacks in any order")
    func sums() throws {
        let directory = try TemporaryDirectory()
        let (store, chain) = try filled(directory)
        var generator = SeededGenerator(seed: 62)
        var height = 14
        for _ in 0..<40 {
            if height == 14 || (height > 2 && Bool.random(using: &generator)) {
                try store.rollbackTip()
                height -= 1
            } else {
                try store.commit([chain.commits[height + 1]])
                height += 1
            }
        }
        try store.reading { reader in
            for table in reader.tables.all where table.isSummed {
                for range in 0..<TableSums.ranges {
                    #expect(try reader.agrees(table, range: range), "\(table.name) \(range)")
                }
            }
            let records = try reader.transaction.count(reader.tables.sums)
            #expect(records > 20)
        }
    }
}
