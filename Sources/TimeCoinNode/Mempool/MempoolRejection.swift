public import TimeCoinCore

/// Why the mempool does not take a transaction that keeps the rules of transactions, or that it could not
/// judge.
public enum MempoolRejection: Error, Sendable, Equatable, CustomStringConvertible {
    /// The same transaction, or one with the same identifier and other signatures, waits already.
    case alreadyWaiting(Hash256)
    /// The chain has it already.
    case alreadyFinal(Hash256)
    /// Another waiting transaction spends the same output, and this one does not pay what replacing it takes.
    case conflict(OutPoint, with: Hash256)
    /// The chain of unconfirmed ancestors would be longer than ``Mempool/chainMax``.
    case chainTooLong
    /// Full of transactions that pay at least as much a byte.
    case full
    case rule(TransactionRejection)

    /// The name in answers.
    public var reason: String {
        switch self {
        case .alreadyWaiting: "already-in-mempool"
        case .alreadyFinal: "already-final"
        case .conflict: "double-spend"
        case .chainTooLong: "unconfirmed-chain-too-long"
        case .full: "mempool-full"
        case .rule(let rejection): rejection.rule.rawValue
        }
    }

    public var description: String {
        switch self {
        case .alreadyWaiting(let txid): "\(txid) waits already"
        case .alreadyFinal(let txid): "\(txid) is in the chain already"
        case .conflict(let outPoint, let other):
            "\(outPoint.transaction):\(outPoint.index) is spent by waiting transaction \(other), "
                + "which pays too much to be replaced"
        case .chainTooLong: "more than \(Mempool.chainMax) unconfirmed transactions hang together"
        case .full: "the mempool is full of transactions that pay at least as much a byte"
        case .rule(let rejection): rejection.detail
        }
    }
}
