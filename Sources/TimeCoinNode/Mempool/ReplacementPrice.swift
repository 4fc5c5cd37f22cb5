public import TimeCoinCore

/// What a transaction has to pay to take the place of waiting ones that spend the same outputs.
///
/// The rule: a higher rate than each of those that it conflicts with, and a fee above the fees of everything
/// that has to go, by at least the least fee for its own size. It replaces at most
/// ``replacedMax`` transactions, descendants included, and spends nothing of them. Nobody relies on what
/// waits: only what is final is paid.
public struct ReplacementPrice: Sendable {
    /// Transactions that one may replace.
    public static let replacedMax = 100

    /// Everything that would have to go, descendants included.
    public let replaced: [Hash256]
    private let conflict: (outPoint: OutPoint, with: Hash256)
    private let rate: FeeRate
    private let fee: Amount

    /// `nil` when it conflicts with nothing that waits.
    init?(
        of checked: CheckedTransaction, parents: [Hash256], in mempool: Mempool
    ) throws(MempoolRejection) {
        var replaced: Set<Hash256> = []
        var first: (outPoint: OutPoint, with: Hash256)?
        var rate: FeeRate?
        for input in checked.transaction.inputs {
            guard let other = mempool.spender(of: input.previous), let entry = mempool.entry(other) else {
                continue
            }
            first = first ?? (input.previous, other)
            rate = max(rate ?? entry.rate, entry.rate)
            // Once for each: a stranger may name the same one by many outputs.
            guard !replaced.contains(other) else { continue }
            replaced.formUnion(
                mempool.descendants(of: other, countMax: ReplacementPrice.replacedMax))
            guard replaced.count <= ReplacementPrice.replacedMax else {
                throw .conflict(input.previous, with: other)
            }
        }
        guard let first, let rate else { return nil }
        // What hangs on something that would go cannot replace it.
        guard replaced.isDisjoint(with: mempool.ancestors(of: parents)) else {
            throw .conflict(first.outPoint, with: first.with)
        }
        self.rate = rate
        conflict = first
        self.replaced = replaced.sorted()
        let fees = Amount.sum(replaced.lazy.compactMap { mempool.entry($0)?.fee }) ?? .maximum
        fee = fees.adding(Fees.minimum(forSize: checked.size)) ?? .maximum
    }

    /// Refuses whoever pays too little.
    public func check(_ spendable: SpendableTransaction) throws(MempoolRejection) {
        guard rate < FeeRate(fee: spendable.fee, size: spendable.checked.size), spendable.fee >= fee else {
            throw .conflict(conflict.outPoint, with: conflict.with)
        }
    }
}
