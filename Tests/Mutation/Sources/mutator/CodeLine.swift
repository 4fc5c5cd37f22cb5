/// A line of a source with a mask of what is code in it: neither comment nor the inside of a string.
struct CodeLine {
    let text: [Character]
    private let isCode: [Bool]

    init(_ line: String) {
        text = Array(line)
        var mask = [Bool](repeating: true, count: text.count)
        var inString = false
        var depth = 0
        var place = 0
        while place < text.count {
            let character = text[place]
            if !inString, character == "/", place + 1 < text.count, text[place + 1] == "/" {
                for rest in place..<text.count { mask[rest] = false }
                break
            }
            if inString {
                mask[place] = false
                if character == "\\", place + 1 < text.count {
                    mask[place + 1] = false
                    // What is interpolated is left alone like the rest of the string.
                    if text[place + 1] == "(" { depth += 1 }
                    place += 2
                    continue
                }
                if depth > 0, character == "(" { depth += 1 }
                if depth > 0, character == ")" { depth -= 1 }
                if character == "\"", depth == 0 { inString = false }
            } else if character == "\"" {
                mask[place] = false
                inString = true
            }
            place += 1
        }
        isCode = mask
    }

    /// Code alone, without the space around it; strings are empty quotes that nothing matches.
    var code: String {
        var result = ""
        for (character, isCode) in zip(text, isCode) { result.append(isCode ? character : "\u{1}") }
        while result.last == "\u{1}", isComment(result.count - 1) { result.removeLast() }
        return trimmed(result)
    }

    private func isComment(_ place: Int) -> Bool {
        // A string ends with a quote, a comment with the line.
        place < text.count && !isCode[place] && !(text[place] == "\"")
    }

    var indentation: Int { text.prefix { $0 == " " }.count }

    func string(_ range: Range<Int>) -> String { String(text[range]) }

    /// Places where this code stands.
    func places(of word: String) -> [Int] {
        let word = Array(word)
        guard word.count <= text.count else { return [] }
        return (0...(text.count - word.count)).filter { start in
            text[start..<start + word.count].elementsEqual(word)
                && isCode[start..<start + word.count].allSatisfy { $0 }
        }
    }

    func stands(_ word: String, at place: Int) -> Bool {
        let word = Array(word)
        return place >= 0 && place + word.count <= text.count
            && text[place..<place + word.count].elementsEqual(word) && isCode[place]
    }

    // MARK: - Operands

    /// What binds less than an operand and so ends it.
    struct Bounds {
        let symbols: [String]
        static let comparison = Bounds(symbols: [" && ", " || ", " ? ", " : ", " = ", ", ", "; ", ": "])
        static let disjunction = Bounds(symbols: [" ? ", " : ", " = ", ", ", "; ", ": "])
        static let words = ["guard", "if", "while", "return", "in", "else", "try", "await", "where", "case"]
    }

    /// Where the operand that ends before a place begins.
    func operandStart(before end: Int, _ bounds: Bounds) -> Int? {
        var depth = 0
        var place = end - 1
        while place >= indentation {
            if isCode[place] {
                switch text[place] {
                case ")", "]", "}": depth += 1
                case "(", "[", "{":
                    if depth == 0 { return firstVisible(from: place + 1) }
                    depth -= 1
                default:
                    if depth == 0, ends(at: place, bounds) { return firstVisible(from: place + 1) }
                }
            }
            place -= 1
        }
        guard depth == 0, indentation < text.count, !isOperator(text[indentation]) else { return nil }
        return indentation
    }

    /// Whether a symbol or word that bounds an operand ends at this place.
    private func ends(at place: Int, _ bounds: Bounds) -> Bool {
        if bounds.symbols.contains(where: { stands($0, at: place - $0.count + 1) }) { return true }
        return text[place] == " "
            && Bounds.words.contains { word in
                let start = place - word.count
                return stands(word, at: start)
                    && (start == 0 || text[start - 1] == " " || text[start - 1] == "{")
            }
    }

    /// Where the operand that begins at a place ends; `nil` when it goes on in the next line.
    func operandEnd(from start: Int, _ bounds: Bounds, next: String) -> Int? {
        var depth = 0
        var place = start
        while place < text.count {
            if isCode[place] {
                switch text[place] {
                case "(", "[": depth += 1
                case "{":
                    if depth == 0, isCondition || closing(place) == nil { return lastVisible(before: place) }
                    depth += 1
                case ")", "]", "}":
                    if depth == 0 { return lastVisible(before: place) }
                    depth -= 1
                default:
                    if depth == 0, begins(at: place, bounds) { return lastVisible(before: place) }
                }
            } else if text[place] == "/" {
                return depth == 0 && !goesOn(next, bounds) ? lastVisible(before: place) : nil
            }
            place += 1
        }
        if depth == 0, text.last == "," { return text.count - 1 }
        return depth == 0 && !goesOn(next, bounds) ? text.count : nil
    }

    private func begins(at place: Int, _ bounds: Bounds) -> Bool {
        if bounds.symbols.contains(where: { stands($0, at: place) }) { return true }
        return [" else ", " else", " where ", " in "].contains { stands($0, at: place) }
    }

    /// What follows the operands of a condition in braces is its body, not a closure.
    private var isCondition: Bool {
        ["guard ", "if ", "while ", "} else if "].contains { stands($0, at: indentation) }
    }

    private func closing(_ open: Int) -> Int? {
        var depth = 0
        for place in open..<text.count where isCode[place] {
            if text[place] == "{" { depth += 1 }
            if text[place] == "}" { depth -= 1 }
            if depth == 0 { return place }
        }
        return nil
    }

    /// Whether the next line continues an operand that reaches the end of this one.
    private func goesOn(_ next: String, _ bounds: Bounds) -> Bool {
        guard let first = next.first, isOperator(first) else { return false }
        return !bounds.symbols.contains { next.hasPrefix(trimmed($0)) && trimmed($0) != "=" }
    }

    private func isOperator(_ character: Character) -> Bool { ".?&|+-*/=<>:".contains(character) }

    private func firstVisible(from place: Int) -> Int {
        var place = place
        while place < text.count, text[place] == " " { place += 1 }
        return place
    }

    private func lastVisible(before place: Int) -> Int {
        var place = place
        while place > 0, text[place - 1] == " " { place -= 1 }
        return place
    }
}

func trimmed(_ text: some StringProtocol) -> String {
    var text = text[...]
    while text.first == " " { text = text.dropFirst() }
    while text.last == " " { text = text.dropLast() }
    return String(text)
}
