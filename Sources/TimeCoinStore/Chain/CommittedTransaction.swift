public import TimeCoinCore

/// One transaction of a block as a store writes it.
public struct CommittedTransaction: Hashable, Sendable {
    public let identifier: Hash256
    /// Place in the output commitment of the first output that is no data carrier; where there is none, the
    /// place that the next output of the block takes.
    public let firstPosition: UInt64
    /// Outputs, data carriers included.
    public let outputCount: UInt32
    /// Indexes of the data carriers, rising: they never enter the output set.
    public let carriers: [UInt32]
    /// Locking scripts of the outputs that it creates or spends, for the history of addresses.
    public let scripts: [Script]

    public init(
        identifier: Hash256, firstPosition: UInt64, outputCount: UInt32, carriers: [UInt32] = [],
        scripts: [Script] = []
    ) {
        self.identifier = identifier
        self.firstPosition = firstPosition
        self.outputCount = outputCount
        self.carriers = carriers
        self.scripts = scripts
    }

    /// Outputs that got a place in the commitment.
    var positionCount: UInt64 { UInt64(outputCount) - min(UInt64(outputCount), UInt64(carriers.count)) }

    /// The place of an output; `nil` for data carriers and for outputs that there are not.
    public func position(of index: UInt32) -> UInt64? {
        let before = carriers.partitioningIndex(notBelow: index)
        guard index < outputCount, before == carriers.count || carriers[before] != index else { return nil }
        return firstPosition &+ UInt64(index) &- UInt64(before)
    }
}

extension CommittedTransaction {
    /// The transactions of a block.
    ///
    /// - Parameters:
    ///   - leafCount: outputs ever created before the block.
    ///   - spent: the older outputs that the block spends.
    static func transactions(
        of block: CheckedBlock, leafCount: UInt64, spent: [(outPoint: OutPoint, entry: OutputEntry)]
    ) -> [CommittedTransaction] {
        var scripts = SpentScripts(block, spent)
        var next = leafCount
        return block.transactions.map { checked in
            let outputs = checked.transaction.outputs
            var carriers: [UInt32] = []
            var touched: [Script] = []
            touched.reserveCapacity(outputs.count + checked.transaction.inputs.count)
            for (index, output) in outputs.enumerated() {
                if output.locking.isDataCarrier {
                    carriers.append(UInt32(truncatingIfNeeded: index))
                } else {
                    touched.append(output.locking)
                }
            }
            let first = next
            next += UInt64(outputs.count - carriers.count)
            for input in checked.transaction.inputs {
                if let script = scripts.script(of: input.previous) { touched.append(script) }
            }
            return CommittedTransaction(
                identifier: checked.txid, firstPosition: first,
                outputCount: UInt32(truncatingIfNeeded: outputs.count), carriers: carriers, scripts: touched)
        }
    }

    /// Finds the scripts of what a block spends: older outputs come in the order of spending, the others are
    /// outputs of the block.
    private struct SpentScripts {
        private let block: CheckedBlock
        private let spent: [(outPoint: OutPoint, entry: OutputEntry)]
        private var next = 0
        private lazy var places = Dictionary(
            block.transactions.enumerated().map { ($1.txid, $0) }, uniquingKeysWith: { first, _ in first })

        init(_ block: CheckedBlock, _ spent: [(outPoint: OutPoint, entry: OutputEntry)]) {
            self.block = block
            self.spent = spent
        }

        mutating func script(of outPoint: OutPoint) -> Script? {
            if next < spent.count, spent[next].outPoint == outPoint {
                next += 1
                return spent[next - 1].entry.output.locking
            }
            guard let place = places[outPoint.transaction] else { return nil }
            let outputs = block.transactions[place].transaction.outputs
            return outPoint.index < outputs.count ? outputs[Int(outPoint.index)].locking : nil
        }
    }
}
