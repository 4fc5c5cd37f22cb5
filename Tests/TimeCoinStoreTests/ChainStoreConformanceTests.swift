import Testing
import TimeCoinCore
import TimeCoinStore

/// What every store must do, run against LMDB and memory.
@Suite struct ChainStoreConformanceTests {
    enum Kind: CaseIterable {
        case lmdb
        case memory
    }

    private func withStore(
        _ kind: Kind, _ chain: TestChain, _ options: StoreOptions = StoreOptions(),
        _ body: (any ChainStoring) throws -> Void
    ) throws {
        let directory = try TemporaryDirectory()
        try withExtendedLifetime(directory) {
            switch kind {
            case .lmdb:
                try body(try ChainStore(opening: directory.path, chain: chain.genesis, options: options))
            case .memory: try body(MemoryChainStore(chain: chain.genesis, options: options))
            }
        }
    }

    @Test("A new store is empty and answers so", arguments: Kind.allCases)
    func empty(kind: Kind) throws {
        let chain = try TestChain(seed: 1)
        try withStore(kind, chain) { store throws in
            try store.snapshot { reader throws in
                #expect(try reader.tip() == nil)
                #expect(try reader.state() == nil)
                #expect(try reader.block(at: 0) == nil)
                #expect(try reader.blocks(from: 0, countMax: 5, bytesMax: 5).isEmpty)
                #expect(try reader.output(OutPoint(transaction: .zero, index: 0)) == nil)
            }
            #expect(throws: StoreFailure(.noUndo, "")) { try store.rollbackTip() }
        }
    }

    @Test(
        "S1: after any blocks, one by one or in batches, a store answers as the model does",
        arguments: Kind.allCases)
    func commits(kind: Kind) throws {
        for seed in UInt64(10)..<13 {
            var chain = try TestChain(seed: seed, outputsPerBlock: 40)
            try withStore(kind, chain) { store throws in
                try store.commit(chain.commits)
                for batch in [1, 3, 1, 8] {
                    let written = chain.commits.count
                    try chain.extend(count: batch)
                    try store.commit(Array(chain.commits[written...]))
                    let view = try StoreView(store, asking: chain)
                    #expect(view == StoreView(expected: chain), "seed \(seed)")
                }
            }
        }
    }

    @Test(
        "S1: random sequences of commits and rollbacks equal a replay from genesis", arguments: Kind.allCases)
    func rollback(kind: Kind) throws {
        for seed in UInt64(20)..<23 {
            var generator = SeededGenerator(seed: seed)
            // 600 leaves a block: the fourth block begins a second chunk of 2,048.
            var models = [try TestChain(seed: seed, outputsPerBlock: 600)]
            let full = try {
                var chain = models[0]
                try chain.extend(count: 9)
                return chain
            }()
            while models.count < full.commits.count {
                var next = models[models.count - 1]
                try next.extend()
                models.append(next)
            }
            try withStore(kind, models[0]) { store in
                try store.commit([models[0].commits[0]])
                var height = 0
                for _ in 0..<24 {
                    if height > 0, Int.random(in: 0..<5, using: &generator) < 2 {
                        let tip = try store.rollbackTip()
                        height -= 1
                        #expect(tip.height == UInt64(height))
                    } else if height + 1 < models.count {
                        height += 1
                        try store.commit([full.commits[height]])
                    }
                    let view = try StoreView(store, asking: full)
                    var expected = StoreView(expected: models[height])
                    let missing = full.commits.count - height - 1
                    expected.hashes += [Hash256?](repeating: nil, count: missing)
                    expected.heights += [Height?](repeating: nil, count: missing)
                    #expect(view == expected, "seed \(seed), height \(height)")
                }
            }
        }
    }

