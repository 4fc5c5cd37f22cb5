import TimeCoinCore

extension BlockCommit {
    /// Whether the block follows a tip, as far as a store can tell: it does not judge blocks.
    func check(after tip: ChainTip?, chain: Hash256) throws(StoreFailure) {
        guard let tip else {
            guard height == 0 else { throw StoreFailure(.wrongHeight, "block \(height) cannot be the first") }
            guard hash == chain else {
                throw StoreFailure(.wrongChain, "\(hash) is not the genesis \(chain)")
            }
            return
        }
        guard tip.height < .max, height == tip.height + 1 else {
            throw StoreFailure(.wrongHeight, "block \(height) does not follow the tip at \(tip.height)")
        }
        guard header.previous == tip.hash else {
            throw StoreFailure(
                .invalidCommit, "block \(height) follows \(header.previous), the tip is \(tip.hash)")
        }
        guard leafCount >= tip.leafCount, header.slot >= tip.slot else {
            throw StoreFailure(
                .invalidCommit, "block \(height) has fewer leaves or an earlier slot than the tip")
        }
        guard block.count <= Block.bytesMax, state.count <= UndoRecord.stateBytesMax else {
            throw StoreFailure(.tooLarge, "block \(height) or its state is too large")
        }
    }

    /// Whether what the block creates and spends agrees with its transactions and its spent bits.
    ///
    /// - Parameter chunk: a chunk as it was before the block.
    func checkOutputs(
        after tip: ChainTip?, chunk: (UInt64) throws(StoreFailure) -> SpentChunk?
    ) throws(StoreFailure) {
        let before = tip?.leafCount ?? 0
        try checkCreated(from: before)
        let positions = spent.map(\.entry.position).sorted()
        for (position, next) in zip(positions, positions.dropFirst()) where position == next {
            throw StoreFailure(.missingOutput, "position \(position) is spent twice")
        }
        let (added, overflow) = (tip?.outputCount ?? 0).addingReportingOverflow(UInt64(created.count))
        guard !overflow, added >= UInt64(spent.count) else {
            throw StoreFailure(.invalidCommit, "block \(height) spends more outputs than there are")
        }
        try checkBits(before, positions, chunk)
    }

    private func checkCreated(from before: UInt64) throws(StoreFailure) {
        var place = 0
        var next = before
        for (outPoint, entry) in created {
            guard entry.position >= before, entry.position < leafCount else {
                throw StoreFailure(.invalidCommit, "position \(entry.position) is none of the block's")
            }
            guard entry.position >= next else {
                throw StoreFailure(.duplicateOutput, "position \(entry.position) is taken")
            }
            next = entry.position + 1
            while place < transactions.count,
                entry.position >= transactions[place].firstPosition &+ transactions[place].positionCount
            {
                place += 1
            }
            guard place < transactions.count, transactions[place].identifier == outPoint.transaction,
                transactions[place].position(of: outPoint.index) == entry.position
            else {
                throw StoreFailure(.invalidCommit, "an output is created by no transaction of the block")
            }
        }
    }

    /// Every position spent was not, and is now, and no other bit has changed.
    private func checkBits(
        _ before: UInt64, _ positions: [UInt64], _ chunk: (UInt64) throws(StoreFailure) -> SpentChunk?
    ) throws(StoreFailure) {
        var place = 0
        var set = 0
        for (index, changed) in chunks {
            let old = try chunk(index) ?? .empty
            guard zip(old.bytes, changed.bytes).allSatisfy({ $0 & ~$1 == 0 }) else {
                throw StoreFailure(.invalidCommit, "a spent position of chunk \(index) is no longer spent")
            }
            set += changed.spentCount - old.spentCount
            while place < positions.count, positions[place] / SpentChunk.positions == index {
                let position = positions[place]
                guard position < before, !old.isSpent(position) else {
                    throw StoreFailure(.missingOutput, "position \(position) is not there to spend")
                }
                guard changed.isSpent(position) else {
                    throw StoreFailure(.invalidCommit, "position \(position) is spent and not marked so")
                }
                place += 1
            }
        }
        guard place == positions.count else {
            throw StoreFailure(.missingOutput, "position \(positions[place]) is not there to spend")
        }
        let fresh = UInt64(created.count) + UInt64(max(0, set - positions.count))
        guard set >= positions.count, fresh == leafCount - before else {
            throw StoreFailure(.invalidCommit, "the spent bits of block \(height) do not add up")
        }
    }

    /// The tip that the block makes; ``check(after:chain:)`` came before.
    func tip(after tip: ChainTip?) -> ChainTip {
        ChainTip(
            height: height, hash: hash, slot: header.slot,
            outputCount: (tip?.outputCount ?? 0) &+ UInt64(created.count) &- UInt64(spent.count),
            leafCount: leafCount)
    }
}

extension SpentChunk {
    /// Positions that are spent.
    var spentCount: Int { bytes.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// Spent positions of those below `end` of the chunk, 0 … 2,048.
    func spentCount(below end: UInt64) -> Int {
        (0..<min(end, SpentChunk.positions)).reduce(0) { $0 + (isSpent($1) ? 1 : 0) }
    }
}
