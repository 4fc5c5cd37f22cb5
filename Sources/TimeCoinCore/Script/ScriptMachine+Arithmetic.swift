extension ScriptMachine {
    /// Operations on numbers of at most four bytes; results may be longer and then
    /// are good only as bytes.
    mutating func calculate(_ opcode: Opcode) throws(ScriptRejection) {
        switch opcode {
        case .add1, .subtract1, .negate, .absolute, .not, .notEqual0:
            try require(1)
            try calculateOne(opcode, try popNumber())
        case .within:
            try require(3)
            let upper = try number(fromTop: 0)
            let lower = try number(fromTop: 1)
            let value = try number(fromTop: 2)
            stack.removeLast(3)
            push(lower <= value && value < upper)
        default:
            try require(2)
            let right = try number(fromTop: 0)
            let left = try number(fromTop: 1)
            stack.removeLast(2)
            try calculateTwo(opcode, left, right)
        }
    }

    private func number(fromTop depth: Int) throws(ScriptRejection) -> Int64 {
        try ScriptNumber.decode(stack[stack.count - 1 - depth], requireMinimal: flags.contains(.minimalData))
    }

    private mutating func calculateOne(_ opcode: Opcode, _ value: Int64) throws(ScriptRejection) {
        // At most four bytes come in, so no result leaves 64 bits.
        switch opcode {
        case .add1: push(value + 1)
        case .subtract1: push(value - 1)
        case .negate: push(-value)
        case .absolute: push(abs(value))
        case .not: push(value == 0)
        case .notEqual0: push(value != 0)
        default: throw .badOpcode
        }
    }

    private mutating func calculateTwo(_ opcode: Opcode, _ left: Int64, _ right: Int64)
        throws(ScriptRejection)
    {
        switch opcode {
        case .add: push(left + right)
        case .subtract: push(left - right)
        case .booleanAnd: push(left != 0 && right != 0)
        case .booleanOr: push(left != 0 || right != 0)
        case .numberEqual: push(left == right)
        case .numberEqualVerify:
            push(left == right)
            try verify(.numberEqualVerify)
        case .numberNotEqual: push(left != right)
        case .lessThan: push(left < right)
        case .greaterThan: push(left > right)
        case .lessThanOrEqual: push(left <= right)
        case .greaterThanOrEqual: push(left >= right)
        case .minimum: push(min(left, right))
        case .maximum: push(max(left, right))
        default: throw .badOpcode
        }
    }
}