    @Test("A block that does not fit is refused by name and changes nothing", arguments: Kind.allCases)
    func refusals(kind: Kind) throws {
        var chain = try TestChain(seed: 3)
        try chain.extend(count: 3)
        let before = chain
        try chain.extend(count: 2)
        let next = chain.commits[4]
        let absent = OutPoint(transaction: .zero, index: 7)
        let old = before.outputs.first { key, _ in !next.spent.contains { $0.outPoint == key } }
        let present = try #require(old)
        let known = before.commits[1].transactions[0]
        let gone = try #require(before.commits[2].spent.first).entry
        let wrong: [(BlockCommit, StoreFailure.Code)] = [
            (chain.commits[3], .wrongHeight),
            (chain.commits[5], .wrongHeight),
            (next.with(header: chain.header(4, previous: .zero)), .invalidCommit),
            (next.with(header: chain.header(4, previous: before.commits[3].hash, slot: 0)), .invalidCommit),
            (next.with(spent: next.spent + [(absent, present.value)]), .invalidCommit),
            (next.with(spent: next.spent + [(absent, gone)]), .missingOutput),
            (next.with(spent: next.spent + [next.spent[0]]), .missingOutput),
            (next.with(transactions: next.transactions + [known]), .invalidCommit),
            (next.with(created: next.created + [next.created[0]]), .duplicateOutput),
            (next.with(created: next.created + [(absent, present.value)]), .invalidCommit),
        ]
        try withStore(kind, chain) { store throws in
            #expect(throws: StoreFailure(.wrongHeight, "")) { try store.commit([next]) }
            try store.commit(before.commits)
            for (commit, code) in wrong {
                #expect(throws: StoreFailure(code, "")) { try store.commit([commit]) }
                let view = try StoreView(store, asking: before)
                #expect(view == StoreView(expected: before), "\(code)")
            }
            // The first of two would fit: it is not written either.
            #expect(throws: StoreFailure(.wrongHeight, "")) { try store.commit([next, next]) }
            #expect(try StoreView(store, asking: before) == StoreView(expected: before))
            try store.commit([next, chain.commits[5]])
            #expect(try StoreView(store, asking: chain) == StoreView(expected: chain))
        }
    }

    @Test("A chain begins with its own genesis only", arguments: Kind.allCases)
    func genesis(kind: Kind) throws {
        let chain = try TestChain(seed: 4)
        let other = try TestChain(seed: 5)
        try withStore(kind, chain) { store throws in
            #expect(throws: StoreFailure(.wrongChain, "")) { try store.commit(other.commits) }
            try store.commit(chain.commits)
            #expect(throws: StoreFailure(.noUndo, "")) { try store.rollbackTip() }
        }
    }

    @Test("A range of blocks ends at its count, its bytes, or the tip, but has one", arguments: Kind.allCases)
    func ranges(kind: Kind) throws {
        var chain = try TestChain(seed: 6)
        try chain.extend(count: 5)
        try withStore(kind, chain) { store throws in
            try store.commit(chain.commits)
            try store.snapshot { reader throws in
                #expect(try reader.blocks(from: 2, countMax: 2, bytesMax: .max).map(\.height) == [2, 3])
                #expect(try reader.blocks(from: 4, countMax: 9, bytesMax: .max).map(\.height) == [4, 5])
                #expect(try reader.blocks(from: 1, countMax: 9, bytesMax: 540).map(\.height) == [1, 2])
                #expect(try reader.blocks(from: 1, countMax: 9, bytesMax: 539).map(\.height) == [1])
                #expect(try reader.blocks(from: 1, countMax: 9, bytesMax: 0).map(\.height) == [1])
                #expect(try reader.blocks(from: 6, countMax: 9, bytesMax: .max).isEmpty)
                #expect(try reader.blocks(from: 1, countMax: 0, bytesMax: .max).isEmpty)
            }
        }
    }

    @Test("Unspent outputs of a script come in pages", arguments: Kind.allCases)
    func pages(kind: Kind) throws {
        var chain = try TestChain(seed: 7, outputsPerBlock: 40)
        try chain.extend(count: 3)
        let script = TestChain.scripts[2]
        let expected = StoreView(expected: chain).unspent[2]
        try #require(expected.count > 10)
        try withStore(kind, chain) { store throws in
            try store.commit(chain.commits)
            try store.snapshot { reader throws in
                var found: [UnspentOutput] = []
                while true {
                    let page = try reader.unspent(
                        locking: script, after: found.last?.entry.position, countMax: 4)
                    #expect(page.count <= 4)
                    found += page
                    if page.isEmpty { break }
                }
                #expect(found == expected)
                #expect(try reader.unspent(locking: Script([9]), after: nil, countMax: 4).isEmpty)
                #expect(try reader.unspent(locking: script, after: nil, countMax: 0).isEmpty)
            }
        }
    }

