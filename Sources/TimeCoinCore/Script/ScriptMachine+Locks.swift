extension ScriptMachine {
    /// Bytes of a lock operand; Bitcoin allows five, so that 32 unsigned bits fit.
    private static var lockBytesMax: Int { 5 }
    private static var sequenceDisableFlag: Int64 { 1 << 31 }
    private static var sequenceTimeFlag: Int64 { 1 << 22 }
    private static var sequenceMask: Int64 { 0x0040_ffff }

    /// BIP 65: the transaction's lock time is of the same sort as the operand and not below it.
    mutating func checkLockTime() throws(ScriptRejection) {
        guard flags.contains(.checkLockTime) else { return }
        let wanted = try lockOperand()
        let threshold = Int64(Locks.timeThreshold)
        let actual = Int64(context.lockTime)
        guard (wanted < threshold) == (actual < threshold), wanted <= actual,
            context.sequence != TransactionInput.finalSequence
        else { throw .unsatisfiedLockTime }
    }

    /// BIP 112: the same of the input's relative lock. An operand with the disabling bit asks for nothing.
    mutating func checkSequence() throws(ScriptRejection) {
        guard flags.contains(.checkSequence) else { return }
        let wanted = try lockOperand()
        guard wanted & Self.sequenceDisableFlag == 0 else { return }
        let actual = Int64(context.sequence)
        guard context.version >= 2, actual & Self.sequenceDisableFlag == 0,
            wanted & Self.sequenceTimeFlag == actual & Self.sequenceTimeFlag,
            wanted & Self.sequenceMask <= actual & Self.sequenceMask
        else { throw .unsatisfiedLockTime }
    }

    private func lockOperand() throws(ScriptRejection) -> Int64 {
        guard let top = stack.last else { throw .invalidStackOperation }
        let value = try ScriptNumber.decode(
            top, requireMinimal: flags.contains(.minimalData), bytesMax: Self.lockBytesMax)
        guard value >= 0 else { throw .negativeLockTime }
        return value
    }
}
