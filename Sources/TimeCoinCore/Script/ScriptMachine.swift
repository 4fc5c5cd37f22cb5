/// Two stacks and the conditions around the operation being run.
struct ScriptMachine<Context: ScriptContext> {
    let flags: ScriptFlags
    let context: Context
    var budget: ScriptBudget
    /// The main stack, its top last; it stays from script to script.
    var stack: [[UInt8]] = []
    var altStack: [[UInt8]] = []
    private var conditions = ScriptConditions()
    private var operations = 0

    init(flags: ScriptFlags, context: Context, budget: ScriptBudget) {
        self.flags = flags
        self.context = context
        self.budget = budget
    }

    /// Runs one script on the stack as it is; all else begins anew.
    mutating func run(_ script: Script) throws(ScriptRejection) {
        guard script.bytes.count <= Script.bytesMax else { throw .scriptSize }
        operations = 0
        conditions = ScriptConditions()
        altStack = []
        var reader = ScriptReader(script)
        while let next = reader.next() {
            try step(try next.get())
            guard stack.count + altStack.count <= Script.stackItemsMax else { throw .stackSize }
        }
        guard conditions.isEmpty else { throw .unbalancedConditional }
    }

    func requireTrue() throws(ScriptRejection) {
        guard let top = stack.last, ScriptNumber.isTrue(top) else { throw .evalFalse }
    }

    // The order of these checks decides which reason is given, and is Bitcoin's.
    private mutating func step(_ element: ScriptElement) throws(ScriptRejection) {
        guard element.push.count <= Script.pushBytesMax else { throw .pushSize }
        if !element.isPush { try count(operations: 1) }
        let opcode = Opcode(rawValue: element.opcode)
        if let opcode, opcode.isDisabled { throw .disabledOpcode }
        if element.opcode <= Opcode.pushData4.rawValue {
            guard conditions.areExecuting else { return }
            if flags.contains(.minimalData), !element.isMinimalPush { throw .minimalData }
            stack.append(Array(element.push))
            return
        }
        guard let opcode else {
            if conditions.areExecuting { throw .badOpcode }
            return
        }
        if (Opcode.if.rawValue...Opcode.endIf.rawValue).contains(opcode.rawValue) {
            return try branch(opcode)
        }
        if conditions.areExecuting { try execute(opcode) }
    }

    private mutating func branch(_ opcode: Opcode) throws(ScriptRejection) {
        switch opcode {
        case .if, .notIf:
            var taken = false
            if conditions.areExecuting {
                taken = ScriptNumber.isTrue(try pop()) == (opcode == .if)
            }
            conditions.enter(taken: taken)
        case .else:
            guard conditions.changeBranch() else { throw .unbalancedConditional }
        case .endIf:
            guard conditions.leave() else { throw .unbalancedConditional }
        default:
            // VERIF and VERNOTIF, bad even where not executed.
            throw .badOpcode
        }
    }

    private mutating func execute(_ opcode: Opcode) throws(ScriptRejection) {
        switch opcode {
        case .negative1: push(-1)
        case .noOperation: break
        case .verify: try verify(.verify)
        case .return: throw .opReturn
        case .equal: try compare()
        case .equalVerify:
            try compare()
            try verify(.equalVerify)
        case .sha256, .hash160, .hash256: try hash(opcode)
        case .checkSignature, .checkSignatureVerify: try checkSignature(opcode)
        case .checkMultisignature, .checkMultisignatureVerify: try checkMultisignature(opcode)
        case .checkLockTimeVerify: try checkLockTime()
        case .checkSequenceVerify: try checkSequence()
        default: try executeGroup(opcode)
        }
    }

    /// Operations whose numbers lie together.
    private mutating func executeGroup(_ opcode: Opcode) throws(ScriptRejection) {
        switch opcode.rawValue {
        case Opcode.number1.rawValue...Opcode.number16.rawValue:
            push(Int64(opcode.rawValue - Opcode.number1.rawValue) + 1)
        case Opcode.toAltStack.rawValue...Opcode.size.rawValue:
            try arrange(opcode)
        case Opcode.add1.rawValue...Opcode.within.rawValue:
            try calculate(opcode)
        case Opcode.noOperation1.rawValue, Opcode.noOperation4.rawValue...Opcode.noOperation10.rawValue:
            if flags.contains(.discourageUpgradableNoOperations) { throw .discouragedNoOperation }
        default:
            // RESERVED, VER, RESERVED1, RESERVED2 and CODESEPARATOR.
            throw .badOpcode
        }
    }

    mutating func count(operations count: Int) throws(ScriptRejection) {
        operations += count
        guard operations <= Script.operationsMax else { throw .operationCount }
    }

    private mutating func compare() throws(ScriptRejection) {
        let right = try pop()
        let left = try pop()
        push(left == right)
    }
}

extension ScriptMachine {
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

    /// Takes the top away if it is true and gives the reason otherwise.
    mutating func verify(_ rejection: ScriptRejection) throws(ScriptRejection) {
        guard ScriptNumber.isTrue(try pop()) else { throw rejection }
    }
}