    @Test("The history of a script and the unspent outputs of all come in pages", arguments: Kind.allCases)
    func otherPages(kind: Kind) throws {
        var chain = try TestChain(seed: 13, outputsPerBlock: 40)
        try chain.extend(count: 5)
        let expected = StoreView(expected: chain)
        try withStore(kind, chain) { store throws in
            try store.commit(chain.commits)
            try store.snapshot { reader throws in
                var history: [TransactionLocation] = []
                while true {
                    let page = try reader.history(
                        locking: TestChain.scripts[1], after: history.last, countMax: 3)
                    #expect(page.count <= 3)
                    history += page
                    if page.isEmpty { break }
                }
                #expect(history == expected.histories[1])
                var listed: [UnspentOutput] = []
                while true {
                    let from = listed.last.map { $0.entry.position + 1 } ?? 0
                    let page = try reader.outputs(from: from, countMax: 7)
                    #expect(page.count <= 7)
                    listed += page
                    if page.isEmpty { break }
                }
                #expect(listed == expected.listed)
            }
        }
    }

    @Test("Without the index of addresses everything else works", arguments: Kind.allCases)
    func withoutIndex(kind: Kind) throws {
        var chain = try TestChain(seed: 8)
        try chain.extend(count: 3)
        var options = StoreOptions()
        options.addressIndex = false
        try withStore(kind, chain, options) { store in
            try store.commit(chain.commits)
            try store.rollbackTip()
            try store.commit([chain.commits[3]])
            try store.snapshot { reader throws in
                #expect(throws: StoreFailure(.wrongOptions, "")) {
                    try reader.unspent(locking: .empty, after: nil, countMax: 1)
                }
                for (outPoint, entry) in chain.outputs { #expect(try reader.output(outPoint) == entry) }
            }
        }
    }

    @Test("Undo records are kept as deep as asked in blocks and in slots", arguments: Kind.allCases)
    func undoDepth(kind: Kind) throws {
        var chain = try TestChain(seed: 9, blocksPerSlot: 2)
        try chain.extend(count: 30)
        for (blocks, slots, kept) in [(UInt64(4), UInt64(1), 4), (4, 5, 9), (100, 1, 30)] {
            var options = StoreOptions()
            (options.undoBlocks, options.undoSlots) = (blocks, slots)
            try withStore(kind, chain, options) { store in
                for commit in chain.commits { try store.commit([commit]) }
                let heights = try store.snapshot { reader throws in
                    try (UInt64(1)...30).filter { try reader.undo(at: $0) != nil }
                }
                #expect(heights == Array(UInt64(31 - kept)...30), "\(blocks) blocks, \(slots) slots")
                for _ in 0..<heights.count { try store.rollbackTip() }
                #expect(throws: StoreFailure(.noUndo, "")) { try store.rollbackTip() }
            }
        }
    }

    @Test("A snapshot does not see what is written after it began", arguments: Kind.allCases)
    func isolation(kind: Kind) throws {
        var chain = try TestChain(seed: 11)
        let before = chain
        try chain.extend()
        try withStore(kind, chain) { store throws in
            try store.commit(before.commits)
            try store.snapshot { reader throws in
                try store.commit([chain.commits[1]])
                #expect(try StoreView(reader, asking: before) == StoreView(expected: before))
            }
            #expect(try StoreView(store, asking: chain) == StoreView(expected: chain))
        }
    }

    @Test("An undo record survives its encoding")
    func undoCodec() throws {
        var chain = try TestChain(seed: 12)
        try chain.extend(count: 4)
        let store = MemoryChainStore(chain: chain.genesis)
        try store.commit(chain.commits)
        let undo = try #require(try store.snapshot { try $0.undo(at: 4) })
        let bytes = undo.encoded
        #expect(try UndoRecord(decoding: bytes) == undo)
        for cut in 0..<bytes.count {
            #expect(throws: DecodingFailure.self) { try UndoRecord(decoding: Array(bytes[..<cut])) }
        }
    }
}
