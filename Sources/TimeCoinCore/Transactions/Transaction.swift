/// What a transaction does, the upper half of Bitcoin's version word.
public enum TransactionKind: UInt16, Hashable, Sendable {
    /// Moves outputs; has exactly Bitcoin's byte layout.
    case transfer = 0
    /// Pays accrued rewards in a scheduled block; has no input, and its payload is height and slot.
    case coinbase = 1
}

/// Names an output: the transaction that created it and its place there.
public struct OutPoint: Hashable, Sendable, Comparable {
    public let transaction: Hash256
    public let index: UInt32

    public init(transaction: Hash256, index: UInt32) {
        self.transaction = transaction
        self.index = index
    }

    /// 32 bytes of identifier, 4 of index.
    public static let byteCount = 36

    public static func < (left: OutPoint, right: OutPoint) -> Bool {
        (left.transaction, left.index) < (right.transaction, right.index)
    }
}

/// Spends one output.
public struct TransactionInput: Hashable, Sendable {
    public let previous: OutPoint
    public let unlocking: Script
    public let sequence: UInt32

    /// Opts out of lock time and of relative locks (BIP 68).
    public static let finalSequence: UInt32 = 0xffff_ffff

    public init(previous: OutPoint, unlocking: Script, sequence: UInt32 = finalSequence) {
        self.previous = previous
        self.unlocking = unlocking
        self.sequence = sequence
    }
}

/// Pays an amount to whoever can unlock a script.
public struct TransactionOutput: Hashable, Sendable {
    public let value: Amount
    public let locking: Script

    public init(value: Amount, locking: Script) {
        self.value = value
        self.locking = locking
    }
}

/// A structurally valid transaction, of which nothing has been checked yet.
///
/// The first level of trust; ``CheckedTransaction`` is the next.
public struct Transaction: Hashable, Sendable {
    public let version: UInt16
    public let kind: TransactionKind
    public let inputs: [TransactionInput]
    public let outputs: [TransactionOutput]
    public let lockTime: UInt32
    /// Empty for a transfer.
    public let payload: [UInt8]

    /// Bytes of an encoded transaction at most.
    public static let bytesMax = 1_000_000

    public init(
        version: UInt16 = 2, kind: TransactionKind = .transfer, inputs: [TransactionInput],
        outputs: [TransactionOutput], lockTime: UInt32 = 0, payload: [UInt8] = []
    ) {
        self.version = version
        self.kind = kind
        self.inputs = inputs
        self.outputs = outputs
        self.lockTime = lockTime
        self.payload = payload
    }
}
