/// A transaction that keeps every rule which can be judged without the state of the chain.
///
/// The second level of trust; its only constructor is the check. ``SpendableTransaction`` is the next.
public struct CheckedTransaction: Hashable, Sendable {
    /// Checked once and passed around a great deal: a copy costs one reference, not one for each array.
    private final class Storage: Sendable {
        let transaction: Transaction
        let txid: Hash256
        let wtxid: Hash256
        let size: Int

        init(_ transaction: Transaction, txid: Hash256, wtxid: Hash256, size: Int) {
            self.transaction = transaction
            self.txid = txid
            self.wtxid = wtxid
            self.size = size
        }
    }

    private let storage: Storage

    public var transaction: Transaction { storage.transaction }
    // Parts that can be had without a copy of the whole.
    var kind: TransactionKind { storage.transaction.kind }
    var inputs: [TransactionInput] { storage.transaction.inputs }
    var outputs: [TransactionOutput] { storage.transaction.outputs }
    public var txid: Hash256 { storage.txid }
    public var wtxid: Hash256 { storage.wtxid }
    /// Bytes of the encoding, unlocking scripts included.
    public var size: Int { storage.size }

    /// Units; an output below it costs more to spend than it is worth.
    public static let dustLimit: UInt64 = 546
    public static let versions: ClosedRange<UInt16> = 1...2

    /// Decodes and checks bytes of unknown origin.
    public init(decoding bytes: [UInt8]) throws(TransactionRejection) {
        let transaction: Transaction
        do {
            transaction = try Transaction(decoding: bytes)
        } catch {
            let rule: TransactionRejection.Rule = error.reason == .lengthLimit ? .oversized : .malformed
            throw TransactionRejection(rule, "the bytes are not a transaction: \(error)")
        }
        var writer = ByteWriter(reserving: bytes.count)
        try self.init(checking: transaction, canonical: bytes[...], using: &writer)
    }

    public init(checking transaction: Transaction) throws(TransactionRejection) {
        let encoded = transaction.encoded
        var writer = ByteWriter(reserving: encoded.count)
        try self.init(checking: transaction, canonical: encoded[...], using: &writer)
    }

    /// - Parameters:
    ///   - encoded: the canonical encoding of the transaction: what it was decoded from, for nothing else is
    ///     decoded.
    ///   - writer: its room is used again.
    init(
        checking transaction: Transaction, canonical encoded: ArraySlice<UInt8>,
        using writer: inout ByteWriter
    ) throws(TransactionRejection) {
        guard encoded.count <= Transaction.bytesMax else {
            throw TransactionRejection(.oversized, "\(encoded.count) bytes, at most \(Transaction.bytesMax)")
        }
        guard CheckedTransaction.versions.contains(transaction.version) else {
            throw TransactionRejection(.unknownVersion, "version \(transaction.version), known are 1 and 2")
        }
        switch transaction.kind {
        case .transfer: try CheckedTransaction.checkTransfer(transaction)
        case .coinbase: try CheckedTransaction.checkCoinbase(transaction)
        }
        try CheckedTransaction.checkOutputs(transaction.outputs)
        let wtxid = encoded.withUnsafeBytes { Blake2b.hash256(.witnessID, $0) }
        let txid = transaction.txid(from: encoded, using: &writer)
        storage = Storage(transaction, txid: txid, wtxid: wtxid, size: encoded.count)
    }

    /// The witness identifier covers everything.
    public static func == (left: CheckedTransaction, right: CheckedTransaction) -> Bool {
        left.wtxid == right.wtxid
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(wtxid) }

    private static func checkTransfer(_ transaction: Transaction) throws(TransactionRejection) {
        guard !transaction.inputs.isEmpty else {
            throw TransactionRejection(.noInputs, "a transfer spends at least one output")
        }
        guard !transaction.outputs.isEmpty else {
            throw TransactionRejection(.noOutputs, "a transfer has at least one output")
        }
        // A transfer's payload has no place in its encoding, so it would silently get lost.
        guard transaction.payload.isEmpty else {
            throw TransactionRejection(.malformed, "a transfer carries no payload")
        }
        if transaction.inputs.count > 1 {
            var seen = Set<OutPoint>(minimumCapacity: transaction.inputs.count)
            for input in transaction.inputs where !seen.insert(input.previous).inserted {
                throw TransactionRejection(
                    .duplicateInput, "\(input.previous.transaction):\(input.previous.index) is spent twice")
            }
        }
        for input in transaction.inputs where input.unlocking.bytes.count > Script.bytesMax {
            throw TransactionRejection(
                .oversizedScript, "an unlocking script is above \(Script.bytesMax) bytes")
        }
    }

    private static func checkCoinbase(_ transaction: Transaction) throws(TransactionRejection) {
        guard
            transaction.inputs.isEmpty, transaction.lockTime == 0, transaction.version == 1,
            CoinbasePayload(decoding: transaction.payload) != nil
        else {
            throw TransactionRejection(
                .coinbaseForm,
                "a coinbase has version 1, no input, no lock time, and height and slot as payload")
        }
    }

    private static func checkOutputs(_ outputs: [TransactionOutput]) throws(TransactionRejection) {
        var total = Amount.zero
        for (index, output) in outputs.enumerated() {
            guard output.locking.bytes.count <= Script.bytesMax else {
                throw TransactionRejection(
                    .oversizedScript, "output \(index): script above \(Script.bytesMax) bytes")
            }
            if output.locking.isDataCarrier {
                guard output.value == .zero else {
                    throw TransactionRejection(
                        .dataCarrierValue, "output \(index): a data carrier has value 0")
                }
            } else if output.value.units < dustLimit {
                throw TransactionRejection(
                    .dust, "output \(index): \(output.value.units) units, at least \(dustLimit)")
            }
            guard let sum = total.adding(output.value) else {
                throw TransactionRejection(.moneyRange, "the outputs add up to more than can exist")
            }
            total = sum
        }
    }
}

/// Height and slot of the block that a coinbase belongs to, so that no two coinbases are alike.
public struct CoinbasePayload: Hashable, Sendable {
    public let height: Height
    public let slot: Slot

    public init(height: Height, slot: Slot) {
        self.height = height
        self.slot = slot
    }

    /// 16 bytes: height, slot.
    public var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 16)
        writer.write(height)
        writer.write(slot)
        return writer.bytes
    }

    public init?(decoding bytes: [UInt8]) {
        let decoded = try? ByteReader.decode(bytes) { reader throws(DecodingFailure) in
            CoinbasePayload(height: try reader.readInteger(), slot: try reader.readInteger())
        }
        guard let decoded else { return nil }
        self = decoded
    }
}
