import TimeCoinCore

/// Keeps the money of the chain by itself: who spends what there is, and how much there is after each block.
struct NodeLedger {
    private var unspent: [OutPoint: UInt64] = [:]
    private var sum: UInt64 = 0
    private var roots: [Hash256] = []
    private let allocated: UInt64
    private var height: Height = 0

    init(_ genesis: Genesis) {
        for (outPoint, entry) in genesis.change.created {
            unspent[outPoint] = entry.output.value.units
            sum += entry.output.value.units
        }
        allocated = sum
        roots = [genesis.state.roots.root]
    }

    /// A node has committed a block and stands in a state. The first to reach a height tells the block; all
    /// must reach the same state.
    mutating func take(_ bytes: [UInt8], _ state: ChainState) -> (law: Violation.Law, message: String)? {
        let root = state.roots.root
        if root != state.header.stateRoot {
            return (.state, "height \(state.height) commits to another state than it leads to")
        }
        guard state.height > height else {
            guard roots[Int(state.height)] == root else {
                return (.state, "two states after height \(state.height)")
            }
            return nil
        }
        guard state.height == height + 1, let block = try? CheckedBlock(decoding: bytes),
            block.hash == state.headerHash
        else { return (.state, "height \(state.height) does not follow height \(height)") }
        height += 1
        roots.append(root)
        for transaction in block.transactions {
            if let failure = apply(transaction) { return failure }
        }
        let supply = state.supply
        if supply.unspent.units != sum {
            return (.supply, "height \(height): outputs are worth \(sum), not \(supply.unspent.units)")
        }
        let all = sum + supply.accrued.units + supply.remainder.units + supply.burned.units
        let due = allocated + state.slot * state.parameters.subsidy.units
        if all != due {
            return (.supply, "height \(height): there is \(all), there should be \(due)")
        }
        return nil
    }

    /// A node has written the block of a height that others have reached, together with the next one, whose
    /// state alone it shows.
    func pass(_ bytes: [UInt8], at passed: Height) -> (law: Violation.Law, message: String)? {
        guard passed <= height else {
            return (.state, "height \(passed) was fetched before anybody had decided it")
        }
        let header = (try? CheckedBlock(decoding: bytes))?.header
        guard header?.height == passed, header?.stateRoot == roots[Int(passed)] else {
            return (.state, "two states after height \(passed)")
        }
        return nil
    }

    private mutating func apply(_ transaction: CheckedTransaction) -> (law: Violation.Law, message: String)? {
        for input in transaction.transaction.inputs {
            guard let value = unspent.removeValue(forKey: input.previous) else {
                return (.validity, "\(transaction.txid) spends what is not there")
            }
            sum -= value
        }
        for (index, output) in transaction.transaction.outputs.enumerated() where output.value.units > 0 {
            let outPoint = OutPoint(
                transaction: transaction.txid, index: UInt32(truncatingIfNeeded: index))
            unspent[outPoint] = output.value.units
            sum += output.value.units
        }
        return nil
    }
}
