/// Shows to somebody without the chain that a transaction is final: the transaction, its way up to the
/// transaction root of a header, and the proof that the header is final.
public struct TransactionProof: Hashable, Sendable {
    public let transaction: Transaction
    public let path: MerkleProof
    public let finality: FinalityProof

    public static let version: UInt8 = 1
    /// Bytes of an encoded proof at most.
    public static let bytesMax =
        1 + 5 + Transaction.bytesMax + MerkleProof.bytesMax + FinalityProof.bytesMax

    public init(transaction: Transaction, path: MerkleProof, finality: FinalityProof) {
        self.transaction = transaction
        self.path = path
        self.finality = finality
    }

    /// Verifies everything against what is trusted.
    ///
    /// - Returns: the transaction, now known to be final. Its identifier is; its unlocking scripts are not
    ///   covered by the identifier.
    public func verify(against anchor: TrustAnchor) throws(ProofRejection) -> FinalTransaction {
        let final = try finality.verify(against: anchor)
        let checked: CheckedTransaction
        do {
            checked = try CheckedTransaction(checking: transaction)
        } catch {
            throw .transaction(error)
        }
        guard path.verifies(checked.txid, root: final.header.transactionRoot) else { throw .notInBlock }
        return FinalTransaction(checked: checked, block: final)
    }

    /// Version, the transaction with its length, its path, the finality proof.
    public var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 2048)
        writer.write(TransactionProof.version)
        writer.write(prefixed: transaction.encoded)
        path.encode(into: &writer)
        finality.encode(into: &writer)
        return writer.bytes
    }

    /// Decodes exactly one proof; nothing of it is verified yet.
    public init(decoding bytes: [UInt8]) throws(ProofRejection) {
        self = try ProofRejection.decode(bytes, version: TransactionProof.version) {
            reader throws(DecodingFailure) in
            TransactionProof(
                transaction: try Transaction(
                    decoding: try reader.readPrefixed(limit: Transaction.bytesMax)),
                path: try MerkleProof(from: &reader), finality: try FinalityProof(from: &reader))
        }
    }
}

/// A transaction that is known to be final; its only constructor is a verified proof.
public struct FinalTransaction: Sendable {
    public let checked: CheckedTransaction
    public let block: FinalHeader

    public var txid: Hash256 { checked.txid }

    /// What the transaction pays to an address, all its outputs added; `nil` beyond the money range.
    public func amount(to address: Address) -> Amount? {
        let locking = address.lockingScript
        return Amount.sum(checked.transaction.outputs.lazy.filter { $0.locking == locking }.map(\.value))
    }
}
