import Foundation
import Testing
import TimeCoinControl
import TimeCoinCore
import TimeCoinTesting

@testable import TimeCoinNode
@testable import TimeCoinStore

@Suite("Reading the chain")
struct ChainQueryTests {
    private func query<Result>(
        _ store: ChainStore, _ body: (ChainQuery) throws -> Result
    ) throws -> Result {
        try store.snapshot { try body(ChainQuery(reader: $0)) }
    }

    /// What a call says no to.
    private func refusal(_ store: ChainStore, _ body: (ChainQuery) throws -> Void) throws -> RPCError {
        let error = #expect(throws: RPCError.self) { try query(store, body) }
        return try #require(error)
    }

    private func addresses(_ store: ChainStore, _ locking: Script) -> AddressQuery {
        AddressQuery(store: store, network: .local, locking: locking)
    }

    /// Every page of a history.
    private func pages(_ query: AddressQuery, _ count: Int, newestFirst: Bool) throws -> [JSONValue] {
        var rows: [JSONValue] = []
        var cursor: String?
        repeat {
            let page = try query.history(
                after: try AddressQuery.place(cursor), count: count, newestFirst: newestFirst)
            let next = try #require(page["transactions"]?.array)
            #expect(!next.isEmpty && next.count <= count)
            rows += next
            cursor = page["next"]?.string
        } while cursor != nil
        return rows
    }

    /// Blocks of a chain, decoded, with the transactions that touch a script in each.
    private func expected(_ chain: StoredChain, _ locking: Script) throws -> [(Height, Hash256)] {
        var owners: [OutPoint: Script] = [:]
        var found: [(Height, Hash256)] = []
        for commit in chain.commits {
            for checked in try CheckedBlock(decoding: commit.block).transactions {
                for (index, output) in checked.transaction.outputs.enumerated() {
                    owners[OutPoint(transaction: checked.txid, index: UInt32(index))] = output.locking
                }
                let pays = checked.transaction.outputs.contains { $0.locking == locking }
                let spends = checked.transaction.inputs.contains { owners[$0.previous] == locking }
                if pays || spends { found.append((commit.height, checked.txid)) }
            }
        }
        return found
    }

    @Test("the history of an address comes in pages of any size, from either end, each row once")
    func history() throws {
        let chain = try StoredChain(blocks: 14)
        let store = try chain.store()
        for key in [chain.world.chain.owner.publicKey, chain.world.chain.members[3].publicKey] {
            let locking = Script.keyHash(of: key)
            let expected = try expected(chain, locking)
            #expect(expected.count > 8)
            for count in [1, 3, expected.count, 100] {
                let rows = try pages(addresses(store, locking), count, newestFirst: false)
                #expect(rows.map { $0["txid"]?.string } == expected.map(\.1.description))
                #expect(rows.map { $0["height"]?.integer } == expected.map { Int64($0.0) })
                let reversed = try pages(addresses(store, locking), count, newestFirst: true)
                #expect(reversed == rows.reversed(), "pages of \(count)")
            }
            let first = try addresses(store, locking).history(after: nil, count: 5, newestFirst: false)
            #expect(first["pruned"]?.bool == false && first["blocksfrom"]?.integer == 0)
        }
    }

    @Test("unspent outputs of an address come in pages, and add up to its balance")
    func unspent() throws {
        let chain = try StoredChain(blocks: 9)
        let store = try chain.store()
        let locking = Script.keyHash(of: chain.world.chain.owner.publicKey)
        let all = try store.snapshot { try $0.unspent(locking: locking, after: nil, countMax: .max) }
        #expect(all.count > 30)
        var listed: [JSONValue] = []
        var cursor: UInt64?
        repeat {
            let page = try addresses(store, locking).unspent(after: cursor, count: 7)
            listed += try #require(page["outputs"]?.array)
            cursor = page["next"]?.integer.map { UInt64($0) }
        } while cursor != nil
        #expect(listed.map { $0["txid"]?.string } == all.map(\.outPoint.transaction.description))
        #expect(listed.map { $0["vout"]?.integer } == all.map { Int64($0.outPoint.index) })
        #expect(listed.map { $0["value"]?.string } == all.map(\.entry.output.value.description))
        let balance = try addresses(store, locking).balance()
        let sum = try #require(Amount.sum(all.map(\.entry.output.value)))
        #expect(balance["balance"]?.string == sum.description && balance["complete"]?.bool == true)
        let nobody = try addresses(store, Script([9])).balance()
        #expect(nobody["balance"]?.string == Amount.zero.description && nobody["outputs"]?.integer == 0)
    }

    @Test("pages and cursors out of range are refused with what to do")
    func refused() throws {
        for count in [Int64.min, -1, 0, 101, .max] {
            let error = #expect(throws: RPCError.self) { try AddressQuery.count(count) }
            #expect(error?.code == -8 && error?.hint != nil)
        }
        for text in ["7", "7:", ":7", "a:b", "7:4294967296", "-1:0", "7:0:0", "18446744073709551616:0"] {
            let error = #expect(throws: RPCError.self, "\(text)") { try AddressQuery.place(text) }
            #expect(error?.code == -8 && error?.hint != nil)
        }
        #expect(try AddressQuery.place("7:4294967295") == TransactionLocation(height: 7, index: .max))
        #expect(try AddressQuery.place("") == nil && AddressQuery.place(nil) == nil)
        let chain = try StoredChain(blocks: 2)
        let store = try chain.store()
        let wrong = [
            ("3", -8), ("99999999999999999999", -8), ("-1", -8), ("ff", -8), ("\(Hash256.zero)", -5),
        ]
        for (text, code) in wrong {
            let error = try refusal(store) { _ = try $0.height(text) }
            #expect(error.code == code && error.hint != nil, "\(text)")
        }
        #expect(try query(store) { try $0.height("\(chain.commits[1].hash)") } == 1)
        #expect(try query(store) { try $0.transaction(.zero)?.header } == nil)
    }

