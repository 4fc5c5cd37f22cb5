/// A line says something that the notation does not know; the file reader adds where.
struct ScenarioSyntaxFailure: Error, Hashable, Sendable {
    let expected: String
}

/// A word of the notation with what stands in parentheses behind it: `PV2(0, v, vr=1)`.
struct ScenarioTerm: Hashable, Sendable {
    let text: String
    let name: String
    /// Arguments by place; each is taken once.
    private var words: [String]
    /// Arguments written as `key=value`; each is taken once.
    private var options: [String: String]
    let hasArguments: Bool

    /// Arguments of a term at most.
    static let argumentsMax = 300

    init(_ text: String) throws(ScenarioSyntaxFailure) {
        self.text = text
        words = []
        options = [:]
        // `PV2 0 v` and `PV2(0, v)` are the same term.
        guard let end = text.firstIndex(where: { $0 == "(" || $0.isWhitespace }) else {
            name = text
            hasArguments = false
            return
        }
        name = String(text[..<end])
        hasArguments = true
        var inner = ScenarioTerm.trimmed(text[end...])
        if inner.first == "(" {
            guard inner.last == ")" else {
                throw ScenarioSyntaxFailure(expected: "')' at the end of \(text)")
            }
            inner = String(inner.dropFirst().dropLast())
        }
        let arguments = try ScenarioTerm.split(inner, at: ",").flatMap { argument in
            argument.contains("(")
                ? [argument] : argument.split(whereSeparator: \.isWhitespace).map(String.init)
        }
        guard arguments.count <= ScenarioTerm.argumentsMax else {
            throw ScenarioSyntaxFailure(expected: "at most \(ScenarioTerm.argumentsMax) arguments")
        }
        for argument in arguments {
            let equals = argument.firstIndex(of: "=")
            let nested = argument.firstIndex(of: "(")
            if let equals, nested.map({ equals < $0 }) ?? true {
                let key = ScenarioTerm.trimmed(argument[..<equals])
                options[key] = ScenarioTerm.trimmed(argument[argument.index(after: equals)...])
            } else {
                words.append(argument)
            }
        }
    }

    /// The next argument by place.
    mutating func word(_ expected: String) throws(ScenarioSyntaxFailure) -> String {
        guard !words.isEmpty else { throw ScenarioSyntaxFailure(expected: "\(expected) in \(text)") }
        return words.removeFirst()
    }

    /// Takes the next argument if it is one of these words.
    mutating func flag(_ names: String...) -> String? {
        guard let first = words.first, names.contains(first) else { return nil }
        return words.removeFirst()
    }

    mutating func option(_ key: String) -> String? { options.removeValue(forKey: key) }

    /// Takes the next argument if it is a number.
    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) -> Number? {
        guard let first = words.first, let number = Number(first) else { return nil }
        words.removeFirst()
        return number
    }

    mutating func rest() -> [String] {
        defer { words = [] }
        return words
    }

    var isEmpty: Bool { words.isEmpty }

    /// Every argument must have been understood.
    func end() throws(ScenarioSyntaxFailure) {
        if let word = words.first {
            throw ScenarioSyntaxFailure(expected: "no '\(word)' in \(text)")
        }
        if let option = options.keys.min() {
            throw ScenarioSyntaxFailure(expected: "no '\(option)=' in \(text)")
        }
    }

    /// Parts between separators that stand outside of parentheses, without surrounding blanks, none empty.
    static func split(
        _ text: String, at separators: Character...
    ) throws(ScenarioSyntaxFailure) -> [String] {
        var parts: [String] = []
        var part = ""
        var depth = 0
        for character in text {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            guard depth >= 0 else { throw ScenarioSyntaxFailure(expected: "no ')' without '('") }
            if depth == 0, separators.contains(character) {
                parts.append(trimmed(part))
                part = ""
            } else {
                part.append(character)
            }
        }
        guard depth == 0 else { throw ScenarioSyntaxFailure(expected: "')' for every '('") }
        parts.append(trimmed(part))
        guard parts.count > 1 || parts.first != "" else { return [] }
        guard !parts.contains("") else {
            throw ScenarioSyntaxFailure(expected: "something between two separators")
        }
        return parts
    }

    static func trimmed(_ text: some StringProtocol) -> String {
        var text = text[...]
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }

    /// The number of a member: `v3`.
    static func member(_ text: some StringProtocol) throws(ScenarioSyntaxFailure) -> Int {
        guard text.first == "v", let number = Int(text.dropFirst()),
            (1...ScenarioWorld.memberMax).contains(number)
        else { throw ScenarioSyntaxFailure(expected: "a member, v1 to v\(ScenarioWorld.memberMax)") }
        return number
    }

    static func members(_ text: some StringProtocol) throws(ScenarioSyntaxFailure) -> [Int] {
        var members: [Int] = []
        for word in text.split(whereSeparator: \.isWhitespace) { members.append(try member(word)) }
        guard !members.isEmpty else { throw ScenarioSyntaxFailure(expected: "one or more members") }
        return members
    }

    /// The name of a value begins with a letter.
    static func value(_ text: String) throws(ScenarioSyntaxFailure) -> String {
        guard let first = text.first, first.isLetter, text != "nil",
            text.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "'" || $0 == "_" })
        else { throw ScenarioSyntaxFailure(expected: "the name of a value instead of '\(text)'") }
        return text
    }

    /// A value, or `nil`.
    static func votedValue(_ text: String) throws(ScenarioSyntaxFailure) -> String? {
        text == "nil" ? nil : try value(text)
    }
}
