import TimeCoinCore
import TimeCoinStore

extension StoreConformance {
    @Sendable static func empty(_ run: CheckRun) throws {
        let store = try run.store(try ModelChain(seed: 1))
        try store.snapshot { reader in
            try run.expect(try reader.tip() == nil && reader.state() == nil, "it has a tip or a state")
            try run.expect(try reader.block(at: 0) == nil, "it has a block")
            let blocks = try reader.blocks(from: 0, countMax: 5, bytesMax: 5)
            try run.expect(blocks.isEmpty, "it has blocks")
            try run.expect(
                try reader.output(OutPoint(transaction: .zero, index: 0)) == nil, "it has an output")
            try run.expect(try reader.outputs(from: 0, countMax: 1).isEmpty, "it lists an output")
            try run.expect(try reader.base() == .whole, "its history begins late")
        }
        try run.expect(.noUndo, "a rollback") { try store.rollbackTip() }
    }

    @Sendable static func commits(_ run: CheckRun) throws {
        for seed in UInt64(10)..<13 {
            var chain = try ModelChain(seed: seed, outputsPerBlock: 40)
            let store = try run.store(chain)
            try store.commit(chain.commits)
            for batch in [1, 3, 1, 8] {
                let written = chain.commits.count
                try chain.extend(count: batch)
                try store.commit(Array(chain.commits[written...]))
                try run.expect(store, answersAs: chain, "seed \(seed), \(chain.commits.count) blocks")
            }
        }
    }

    @Sendable static func rollback(_ run: CheckRun) throws {
        for seed in UInt64(20)..<23 {
            var generator = SeededGenerator(seed: seed)
            // 600 leaves a block: the fourth block begins a second chunk of 2,048.
            let models = try models(seed: seed, outputsPerBlock: 600, count: 9)
            let full = models[models.count - 1]
            let store = try run.store(full)
            try store.commit([full.commits[0]])
            var height = 0
            for _ in 0..<24 {
                if height > 0, Int.random(in: 0..<5, using: &generator) < 2 {
                    let tip = try store.rollbackTip()
                    height -= 1
                    try run.expect(tip.height == UInt64(height), "seed \(seed): the tip is \(tip.height)")
                } else if height + 1 < models.count {
                    height += 1
                    try store.commit([full.commits[height]])
                }
                let view = try StoreView(store, asking: full)
                var expected = StoreView(expected: models[height])
                expected.pad(upTo: full)
                try run.expect(
                    view == expected, "seed \(seed), height \(height): \(view.difference(from: expected))")
            }
        }
    }

    /// A chain at each of its heights.
    private static func models(seed: UInt64, outputsPerBlock: Int, count: Int) throws -> [ModelChain] {
        var models = [try ModelChain(seed: seed, outputsPerBlock: outputsPerBlock)]
        while models.count <= count {
            var next = models[models.count - 1]
            try next.extend()
            models.append(next)
        }
        return models
    }

