/// One operation of a script, with what it pushes.
struct ScriptElement {
    let opcode: UInt8
    /// Where in the script lies what a push operation with data puts on the stack; empty for all others.
    let push: Range<Int>
    /// The first byte of the push, 0 when there is none.
    let firstByte: UInt8

    /// Whether it is no operation in the sense of the limit of operations.
    var isPush: Bool { opcode <= Opcode.number16.rawValue }

    /// Whether the push could not have been written shorter (BIP 62, rule 3).
    var isMinimalPush: Bool {
        switch push.count {
        case 0: return opcode == Opcode.push0.rawValue
        case 1:
            if (1...16).contains(firstByte) || firstByte == 0x81 { return false }
            return opcode == 1
        case 2...75: return Int(opcode) == push.count
        case 76...255: return opcode == Opcode.pushData1.rawValue
        case 256...65_535: return opcode == Opcode.pushData2.rawValue
        default: return true
        }
    }
}

/// Walks through a script without copying it; a push that runs past the end is a bad opcode.
struct ScriptReader {
    private let bytes: [UInt8]
    /// Offset of the next operation; after a failure, an offset within the bad one.
    private(set) var position = 0

    init(_ script: Script) {
        bytes = script.bytes
    }

    /// What an element of this script pushes.
    func data(of element: ScriptElement) -> ArraySlice<UInt8> { bytes[element.push] }

    /// `nil` at the end. After a failure there is nothing more to read.
    mutating func next() -> Result<ScriptElement, ScriptRejection>? {
        guard position < bytes.count else { return nil }
        let opcode = bytes[position]
        position += 1
        guard opcode <= Opcode.pushData4.rawValue else {
            return .success(ScriptElement(opcode: opcode, push: position..<position, firstByte: 0))
        }
        let lengthWidth: Int
        switch opcode {
        case Opcode.pushData1.rawValue: lengthWidth = 1
        case Opcode.pushData2.rawValue: lengthWidth = 2
        case Opcode.pushData4.rawValue: lengthWidth = 4
        default: lengthWidth = 0
        }
        guard bytes.count - position >= lengthWidth else { return .failure(.badOpcode) }
        var length = Int(opcode)
        if lengthWidth > 0 {
            length = bytes[position..<position + lengthWidth].reversed().reduce(0) { $0 << 8 | Int($1) }
            position += lengthWidth
        }
        guard bytes.count - position >= length else { return .failure(.badOpcode) }
        let push = position..<position + length
        position += length
        return .success(
            ScriptElement(opcode: opcode, push: push, firstByte: length > 0 ? bytes[push.lowerBound] : 0))
    }
}
