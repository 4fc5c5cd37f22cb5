/// A block that keeps every rule which can be judged without the state: its own roots, its size, its shape.
///
/// The second level of trust; its only constructor is the check. ``PreparedBlock`` is the next.
public struct CheckedBlock: Sendable {
    public let header: BlockHeader
    public let hash: Hash256
    public let transactions: [CheckedTransaction]
    /// Bytes of the encoding.
    public let size: Int

    /// Decodes and checks bytes of unknown origin.
    public init(decoding bytes: [UInt8]) throws(BlockRejection) {
        let block = try UncheckedBlock(decoding: bytes)
        var runs: [TransactionRun] = []
        for index in 0..<block.runCount {
            runs.append(try block.checkedRun(index))
        }
        try self.init(header: block.header, runs: runs)
    }

    /// Checks a block whose transactions were checked run by run.
    ///
    /// - Parameter runs: in their order, each but the last one full.
    public init(header: BlockHeader, runs: [TransactionRun]) throws(BlockRejection) {
        guard runs.dropLast().allSatisfy({ $0.transactions.count == TransactionRun.transactionsMax }) else {
            throw BlockRejection(.malformed, "a run before the last one is not full")
        }
        try self.init(
            header: header, transactions: runs.flatMap(\.transactions),
            roots: BlockRoots(
                transactions: MerkleTree.root(ofNodes: runs.map(\.transactionNode)),
                witnesses: MerkleTree.root(ofNodes: runs.map(\.witnessNode))))
    }

    /// Checks a block put together from transactions that are checked already.
    public init(header: BlockHeader, transactions: [CheckedTransaction]) throws(BlockRejection) {
        try self.init(header: header, transactions: transactions, roots: BlockRoots(of: transactions))
    }

    /// - Parameter roots: those of these transactions.
    private init(
        header: BlockHeader, transactions: [CheckedTransaction], roots: BlockRoots
    ) throws(BlockRejection) {
        let size =
            BlockHeader.byteCount + ByteWriter.compactSizeWidth(UInt64(transactions.count)) + 2
            + transactions.reduce(0) { $0 + $1.size }
        guard size <= Block.bytesMax else {
            throw BlockRejection(.oversized, "\(size) bytes, at most \(Block.bytesMax)")
        }
        guard header.version == BlockHeader.currentVersion else {
            throw BlockRejection(
                .version, "version \(header.version), known is \(BlockHeader.currentVersion)")
        }
        try CheckedBlock.checkShape(header, transactions)
        guard header.transactionRoot == roots.transactions else {
            throw BlockRejection(
                .transactionRoot, "the header names \(header.transactionRoot), it is \(roots.transactions)")
        }
        guard header.witnessRoot == roots.witnesses else {
            throw BlockRejection(
                .witnessRoot, "the header names \(header.witnessRoot), it is \(roots.witnesses)")
        }
        guard header.evidenceRoot == BlockRoots.empty else {
            throw BlockRejection(.evidenceRoot, "the block carries no evidence")
        }
        guard header.attestationRoot == BlockRoots.empty else {
            throw BlockRejection(.attestationRoot, "the block carries no attestation")
        }
        self.header = header
        self.hash = header.hash
        self.transactions = transactions
        self.size = size
    }

    public var block: Block { Block(header: header, transactions: transactions.map(\.transaction)) }

    /// The bytes that travel and are stored.
    public var encoded: [UInt8] { block.encoded }

    private static func checkShape(
        _ header: BlockHeader, _ transactions: [CheckedTransaction]
    ) throws(BlockRejection) {
        switch header.kind {
        case .scheduled:
            guard let first = transactions.first, first.transaction.kind == .coinbase else {
                throw BlockRejection(.coinbase, "a scheduled block begins with its coinbase")
            }
            let payload = CoinbasePayload(height: header.height, slot: header.slot)
            guard first.transaction.payload == payload.encoded else {
                throw BlockRejection(.coinbase, "the coinbase names another height or slot")
            }
        case .payment:
            guard !transactions.isEmpty else {
                throw BlockRejection(.emptyPayment, "a payment block has at least one transaction")
            }
        }
        let payments = header.kind == .scheduled ? transactions.dropFirst() : transactions[...]
        // A coinbase has no input and so never the identifier of a transfer.
        var seen = Set<Hash256>(minimumCapacity: payments.count)
        for transaction in payments {
            guard transaction.kind == .transfer else {
                throw BlockRejection(.coinbase, "a coinbase stands only at the head of a scheduled block")
            }
            guard seen.insert(transaction.txid).inserted else {
                throw BlockRejection(.duplicateTransaction, "\(transaction.txid) stands twice")
            }
        }
    }
}

/// The Merkle roots over the transactions of a block.
public struct BlockRoots: Hashable, Sendable {
    public let transactions: Hash256
    public let witnesses: Hash256

    /// Root of a section that has nothing in it.
    public static let empty = MerkleTree.root(of: [])

    fileprivate init(transactions: Hash256, witnesses: Hash256) {
        self.transactions = transactions
        self.witnesses = witnesses
    }

    public init(of transactions: [CheckedTransaction]) {
        self.transactions = MerkleTree.root(of: transactions.map(\.txid))
        self.witnesses = MerkleTree.root(of: transactions.map(\.wtxid))
    }
}
