/// A block of which only the structure is known, so that its transactions can be checked piece by piece, also
/// side by side.
///
/// ``CheckedBlock`` is made of its header and the checked runs of its transactions.
public struct UncheckedBlock: Sendable {
    public let header: BlockHeader
    private let bytes: [UInt8]
    private let transactions: [Transaction]
    /// Where each of them lies in the bytes.
    private let ranges: [Range<Int>]

    /// Decodes bytes of unknown origin.
    public init(decoding bytes: [UInt8]) throws(BlockRejection) {
        do {
            let (block, ranges) = try Block.located(in: bytes)
            header = block.header
            transactions = block.transactions
            self.ranges = ranges
        } catch {
            throw BlockRejection(.malformed, "the bytes are not a block: \(error)")
        }
        self.bytes = bytes
    }

    /// Runs that the transactions make, the last of them perhaps a shorter one.
    public var runCount: Int {
        (transactions.count + TransactionRun.transactionsMax - 1) / TransactionRun.transactionsMax
    }

    /// Checks the transactions of a run; an empty run beyond the last one.
    ///
    /// - Throws: for the first transaction of the run that breaks a rule.
    public func checkedRun(_ index: Int) throws(BlockRejection) -> TransactionRun {
        let start = min(max(0, index) * TransactionRun.transactionsMax, transactions.count)
        var checked: [CheckedTransaction] = []
        checked.reserveCapacity(TransactionRun.transactionsMax)
        var writer = ByteWriter()
        for index in start..<min(start + TransactionRun.transactionsMax, transactions.count) {
            do {
                checked.append(
                    try CheckedTransaction(
                        checking: transactions[index], canonical: bytes[ranges[index]], using: &writer))
            } catch {
                throw BlockRejection(.transaction, "transaction \(index): \(error)")
            }
        }
        return TransactionRun(checked)
    }
}

/// Successive checked transactions of a block, with the nodes of both Merkle trees that cover exactly them.
public struct TransactionRun: Sendable {
    public let transactions: [CheckedTransaction]
    /// The node above the identifiers.
    let transactionNode: Hash256
    /// The node above the witness identifiers.
    let witnessNode: Hash256

    /// Transactions of a run: a power of two, so that a run fills a subtree.
    public static let transactionsMax = 64

    fileprivate init(_ transactions: [CheckedTransaction]) {
        self.transactions = transactions
        transactionNode = MerkleTree.root(of: transactions.map(\.txid))
        witnessNode = MerkleTree.root(of: transactions.map(\.wtxid))
    }
}
