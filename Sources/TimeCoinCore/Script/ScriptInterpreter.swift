/// Runs unlocking and locking script: a pure function of scripts, flags and the transaction.
///
/// Memory and time are bounded by the limits of ``Script`` and by the budget alone.
public enum ScriptInterpreter {
    /// Decides whether an input may spend an output.
    ///
    /// The budget is charged for what was done, also when the answer is no.
    ///
    /// - Parameters:
    ///   - unlocking: the script of the input, run first.
    ///   - locking: the script of the output, run on the stack that the first one left.
    /// - Throws: the reason for which the input may not spend the output.
    public static func verify(
        unlocking: Script, locking: Script, flags: ScriptFlags, context: some ScriptContext,
        budget: inout ScriptBudget
    ) throws(ScriptRejection) {
        if flags.contains(.pushOnly), !unlocking.isPushOnly { throw .pushOnly }
        var machine = ScriptMachine(flags: flags, context: context, budget: budget)
        defer { budget = machine.budget }
        try machine.run(unlocking)
        let hasRedeemScript = flags.contains(.scriptHash) && locking.scriptHash != nil
        let pushed = hasRedeemScript ? machine.stack : []
        try machine.run(locking)
        try machine.requireTrue()
        if hasRedeemScript {
            guard unlocking.isPushOnly else { throw .pushOnly }
            guard let redeem = pushed.last else { throw .evalFalse }
            machine.stack = pushed
            machine.stack.removeLast()
            try machine.run(Script(Array(redeem)))
            try machine.requireTrue()
        }
        if flags.contains(.cleanStack), machine.stack.count != 1 { throw .cleanStack }
    }
}
