extension ScriptMachine {
    /// Operations that only move, copy, drop or measure items.
    mutating func arrange(_ opcode: Opcode) throws(ScriptRejection) {
        switch opcode {
        case .toAltStack: altStack.append(try pop())
        case .fromAltStack:
            guard let item = altStack.popLast() else { throw .invalidAltStackOperation }
            stack.append(item)
        case .drop: _ = try pop()
        case .drop2: try repeated(2, needing: 2) { $0.stack.removeLast() }
        case .nip: try repeated(1, needing: 2) { $0.stack.remove(at: $0.stack.count - 2) }
        case .duplicate: try repeated(1, needing: 1) { $0.copy(fromTop: 0) }
        case .duplicate2: try repeated(2, needing: 2) { $0.copy(fromTop: 1) }
        case .duplicate3: try repeated(3, needing: 3) { $0.copy(fromTop: 2) }
        case .over: try repeated(1, needing: 2) { $0.copy(fromTop: 1) }
        case .over2: try repeated(2, needing: 4) { $0.copy(fromTop: 3) }
        case .swap: try repeated(1, needing: 2) { $0.move(fromTop: 1) }
        case .swap2: try repeated(2, needing: 4) { $0.move(fromTop: 3) }
        case .rotate: try repeated(1, needing: 3) { $0.move(fromTop: 2) }
        case .rotate2: try repeated(2, needing: 6) { $0.move(fromTop: 5) }
        case .tuck:
            try require(2)
            stack.insert(stack[stack.count - 1], at: stack.count - 2)
        case .ifDuplicate:
            try require(1)
            if ScriptNumber.isTrue(stack[stack.count - 1]) { copy(fromTop: 0) }
        case .pick, .roll: try reach(opcode)
        case .depth: push(Int64(stack.count))
        case .size:
            try require(1)
            push(Int64(stack[stack.count - 1].count))
        default: throw .badOpcode
        }
    }

    private mutating func repeated<Ignored>(
        _ times: Int, needing items: Int, _ body: (inout ScriptMachine) -> Ignored
    ) throws(ScriptRejection) {
        try require(items)
        for _ in 0..<times { _ = body(&self) }
    }

    private mutating func copy(fromTop depth: Int) {
        stack.append(stack[stack.count - 1 - depth])
    }

    private mutating func move(fromTop depth: Int) {
        stack.append(stack.remove(at: stack.count - 1 - depth))
    }

    private mutating func reach(_ opcode: Opcode) throws(ScriptRejection) {
        try require(2)
        let depth = try popNumber()
        guard depth >= 0, depth < Int64(stack.count) else { throw .invalidStackOperation }
        if opcode == .pick {
            copy(fromTop: Int(depth))
        } else {
            move(fromTop: Int(depth))
        }
    }
}
