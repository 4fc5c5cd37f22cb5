extension ScriptMachine {
    /// Operations that only move, copy or drop items.
    mutating func arrange(_ opcode: Opcode) throws(ScriptRejection) {
        switch opcode {
        case .toAltStack: altStack.append(try pop())
        case .fromAltStack:
            guard let item = altStack.popLast() else { throw .invalidAltStackOperation }
            stack.append(item)
        case .drop2: try take(2) { _ in [] }
        case .duplicate2: try take(2) { $0 + $0 }
        case .duplicate3: try take(3) { $0 + $0 }
        case .over2: try take(4) { $0 + $0[..<2] }
        case .rotate2: try take(6) { Array($0[2...] + $0[..<2]) }
        case .swap2: try take(4) { Array($0[2...] + $0[..<2]) }
        case .ifDuplicate:
            try require(1)
            if let top = stack.last, ScriptNumber.isTrue(top) { stack.append(top) }
        case .depth: push(Int64(stack.count))
        case .drop: _ = try pop()
        case .duplicate: try take(1) { $0 + $0 }
        case .nip: try take(2) { [$0[1]] }
        case .over: try take(2) { $0 + [$0[0]] }
        case .pick, .roll: try reach(opcode)
        case .rotate: try take(3) { [$0[1], $0[2], $0[0]] }
        case .swap: try take(2) { [$0[1], $0[0]] }
        case .tuck: try take(2) { [$0[1], $0[0], $0[1]] }
        case .size:
            try require(1)
            push(Int64(stack[stack.count - 1].count))
        default: throw .badOpcode
        }
    }

    /// Replaces the top items, lowest first, by others.
    private mutating func take(_ count: Int, _ body: ([[UInt8]]) -> [[UInt8]]) throws(ScriptRejection) {
        try require(count)
        let items = Array(stack.suffix(count))
        stack.removeLast(count)
        stack += body(items)
    }

    private mutating func reach(_ opcode: Opcode) throws(ScriptRejection) {
        try require(2)
        let depth = try popNumber()
        guard depth >= 0, depth < Int64(stack.count) else { throw .invalidStackOperation }
        let index = stack.count - 1 - Int(depth)
        let item = stack[index]
        if opcode == .roll { stack.remove(at: index) }
        stack.append(item)
    }
}
