/// Scripts as text, in the form of Bitcoin Core's script tests.
///
/// Words are separated by spaces, tabs or line ends:
/// - a decimal number from −(2³² − 1) to 2³² − 1 is pushed in its shortest form;
/// - `0x` and hexadecimal digits are raw bytes, which stand in the script as they are;
/// - `'text'` is pushed as it is, and cannot contain a separator;
/// - the name of an operation from NOP on, or RESERVED, with or without `OP_`.
public enum ScriptText {
    /// UTF-8 bytes of a text; enough for a script of ``Script/bytesMax`` operations with the longest name.
    public static let bytesMax = 400_000
    private static let numberMagnitudeMax: UInt64 = 0xffff_ffff

    /// Reads a script. The result can be longer than a script that can run.
    ///
    /// - Throws: the reason and the place of the first word that means nothing.
    public static func assemble(_ text: String) throws(ScriptTextFailure) -> Script {
        guard text.utf8.count <= bytesMax else { throw ScriptTextFailure(.tooLong, position: bytesMax) }
        let characters = Array(text.utf8)
        var bytes: [UInt8] = []
        var position = 0
        while position < characters.count {
            let start = position
            while position < characters.count, !isSeparator(characters[position]) { position += 1 }
            if position > start {
                bytes += try assemble(word: characters[start..<position])
            } else {
                position += 1
            }
        }
        return Script(bytes)
    }

    private static func assemble(word: ArraySlice<UInt8>) throws(ScriptTextFailure) -> [UInt8] {
        let text = String(decoding: word, as: UTF8.self)
        if let first = word.first, isDigit(first) || first == UInt8(ascii: "-") && word.count > 1 {
            let digits = isDigit(first) ? word : word.dropFirst()
            if digits.allSatisfy(isDigit) {
                guard let number = Int64(text), number.magnitude <= numberMagnitudeMax else {
                    throw ScriptTextFailure(.numberOutOfRange, position: word.startIndex)
                }
                return push(number)
            }
        }
        if text.hasPrefix("0x") {
            guard let bytes = Hexadecimal.decode(String(text.dropFirst(2))), !bytes.isEmpty else {
                throw ScriptTextFailure(.badHexadecimal, position: word.startIndex)
            }
            return bytes
        }
        if word.first == UInt8(ascii: "'") {
            guard word.count >= 2, word.last == UInt8(ascii: "'") else {
                throw ScriptTextFailure(.unterminatedQuote, position: word.startIndex)
            }
            return try push(quoted: Array(word.dropFirst().dropLast()), at: word.startIndex)
        }
        guard let opcode = Opcode(name: text) else {
            throw ScriptTextFailure(.unknownWord, position: word.startIndex)
        }
        return [opcode.rawValue]
    }

    private static func push(_ number: Int64) -> [UInt8] {
        switch number {
        case 0: return [Opcode.push0.rawValue]
        case -1: return [Opcode.negative1.rawValue]
        case 1...16: return [Opcode.number1.rawValue - 1 + UInt8(number)]
        default:
            let bytes = ScriptNumber.encode(number)
            return Script.pushHeader(bytes.count) + bytes
        }
    }

    private static func push(quoted bytes: [UInt8], at position: Int) throws(ScriptTextFailure) -> [UInt8] {
        guard bytes.count <= Int(UInt16.max) else { throw ScriptTextFailure(.tooLong, position: position) }
        return Script.pushHeader(bytes.count) + bytes
    }

    /// Writes a script so that ``assemble(_:)`` gives the same bytes again, whatever they are.
    ///
    /// The text is at most some twenty times as long as the script.
    public static func disassemble(_ script: Script) -> String {
        var reader = ScriptReader(script)
        var words: [String] = []
        var start = 0
        while let next = reader.next() {
            guard case .success(let element) = next else {
                words.append(raw(script.bytes[start...]))
                break
            }
            if let opcode = Opcode(rawValue: element.opcode),
                opcode == .push0 || opcode.rawValue > Opcode.pushData4.rawValue
            {
                words.append(opcode.name)
            } else {
                words += [raw(script.bytes[start...start])]
                let header = script.bytes[start + 1..<reader.position - element.push.count]
                words += [header, reader.data(of: element)].filter { !$0.isEmpty }.map(raw)
            }
            start = reader.position
        }
        return words.joined(separator: " ")
    }

    private static func raw(_ bytes: ArraySlice<UInt8>) -> String { "0x" + Hexadecimal.encode(bytes) }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\n")
            || byte == UInt8(ascii: "\r")
    }
}
