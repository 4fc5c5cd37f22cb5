public import TimeCoinCore

/// A transaction that goes through admission again: after a start, or after blocks were undone.
public struct Resubmission: Sendable {
    public let checked: CheckedTransaction
    /// How long it has waited already. Unit: milliseconds.
    public let age: UInt64

    public init(_ checked: CheckedTransaction, age: UInt64) {
        self.checked = checked
        self.age = age
    }
}

extension Mempool {
    /// What waits and for how long, first come first: parents before what spends from them.
    public func waiting(at now: Instant) -> [Resubmission] {
        entries.values.sorted { $0.sequence < $1.sequence }.map { entry in
            let waited = now.milliseconds - min(now.milliseconds, entry.arrived.milliseconds)
            return Resubmission(entry.checked, age: waited)
        }
    }

    /// Empties the mempool after blocks were undone: everything in it was judged on a state that is no more.
    ///
    /// The rule: all of it goes through admission again, first the payments of the undone blocks, oldest
    /// block first and in their order there, then what waited, in the order in which it came. So parents
    /// stand before what spends from them; and of two that spend one output the undone one is in first, and
    /// gives way only to one that pays what replacing it takes. A coinbase belongs to its block and does not
    /// come back.
    ///
    /// - Parameter blocks: the undone blocks, in the order of their heights.
    /// - Returns: what to hand to admission, in this order.
    public mutating func reinstate(_ blocks: [CheckedBlock], at now: Instant) -> [Resubmission] {
        let undone = blocks.flatMap(\.transactions).filter { $0.transaction.kind == .transfer }
        let known = Set(undone.map(\.txid))
        let waiting = waiting(at: now).filter { !known.contains($0.checked.txid) }
        self = Mempool(limits: limits)
        return undone.map { Resubmission($0, age: 0) } + waiting
    }
}
