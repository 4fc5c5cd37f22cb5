/// Lock time and relative locks: BIP 68, 112 and 113, where what counts blocks there counts slots here, and
/// time
/// is the parent's header time.
enum Locks {
    /// A lock time below it is a slot, from it on seconds since 1970.
    static let timeThreshold: UInt32 = 500_000_000
    private static let disableFlag: UInt32 = 1 << 31
    private static let timeFlag: UInt32 = 1 << 22
    private static let valueMask: UInt32 = 0xffff
    /// A relative time lock counts units of 512 seconds.
    private static let timeGranularityBits: UInt64 = 9

    static func check(
        _ transaction: Transaction, spending spent: [OutputEntry], in context: SpendingContext
    ) throws(TransactionRejection) {
        try checkLockTime(transaction, in: context)
        guard transaction.version >= 2 else { return }
        for (input, entry) in zip(transaction.inputs, spent) where input.sequence & disableFlag == 0 {
            let value = UInt64(input.sequence & valueMask)
            if input.sequence & timeFlag != 0 {
                let due = entry.time.seconds + (value << timeGranularityBits)
                guard due <= context.parentTime.seconds else {
                    throw TransactionRejection(
                        .sequenceLock,
                        "spendable from time \(due), the chain is at \(context.parentTime.seconds)")
                }
            } else {
                let (due, overflow) = entry.slot.addingReportingOverflow(value)
                guard !overflow, due <= context.slot else {
                    throw TransactionRejection(
                        .sequenceLock, "spendable from slot \(due), this is \(context.slot)")
                }
            }
        }
    }

    private static func checkLockTime(
        _ transaction: Transaction, in context: SpendingContext
    ) throws(TransactionRejection) {
        let lock = transaction.lockTime
        if lock == 0 || transaction.inputs.allSatisfy({ $0.sequence == TransactionInput.finalSequence }) {
            return
        }
        let reached = lock < timeThreshold ? context.slot : context.parentTime.seconds
        guard UInt64(lock) < reached else {
            throw TransactionRejection(.lockTime, "locked until after \(lock), the chain is at \(reached)")
        }
    }
}
