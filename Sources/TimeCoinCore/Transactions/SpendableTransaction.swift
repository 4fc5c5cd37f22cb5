/// What a block gives to the transactions in it: where the chain stands for locks and prices.
public struct SpendingContext: Hashable, Sendable {
    /// Slot of the block that would carry the transaction.
    public let slot: Slot
    /// Header time of that block's parent, which only rises.
    public let parentTime: Timestamp
    /// Burned for every net added output.
    public let growthPrice: Amount

    public init(slot: Slot, parentTime: Timestamp, growthPrice: Amount) {
        self.slot = slot
        self.parentTime = parentTime
        self.growthPrice = growthPrice
    }
}

/// A checked transaction whose inputs exist, are due, and pay for everything; its scripts have not run yet.
///
/// The third level of trust. ``VerifiedTransaction`` is the last.
public struct SpendableTransaction: Sendable {
    public let checked: CheckedTransaction
    /// The entries spent, in the order of the inputs.
    public let spent: [OutputEntry]
    /// What the proposer earns: inputs less outputs less ``burned``.
    public let fee: Amount
    /// The price of the net added outputs.
    public let burned: Amount

    /// - Parameter spent: the entry of every input, in order, unspent in the state and the block so far.
    public init(
        _ checked: CheckedTransaction, spending spent: [OutputEntry], in context: SpendingContext
    ) throws(TransactionRejection) {
        let transaction = checked.transaction
        guard transaction.kind == .transfer else {
            throw TransactionRejection(
                .coinbaseAlone, "a coinbase stands only at the head of a scheduled block")
        }
        guard spent.count == transaction.inputs.count else {
            throw TransactionRejection(.missingInput, "an input spends nothing that exists")
        }
        try Locks.check(transaction, spending: spent, in: context)
        guard let income = Amount.sum(spent.lazy.map(\.output.value)),
            let expense = Amount.sum(transaction.outputs.lazy.map(\.value))
        else {
            throw TransactionRejection(.moneyRange, "the inputs add up to more than can exist")
        }
        guard let paid = income.subtracting(expense) else {
            throw TransactionRejection(.overspent, "inputs \(income) < outputs \(expense)")
        }
        let burned = try SpendableTransaction.growthBurn(of: transaction, at: context.growthPrice)
        let required = Fees.minimum(forSize: checked.size)
        guard let fee = paid.subtracting(burned), fee >= required else {
            let total = required.adding(burned) ?? .maximum
            throw TransactionRejection(.insufficientFee, "fee \(paid.units) < required \(total.units)")
        }
        self.checked = checked
        self.spent = spent
        self.fee = fee
        self.burned = burned
    }

    private static func growthBurn(
        of transaction: Transaction, at price: Amount
    ) throws(TransactionRejection) -> Amount {
        let created = transaction.outputs.lazy.filter { !$0.locking.isDataCarrier }.count
        let net = max(0, created - transaction.inputs.count)
        guard let burned = price.multiplied(by: UInt64(net)) else {
            throw TransactionRejection(
                .growthPrice, "the price of \(net) more outputs is more than can exist")
        }
        return burned
    }
}

/// What a transaction pays, in units.
public enum Fees {
    /// 0.0001 TIME per 1,000 bytes.
    public static let unitsPerByte: UInt64 = 10
    public static let least: UInt64 = 1000
    /// The growth price doubles with every so many outputs in the set.
    public static let outputsPerDoubling: UInt64 = 1_000_000
    public static let growthBase: UInt64 = 1000

    /// 10 units a byte and at least 1,000 units.
    public static func minimum(forSize size: Int) -> Amount {
        let (product, overflow) = UInt64(max(0, size)).multipliedReportingOverflow(by: unitsPerByte)
        return overflow ? .maximum : Amount(units: max(product, least)) ?? .maximum
    }

    /// 1,000 × 2^⌊set size / 1,000,000⌋ units a net added output, capped at all the money there is.
    public static func growthPrice(outputCount: UInt64) -> Amount {
        let doublings = outputCount / outputsPerDoubling
        guard doublings < 50 else { return .maximum }
        return Amount(units: growthBase << doublings) ?? .maximum
    }
}
