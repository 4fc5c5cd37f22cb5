/// Runs unlocking and locking script: a pure function of scripts, flags and the transaction.
///
/// Memory and time are bounded by the limits of ``Script`` and by the budget alone.
public enum ScriptInterpreter {
    /// - Throws: the reason for which the input may not spend the output.
    public static func verify(
        unlocking: Script, locking: Script, flags: ScriptFlags, context: some ScriptContext,
        budget: inout ScriptBudget
    ) throws(ScriptRejection) {
        if flags.contains(.pushOnly), !unlocking.isPushOnly { throw .pushOnly }
        var machine = ScriptMachine(flags: flags, context: context, budget: budget)
        defer { budget = machine.budget }
        try machine.run(unlocking)
        let pushed = machine.stack
        try machine.run(locking)
        try machine.requireTrue()
        if flags.contains(.scriptHash), case .scriptHash = StandardScript(locking) {
            guard unlocking.isPushOnly else { throw .pushOnly }
            guard let redeem = pushed.last else { throw .evalFalse }
            machine.stack = Array(pushed.dropLast())
            try machine.run(Script(redeem))
            try machine.requireTrue()
        }
        if flags.contains(.cleanStack), machine.stack.count != 1 { throw .cleanStack }
    }
}

/// Two stacks and the conditions around the operation being run.
struct ScriptMachine<Context: ScriptContext> {
    let flags: ScriptFlags
    let context: Context
    var budget: ScriptBudget
    var stack: [[UInt8]] = []
    var altStack: [[UInt8]] = []
    /// Whether each enclosing branch is taken.
    private var conditions: [Bool] = []
    private var operations = 0

    init(flags: ScriptFlags, context: Context, budget: ScriptBudget) {
        self.flags = flags
        self.context = context
        self.budget = budget
    }

    func requireTrue() throws(ScriptRejection) {
        guard let top = stack.last, ScriptNumber.isTrue(top) else { throw .evalFalse }
    }

    mutating func run(_ script: Script) throws(ScriptRejection) {
        guard script.bytes.count <= Script.bytesMax else { throw .scriptSize }
        operations = 0
        conditions = []
        altStack = []
        var reader = ScriptReader(script)
        while let next = reader.next() {
            try step(try next.get())
            guard stack.count + altStack.count <= Script.stackItemsMax else { throw .stackSize }
        }
        guard conditions.isEmpty else { throw .unbalancedConditional }
    }

    private mutating func step(_ element: ScriptElement) throws(ScriptRejection) {
        guard element.push.count <= Script.pushBytesMax else { throw .pushSize }
        if element.opcode > Opcode.number16.rawValue { try count(operations: 1) }
        guard !Opcode.isDisabled(element.opcode) else { throw .disabledOpcode }
        // VERIF and VERNOTIF are bad even where not executed.
        guard element.opcode != 0x65, element.opcode != 0x66 else { throw .badOpcode }
        let executing = !conditions.contains(false)
        if element.opcode <= Opcode.pushData4.rawValue {
            guard executing else { return }
            if flags.contains(.minimalData), !element.isMinimalPush { throw .minimalData }
            stack.append(Array(element.push))
            return
        }
        if (Opcode.if.rawValue...Opcode.endIf.rawValue).contains(element.opcode) {
            return try branch(element.opcode, executing: executing)
        }
        guard executing else { return }
        if (Opcode.number1.rawValue...Opcode.number16.rawValue).contains(element.opcode) {
            return push(Int64(element.opcode - Opcode.number1.rawValue) + 1)
        }
        if (0xb3...0xb9).contains(element.opcode) || element.opcode == Opcode.noOperation1.rawValue {
            return try noOperation()
        }
        guard let opcode = Opcode(rawValue: element.opcode), opcode != .reserved else { throw .badOpcode }
        try execute(opcode)
    }

    mutating func count(operations count: Int) throws(ScriptRejection) {
        operations += count
        guard operations <= Script.operationsMax else { throw .operationCount }
    }

    func noOperation() throws(ScriptRejection) {
        if flags.contains(.discourageUpgradableNoOperations) { throw .discouragedNoOperation }
    }

    private mutating func branch(_ opcode: UInt8, executing: Bool) throws(ScriptRejection) {
        switch Opcode(rawValue: opcode) {
        case .if, .notIf:
            var taken = false
            if executing {
                guard let top = stack.popLast() else { throw .unbalancedConditional }
                taken = ScriptNumber.isTrue(top) == (opcode == Opcode.if.rawValue)
            }
            conditions.append(taken)
        case .else:
            guard let last = conditions.popLast() else { throw .unbalancedConditional }
            conditions.append(!last)
        case .endIf:
            guard conditions.popLast() != nil else { throw .unbalancedConditional }
        default:
            throw .badOpcode
        }
    }

    private mutating func execute(_ opcode: Opcode) throws(ScriptRejection) {
        switch opcode {
        case .negative1: push(-1)
        case .noOperation: break
        case .verify: try verify(.verify)
        case .return: throw .opReturn
        case .sha256, .hash160, .hash256: try hash(opcode)
        case .checkSignature, .checkSignatureVerify: try checkSignature(opcode)
        case .checkMultisignature, .checkMultisignatureVerify: try checkMultisignature(opcode)
        case .checkLockTimeVerify: try checkLockTime()
        case .checkSequenceVerify: try checkSequence()
        case .equal, .equalVerify:
            let right = try pop()
            let left = try pop()
            push(left == right)
            if opcode == .equalVerify { try verify(.equalVerify) }
        default:
            if opcode.rawValue < Opcode.equal.rawValue {
                try arrange(opcode)
            } else {
                try calculate(opcode)
            }
        }
    }

    // MARK: - The stack

    mutating func push(_ number: Int64) { stack.append(ScriptNumber.encode(number)) }

    mutating func push(_ truth: Bool) { stack.append(truth ? [1] : []) }

    mutating func pop() throws(ScriptRejection) -> [UInt8] {
        guard let top = stack.popLast() else { throw .invalidStackOperation }
        return top
    }

    mutating func popNumber() throws(ScriptRejection) -> Int64 {
        try ScriptNumber.decode(try pop(), requireMinimal: flags.contains(.minimalData))
    }

    func require(_ items: Int) throws(ScriptRejection) {
        guard stack.count >= items else { throw .invalidStackOperation }
    }

    mutating func verify(_ rejection: ScriptRejection) throws(ScriptRejection) {
        guard let top = stack.last else { throw .invalidStackOperation }
        guard ScriptNumber.isTrue(top) else { throw rejection }
        stack.removeLast()
    }
}
