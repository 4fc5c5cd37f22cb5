/// Two stacks and the conditions around the operation being run.
struct ScriptMachine<Context: ScriptContext> {
    let flags: ScriptFlags
    let context: Context
    var budget: ScriptBudget
    /// Items of standard forms, for which room is made at once.
    private static var usualDepth: Int { 6 }
    /// The main stack, its top last; it stays from script to script.
    ///
    /// Slices, because most items are parts of the scripts and need no memory of their own.
    var stack: [ArraySlice<UInt8>] = []
    var altStack: [ArraySlice<UInt8>] = []
    private var conditions = ScriptConditions()
    private var operations = 0

    init(flags: ScriptFlags, context: Context, budget: ScriptBudget) {
        self.flags = flags
        self.context = context
        self.budget = budget
        stack.reserveCapacity(ScriptMachine.usualDepth)
    }

    /// Runs one script on the stack as it is; all else begins anew.
    mutating func run(_ script: Script) throws(ScriptRejection) {
        guard script.bytes.count <= Script.bytesMax else { throw .scriptSize }
        operations = 0
        conditions = ScriptConditions()
        altStack = []
        var reader = ScriptReader(script)
        while let next = reader.next() {
            try step(try next.get(), of: script)
            guard stack.count + altStack.count <= Script.stackItemsMax else { throw .stackSize }
        }
        guard conditions.isEmpty else { throw .unbalancedConditional }
    }

    func requireTrue() throws(ScriptRejection) {
        guard let top = stack.last, ScriptNumber.isTrue(top) else { throw .evalFalse }
    }

    // The order of these checks decides which reason is given, and is Bitcoin's.
    private mutating func step(_ element: ScriptElement, of script: Script) throws(ScriptRejection) {
        guard element.push.count <= Script.pushBytesMax else { throw .pushSize }
        if !element.isPush { try count(operations: 1) }
        let opcode = Opcode(rawValue: element.opcode)
        if let opcode, opcode.isDisabled { throw .disabledOpcode }
        if element.opcode <= Opcode.pushData4.rawValue {
            guard conditions.areExecuting else { return }
            if flags.contains(.minimalData), !element.isMinimalPush { throw .minimalData }
            stack.append(script.bytes[element.push])
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
        case .equal: push(try popPair())
        case .equalVerify:
            guard try popPair() else { throw .equalVerify }
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

    /// Whether the two items on top were the same.
    private mutating func popPair() throws(ScriptRejection) -> Bool {
        let right = try pop()
        return try pop() == right
    }
}

extension ScriptMachine {
    mutating func push(_ number: Int64) { stack.append(ScriptNumber.encode(number)[...]) }

    mutating func push(_ truth: Bool) { stack.append(truth ? ScriptNumber.one[...] : []) }

    mutating func pop() throws(ScriptRejection) -> ArraySlice<UInt8> {
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