    @Sendable static func refusals(_ run: CheckRun) throws {
        var chain = try ModelChain(seed: 3)
        try chain.extend(count: 3)
        let before = chain
        try chain.extend(count: 2)
        let next = chain.commits[4]
        let absent = OutPoint(transaction: .zero, index: 7)
        let old = before.outputs.first { key, _ in !next.spent.contains { $0.outPoint == key } }
        guard let present = old?.value, let gone = before.commits[2].spent.first?.entry else {
            throw Violation(check: run.name, detail: "the model has not what is needed")
        }
        let known = before.commits[1].transactions[0]
        let wrong: [(BlockCommit, StoreFailure.Code, String)] = [
            (chain.commits[3], .wrongHeight, "the tip again"),
            (chain.commits[5], .wrongHeight, "a block too far"),
            (next.with(header: chain.header(4, previous: .zero)), .invalidCommit, "another parent"),
            (
                next.with(header: chain.header(4, previous: before.commits[3].hash, slot: 0)),
                .invalidCommit, "an earlier slot"
            ),
            (next.with(spent: next.spent + [(absent, present)]), .invalidCommit, "a spend without its bit"),
            (next.with(spent: next.spent + [(absent, gone)]), .missingOutput, "a spent output"),
            (next.with(spent: next.spent + [next.spent[0]]), .missingOutput, "an output twice"),
            (next.with(transactions: next.transactions + [known]), .invalidCommit, "a known transaction"),
            (next.with(created: next.created + [next.created[0]]), .duplicateOutput, "an output made twice"),
            (next.with(created: next.created + [(absent, present)]), .invalidCommit, "a taken position"),
        ]
        let store = try run.store(chain)
        try run.expect(.wrongHeight, "no genesis") { try store.commit([next]) }
        try store.commit(before.commits)
        for (commit, code, name) in wrong {
            try run.expect(code, name) { try store.commit([commit]) }
            try run.expect(store, answersAs: before, name)
        }
        // The first of two would fit: it is not written either.
        try run.expect(.wrongHeight, "one twice") { try store.commit([next, next]) }
        try run.expect(store, answersAs: before, "one twice")
        try store.commit([next, chain.commits[5]])
        try run.expect(store, answersAs: chain, "afterwards")
    }

    @Sendable static func genesis(_ run: CheckRun) throws {
        let chain = try ModelChain(seed: 4)
        let other = try ModelChain(seed: 5)
        let store = try run.store(chain)
        try run.expect(.wrongChain, "another genesis") { try store.commit(other.commits) }
        try store.commit(chain.commits)
        try run.expect(.noUndo, "a rollback of genesis") { try store.rollbackTip() }
    }

    @Sendable static func ranges(_ run: CheckRun) throws {
        var chain = try ModelChain(seed: 6)
        try chain.extend(count: 5)
        let store = try run.store(chain)
        try store.commit(chain.commits)
        // A block of the model has 200 bytes, its certificate 70.
        let cases: [(from: Height, count: Int, bytes: Int, heights: [Height])] = [
            (2, 2, .max, [2, 3]), (4, 9, .max, [4, 5]), (1, 9, 540, [1, 2]), (1, 9, 539, [1]), (1, 9, 0, [1]),
            (6, 9, .max, []), (1, 0, .max, []),
        ]
        try store.snapshot { reader in
            for (from, count, bytes, heights) in cases {
                let found = try reader.blocks(from: from, countMax: count, bytesMax: bytes).map(\.height)
                try run.expect(found == heights, "\(found) instead of \(heights)")
            }
        }
    }

    @Sendable static func pages(_ run: CheckRun) throws {
        var chain = try ModelChain(seed: 7, outputsPerBlock: 40)
        try chain.extend(count: 5)
        let expected = StoreView(expected: chain)
        let store = try run.store(chain)
        try store.commit(chain.commits)
        let script = ModelChain.scripts[2]
        try store.snapshot { reader in
            let unspent: [UnspentOutput] = try run.all(4) { last, count in
                try reader.unspent(locking: script, after: last?.entry.position, countMax: count)
            }
            try run.expect(unspent == expected.unspent[2], "other unspent outputs of a script")
            let history: [TransactionLocation] = try run.all(3) { last, count in
                try reader.history(locking: script, after: last, countMax: count)
            }
            try run.expect(history == expected.histories[2], "another history of a script")
            let newestFirst: [TransactionLocation] = try run.all(3) { last, count in
                try reader.history(locking: script, before: last, countMax: count)
            }
            try run.expect(newestFirst == history.reversed(), "another history from its end")
            let listed: [UnspentOutput] = try run.all(7) { last, count in
                try reader.outputs(from: last.map { $0.entry.position + 1 } ?? 0, countMax: count)
            }
            try run.expect(listed == expected.listed, "other outputs")
            let none = Script([9])
            try run.expect(
                try reader.unspent(locking: none, after: nil, countMax: 4).isEmpty
                    && reader.history(locking: none, after: nil, countMax: 4).isEmpty
                    && reader.history(locking: none, before: nil, countMax: 4).isEmpty,
                "something of a script that is nowhere")
        }
    }

