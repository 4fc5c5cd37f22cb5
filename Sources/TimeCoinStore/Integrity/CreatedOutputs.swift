import TimeCoinCore

/// The outputs that a stored block created, as they were before any was spent.
struct CreatedOutputs {
    let block: CheckedBlock
    let firstPosition: UInt64
    let parentTime: Timestamp

    /// By their places from ``firstPosition`` on.
    func output(at position: UInt64) -> (outPoint: OutPoint, entry: OutputEntry)? {
        guard position >= firstPosition else { return nil }
        var left = position - firstPosition
        for checked in block.transactions {
            let outputs = checked.transaction.outputs
            for (index, output) in outputs.enumerated() where !output.locking.isDataCarrier {
                if left == 0 {
                    let outPoint = OutPoint(
                        transaction: checked.txid, index: UInt32(truncatingIfNeeded: index))
                    return (outPoint, entry(output, checked.transaction.kind, position))
                }
                left -= 1
            }
        }
        return nil
    }

    private func entry(
        _ output: TransactionOutput, _ kind: TransactionKind, _ position: UInt64
    ) -> OutputEntry {
        OutputEntry(
            output: output, height: block.header.height, slot: block.header.slot, time: parentTime,
            // What genesis allocates counts as such, whatever its transaction is.
            kind: block.header.height == 0 ? .coinbase : kind, position: position)
    }

    var count: UInt64 { CreatedOutputs.count(block.transactions[...]) }

    static func count(_ transactions: ArraySlice<CheckedTransaction>) -> UInt64 {
        transactions.reduce(0) { sum, checked in
            sum + UInt64(checked.transaction.outputs.count { !$0.locking.isDataCarrier })
        }
    }

    /// The rows of its transactions.
    var transactions: [CommittedTransaction] {
        CommittedTransaction.transactions(of: block, leafCount: firstPosition, spent: [])
    }
}

/// Finds stored blocks by what they created.
struct BlockSearch {
    let reader: ChainReader
    let tip: ChainTip
    let base: HistoryBase

    /// Blocks looked at for one that holds a transaction, from the tip down.
    static let walkedMax: UInt64 = 10_000
    /// Blocks passed over while searching, because they cannot be read.
    static let unreadableMax: UInt64 = 16

    /// A block that can be read and is the one of its header.
    func block(at height: Height) throws(StoreFailure) -> CheckedBlock? {
        guard height >= base.blocksFrom, height <= tip.height else { return nil }
        return try reader.sound { reader throws(StoreFailure) -> CheckedBlock? in
            guard let bytes = try reader.block(at: height), let block = try? CheckedBlock(decoding: bytes),
                block.header.height == height, try reader.hash(at: height) == block.hash
            else { return nil }
            return block
        } ?? nil
    }

    func created(at height: Height) throws(StoreFailure) -> CreatedOutputs? {
        guard let block = try block(at: height), let first = try firstPosition(of: block) else { return nil }
        guard height > 0 else {
            return CreatedOutputs(block: block, firstPosition: first, parentTime: block.header.time)
        }
        guard
            let parent = try reader.sound({ reader throws(StoreFailure) in
                try reader.header(at: height - 1)
            }) ?? nil
        else { return nil }
        return CreatedOutputs(block: block, firstPosition: first, parentTime: parent.time)
    }

    /// Most of the rows that know it have a say, and each use is verified by the leaves.
    private func firstPosition(of block: CheckedBlock) throws(StoreFailure) -> UInt64? {
        let height = block.header.height
        guard height > 0 else { return 0 }
        var votes: [UInt64: Int] = [:]
        let last = block.transactions.count - 1
        for place in Set([0, last / 2, last]) {
            let row = try row(block.transactions[place].txid, height)
            let before = CreatedOutputs.count(block.transactions[..<place])
            if let row, row.firstPosition >= before { votes[row.firstPosition - before, default: 0] += 1 }
        }
        if height == tip.height, tip.leafCount >= CreatedOutputs.count(block.transactions[...]) {
            votes[tip.leafCount - CreatedOutputs.count(block.transactions[...]), default: 0] += 1
        } else if let next = try self.block(at: height + 1)?.transactions.first,
            let row = try row(next.txid, height + 1)
        {
            let count = CreatedOutputs.count(block.transactions[...])
            if row.firstPosition >= count { votes[row.firstPosition - count, default: 0] += 1 }
        }
        return votes.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key
    }

    private func row(_ identifier: Hash256, _ height: Height) throws(StoreFailure) -> TransactionRecord? {
        let row =
            try reader.sound { reader throws(StoreFailure) in
                try reader.transactionRecord(identifier)
            } ?? nil
        return row?.location.height == height ? row : nil
    }

    enum Found {
        case created(CreatedOutputs)
        /// It is in the block of this height, which cannot be read.
        case unreadable(Height)
        case unknown
    }

    /// The block that created the output at a position: first positions rise with heights.
    func creation(of position: UInt64) throws(StoreFailure) -> Found {
        guard base.blocksFrom <= tip.height, position < tip.leafCount else { return .unknown }
        var (low, high) = (base.blocksFrom, tip.height)
        while low < high {
            let middle = low + (high - low + 1) / 2
            var probe = middle
            var found = try created(at: probe)
            while found == nil, probe < high, probe - middle < BlockSearch.unreadableMax {
                probe += 1
                found = try created(at: probe)
            }
            if let found, found.firstPosition <= position { low = probe } else { high = middle - 1 }
        }
        if let found = try created(at: low), position >= found.firstPosition {
            if position - found.firstPosition < found.count { return .created(found) }
            return low < tip.height ? .unreadable(low + 1) : .unknown
        }
        return try block(at: low) == nil ? .unreadable(low) : .unknown
    }

    /// The block that holds a transaction.
    ///
    /// - Parameter near: a height to begin with.
    /// - Returns: `isWhole`: whether all blocks that are kept have been looked at.
    func block(
        with identifier: Hash256, near: Height?
    ) throws(StoreFailure) -> (created: CreatedOutputs?, place: Int, isWhole: Bool) {
        var heights: [Height] = []
        if let near, near <= tip.height { heights.append(near) }
        let lowest = max(base.blocksFrom, tip.height - min(tip.height, BlockSearch.walkedMax - 1))
        if lowest <= tip.height { heights += (lowest...tip.height).reversed() }
        var isWhole = lowest == base.blocksFrom
        for height in heights {
            guard let block = try block(at: height) else {
                isWhole = false
                continue
            }
            guard let place = block.transactions.firstIndex(where: { $0.txid == identifier }) else {
                continue
            }
            return (try created(at: height), place, false)
        }
        return (nil, 0, isWhole)
    }
}