    @Test("a node with pruned blocks says so, and where its blocks begin")
    func pruned() throws {
        let chain = try StoredChain(blocks: 20)
        var options = StoreOptions()
        (options.undoBlocks, options.undoSlots) = (4, 1)
        let store = try ChainStore(
            opening: "\(chain.directory)/chain", chain: chain.genesis, options: options)
        for commit in chain.commits { try store.commit([commit]) }
        _ = try store.prune(blocksBelow: 12)
        let old = try CheckedBlock(decoding: chain.commits[4].block)
        let kept = try CheckedBlock(decoding: chain.commits[13].block)
        let txid = try #require(old.transactions.last?.txid)
        for body: (ChainQuery) throws -> Void in [
            { _ = try $0.block(at: 11) }, { _ = try $0.certificate(at: 4) }, { _ = try $0.transaction(txid) },
        ] {
            let error = try refusal(store, body)
            #expect(error.code == -5 && error.reason == "pruned")
            #expect(error.hint?.contains("begin at height 12") == true, "\(error.hint ?? "")")
        }
        #expect(try query(store) { try $0.header(at: 4) } == old.header)
        #expect(try query(store) { try $0.block(at: 12) } == chain.commits[12].block)
        let found = try query(store) { try $0.transaction(kept.transactions[0].txid) }
        #expect(found?.checked.txid == kept.transactions[0].txid && found?.header == kept.header)
        let locking = Script.keyHash(of: chain.world.chain.owner.publicKey)
        let expected = try expected(chain, locking)
        let rows = try pages(addresses(store, locking), 4, newestFirst: false)
        #expect(rows.map { $0["height"]?.integer } == expected.map { Int64($0.0) })
        for (row, (height, txid)) in zip(rows, expected) {
            #expect(row["txid"]?.string == (height < 12 ? nil : txid.description))
        }
        let page = try addresses(store, locking).history(after: nil, count: 1, newestFirst: true)
        #expect(page["pruned"]?.bool == true && page["blocksfrom"]?.integer == 12)
    }

    /// A database that begins with a snapshot, closed again.
    private func load(_ chain: StoredChain, height: Int) throws {
        let path = "\(chain.directory)/snapshot"
        let shorter = try chain.store(blocks: height, named: "shorter")
        _ = try shorter.snapshot { try SnapshotFile.write($0, to: path) }
        var file = try SnapshotFile.Reader(
            path, genesis: chain.genesisState,
            trusting: .validators(chain.world.state.header.validators))
        let loading = try SnapshotLoading(file.snapshot, into: "\(chain.directory)/loaded")
        while loading.nextSegment < file.snapshot.segmentCount {
            try loading.add([try file.segment(loading.nextSegment)])
        }
        try file.finish()
        try loading.finish()
    }

    @Test("a node that began with a snapshot says so for headers, blocks and transactions of before")
    func fromSnapshot() throws {
        let chain = try StoredChain(blocks: 12)
        try load(chain, height: 9)
        let store = try chain.store(named: "loaded")
        let oldest = try store.snapshot { try $0.outputs(from: 0, countMax: 1).first }
        let outPoint = try #require(oldest).outPoint
        for (body, first) in [
            ({ _ = try $0.hash(at: 8) }, 9), ({ _ = try $0.header(at: 0) }, 9),
            ({ _ = try $0.block(at: 9) }, 10), ({ _ = try $0.transaction(outPoint.transaction) }, 10),
        ] as [((ChainQuery) throws -> Void, Int)] {
            let error = try refusal(store, body)
            #expect(error.code == -5 && error.reason == "pruned")
            #expect(error.hint?.contains("begin at height \(first);") == true, "\(error.hint ?? "")")
        }
        let unknown = try refusal(store) { _ = try $0.height("\(chain.commits[3].hash)") }
        #expect(unknown.code == -5 && unknown.message.contains("from height 9 on"))
        #expect(try query(store) { try $0.block(at: 10) } == chain.commits[10].block)
        let locking = Script.keyHash(of: chain.world.chain.owner.publicKey)
        let page = try addresses(store, locking).history(after: nil, count: 100, newestFirst: false)
        #expect(page["pruned"]?.bool == true && page["blocksfrom"]?.integer == 10)
        let later = try expected(chain, locking).filter { $0.0 >= 10 }.map(\.1.description)
        #expect(page["transactions"]?.array?.map { $0["txid"]?.string } == later)
    }

    @Test("without the index of addresses an address cannot be looked up, and the answer says why")
    func withoutIndex() throws {
        let chain = try StoredChain(blocks: 1)
        var options = StoreOptions()
        options.addressIndex = false
        let store = try ChainStore(
            opening: "\(chain.directory)/chain", chain: chain.genesis, options: options)
        try store.commit(chain.commits)
        let error = #expect(throws: RPCError.self) { try addresses(store, Script([1])).balance() }
        #expect(error?.reason == "no-address-index" && error?.hint != nil)
    }
}