    @Sendable static func withoutIndex(_ run: CheckRun) throws {
        var chain = try ModelChain(seed: 8)
        try chain.extend(count: 3)
        var options = StoreOptions()
        options.addressIndex = false
        let store = try run.store(chain, options)
        try store.commit(chain.commits)
        try store.rollbackTip()
        try store.commit([chain.commits[3]])
        try store.snapshot { reader in
            try run.expect(.wrongOptions, "unspent outputs of a script") {
                _ = try reader.unspent(locking: .empty, after: nil, countMax: 1)
            }
            try run.expect(.wrongOptions, "the history of a script") {
                _ = try reader.history(locking: .empty, after: nil, countMax: 1)
            }
            for (outPoint, entry) in chain.outputs {
                try run.expect(try reader.output(outPoint) == entry, "another output")
            }
        }
    }

    @Sendable static func undoDepth(_ run: CheckRun) throws {
        var chain = try ModelChain(seed: 9, blocksPerSlot: 2)
        try chain.extend(count: 30)
        for (blocks, slots, kept) in [(UInt64(4), UInt64(1), 4), (4, 5, 9), (100, 1, 30)] {
            var options = StoreOptions()
            (options.undoBlocks, options.undoSlots) = (blocks, slots)
            let store = try run.store(chain, options)
            for commit in chain.commits { try store.commit([commit]) }
            let heights = try store.snapshot { reader in
                try (UInt64(1)...30).filter { try reader.undo(at: $0) != nil }
            }
            try run.expect(
                heights == Array(UInt64(31 - kept)...30), "\(blocks) blocks, \(slots) slots: \(heights)")
            for _ in 0..<heights.count { try store.rollbackTip() }
            try run.expect(.noUndo, "a block too many") { try store.rollbackTip() }
        }
    }

    @Sendable static func isolation(_ run: CheckRun) throws {
        var chain = try ModelChain(seed: 11)
        let before = chain
        try chain.extend()
        let store = try run.store(chain)
        try store.commit(before.commits)
        try store.snapshot { reader in
            try store.commit([chain.commits[1]])
            let view = try StoreView(reader, asking: before)
            try run.expect(view == StoreView(expected: before), "the snapshot has changed")
        }
        try run.expect(store, answersAs: chain, "after the snapshot")
    }

    @Sendable static func validators(_ run: CheckRun) throws {
        var chain = try ModelChain(seed: 14)
        try chain.extend(count: 6)
        let store = try run.store(chain)
        try store.commit(chain.commits)
        try store.snapshot { reader in
            for set in chain.commits.compactMap(\.validators) {
                try run.expect(try reader.validatorSet(set.hash) == set, "a set is missing")
            }
            try run.expect(try reader.validatorSet(.zero) == nil, "a set that never was")
            let changes = chain.commits.filter { $0.header.nextValidators != $0.header.validators }
                .map(\.height)
            try run.expect(!changes.isEmpty, "the model never changes its set")
            try run.expect(try reader.setChanges(from: 0, countMax: 9) == changes, "other changes")
            try run.expect(
                try reader.setChanges(from: changes[0] + 1, countMax: 1)
                    == Array(changes.dropFirst().prefix(1)),
                "other changes from a height on")
        }
    }
}

extension CheckRun {
    /// All pages of something.
    func all<Item>(_ count: Int, _ page: (Item?, Int) throws -> [Item]) throws -> [Item] {
        var items: [Item] = []
        while true {
            let next = try page(items.last, count)
            try expect(next.count <= count, "a page has \(next.count) entries instead of \(count)")
            guard !next.isEmpty else { return items }
            items += next
        }
    }
}
