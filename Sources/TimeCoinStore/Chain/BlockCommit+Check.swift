import TimeCoinCore

extension BlockCommit {
    static var strangerFailure: StoreFailure {
        StoreFailure(.invalidCommit, "an output is created by no transaction of the block")
    }

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
        let (added, overflow) = tip.outputCount.addingReportingOverflow(UInt64(created.count))
        guard !overflow, added >= UInt64(spent.count) else {
            throw StoreFailure(.invalidCommit, "block \(height) spends more outputs than there are")
        }
        guard block.count <= Block.bytesMax, state.count <= UndoRecord.stateBytesMax else {
            throw StoreFailure(.tooLarge, "block \(height) or its state is too large")
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
