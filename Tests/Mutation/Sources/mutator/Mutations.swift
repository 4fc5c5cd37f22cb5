/// One change of one line, behind a switch.
struct Mutation {
    let line: Int
    /// What it does, for people.
    let change: String
    /// The whole line, with `#` where the number of the switch belongs.
    let replacement: String
}

/// Finds what can be changed in a source.
struct Mutations {
    private let lines: [CodeLine]
    private let codes: [String]
    private(set) var found: [Mutation] = []

    init(of source: [String]) {
        lines = source.map(CodeLine.init)
        codes = lines.map(\.code)
        for index in lines.indices where !isLeftAlone(codes[index]) {
            compare(index)
            connect(index)
            calculate(index)
            flip(index)
            exchange(index)
            shift(index)
            skip(index)
        }
        conditions()
    }

    /// Declarations without a body, and room that is reserved: no behaviour.
    private func isLeftAlone(_ code: String) -> Bool {
        code.isEmpty || code.hasPrefix("import ") || code.contains(" import ") || code.contains("reserv")
            || code.hasPrefix("#") || code.hasPrefix("@") || code.contains("operator ")
            || code.contains("func <")
            || code.contains("func >") || code.contains("func ==")
    }

    private func next(_ index: Int) -> String { index + 1 < codes.count ? codes[index + 1] : "" }

    private mutating func add(_ index: Int, _ range: Range<Int>, _ change: String, _ text: String) {
        let line = lines[index]
        let replacement =
            line.string(0..<range.lowerBound) + text + line.string(range.upperBound..<line.text.count)
        found.append(Mutation(line: index + 1, change: change, replacement: replacement))
    }

    // MARK: - Operators

    private mutating func compare(_ index: Int) {
        let others = [
            " < ": [" <= ", " > "], " <= ": [" < "], " > ": [" >= ", " < "], " >= ": [" > "],
            " == ": [" != "], " != ": [" == "],
        ]
        for (symbol, changed) in others.sorted(by: { $0.key < $1.key }) {
            replace(symbol, by: changed, index, .comparison)
        }
    }

    private mutating func connect(_ index: Int) {
        replace(" && ", by: [" || "], index, .comparison)
        replace(" || ", by: [" && "], index, .disjunction)
    }

    private mutating func replace(
        _ symbol: String, by others: [String], _ index: Int, _ bounds: CodeLine.Bounds
    ) {
        let line = lines[index]
        for place in line.places(of: symbol) {
            guard let start = line.operandStart(before: place, bounds), start < place,
                let end = line.operandEnd(from: place + symbol.count, bounds, next: next(index)),
                end > place + symbol.count
            else { continue }
            let (left, right) = (line.string(start..<place), line.string(place + symbol.count..<end))
            for other in others {
                add(
                    index, start..<end, "\(left)\(symbol)\(right) → \(left)\(other)\(right)",
                    "(mutant(#) ? (\(left)\(other)\(right)) : (\(left)\(symbol)\(right)))")
            }
        }
    }

    private mutating func calculate(_ index: Int) {
        let line = lines[index]
        for symbol in [" + ", " - ", " &+ ", " &- "] {
            for place in line.places(of: symbol + "1") {
                let digit = place + symbol.count
                guard
                    digit + 1 >= line.text.count
                        || !(line.text[digit + 1].isNumber || line.text[digit + 1] == "_")
                else { continue }
                add(index, digit..<digit + 1, "\(trimmed(symbol)) 1 dropped", "(mutant(#) ? 0 : 1)")
            }
        }
        for (symbol, other) in [(" += ", " -= "), (" -= ", " += ")] {
            guard line.places(of: symbol).count == 1, isStatement(index) else { continue }
            let whole = line.string(line.indentation..<line.text.count)
            let parts = whole.split(separator: symbol, maxSplits: 1)
            guard parts.count == 2, parts[1].first != "[" else { continue }
            add(
                index, line.indentation..<line.text.count, "\(trimmed(symbol)) → \(trimmed(other))",
                "if mutant(#) { \(parts[0])\(other)\(parts[1]) } else { \(whole) }")
        }
        for (symbol, other) in [
            (" << ", " >> "), (" >> ", " << "), (" / ", " * "), (" * ", " / "), (" % ", " / "),
        ] {
            for place in line.places(of: symbol) {
                guard let (start, end) = factors(line, place, symbol.count) else { continue }
                let (left, right) = (line.string(start..<place), line.string(place + symbol.count..<end))
                add(
                    index, start..<end, "\(left)\(symbol)\(right) → \(left)\(other)\(right)",
                    "(mutant(#) ? (\(left)\(other)\(right)) : (\(left)\(symbol)\(right)))")
            }
        }
    }

    /// The two words or bracketed terms beside an operator that binds tightly.
    private func factors(_ line: CodeLine, _ place: Int, _ width: Int) -> (Int, Int)? {
        var depth = 0
        var start = place
        while start > line.indentation {
            let character = line.text[start - 1]
            if character == ")" || character == "]" { depth += 1 }
            if character == "(" || character == "[" {
                if depth == 0 { break }
                depth -= 1
            }
            if depth == 0, character == " " || character == "," { break }
            start -= 1
        }
        // Anything that binds as tightly to the left would be torn apart.
        for symbol in [" * ", " / ", " % ", " << ", " >> "]
        where line.stands(symbol, at: start - symbol.count) {
            return nil
        }
        var end = place + width
        depth = 0
        while end < line.text.count {
            let character = line.text[end]
            if character == "(" || character == "[" { depth += 1 }
            if character == ")" || character == "]" {
                if depth == 0 { break }
                depth -= 1
            }
            if depth == 0, character == " " || character == "," { break }
            end += 1
        }
        return start < place && end > place + width && depth == 0 ? (start, end) : nil
    }

    // MARK: - Words

    private mutating func flip(_ index: Int) {
        let line = lines[index]
        guard !codes[index].hasPrefix("case true"), !codes[index].hasPrefix("case false") else { return }
        for (word, text) in [("true", "!mutant(#)"), ("false", "mutant(#)")] {
            for place in line.places(of: word) where isWord(line, place, word.count) {
                add(index, place..<place + word.count, "\(word) flipped", text)
            }
        }
    }

    private func isWord(_ line: CodeLine, _ place: Int, _ count: Int) -> Bool {
        func isPart(_ place: Int) -> Bool {
            line.text.indices.contains(place)
                && (line.text[place].isLetter || line.text[place].isNumber
                    || "_.`".contains(line.text[place]))
        }
        return !isPart(place - 1) && !isPart(place + count)
    }

    private mutating func exchange(_ index: Int) {
        let line = lines[index]
        for (word, other) in [("min(", "max("), ("max(", "min(")] {
            for place in line.places(of: word) where isWord(line, place, word.count - 1) {
                guard let end = closing(line, place + word.count - 1) else { continue }
                let arguments = line.string(place + word.count..<end)
                guard !arguments.isEmpty else { continue }
                add(
                    index, place..<end + 1, "\(word)…) → \(other)…)",
                    "(mutant(#) ? \(other)\(arguments)) : \(word)\(arguments)))")
            }
        }
    }

    private func closing(_ line: CodeLine, _ open: Int) -> Int? {
        var depth = 0
        for place in open..<line.text.count {
            if line.text[place] == "(" { depth += 1 }
            if line.text[place] == ")" { depth -= 1 }
            if depth == 0 { return place }
        }
        return nil
    }

    /// A named limit is one more.
    private mutating func shift(_ index: Int) {
        let code = codes[index]
        guard code.contains("static let "), let equals = lines[index].places(of: " = ").first else { return }
        let value = lines[index].string(equals + 3..<lines[index].text.count)
        guard !value.isEmpty, value.allSatisfy({ $0.isNumber || $0 == "_" }) else { return }
        add(
            index, equals + 3..<lines[index].text.count, "limit \(value) → \(value) + 1",
            "mutant(#) ? \(value) + 1 : \(value)")
    }

    // MARK: - Statements and conditions

    /// Whether a line is one whole statement that can be left out.
    private func isStatement(_ index: Int) -> Bool {
        let code = codes[index]
        let starts = [
            "let ", "var ", "func ", "case ", "guard ", "if ", "for ", "while ", "switch ", "return", "}",
            "default",
            "static ", "public ", "private ", "package ", "internal ", "fileprivate ", "mutating ", "init",
            "struct ",
            "enum ", "extension ", "typealias ", ".", "do ", "defer ", "repeat ", "self = ", "indirect ", "]",
            ")", "self.",
        ]
        guard let first = code.first, first.isLetter || first == "_", !starts.contains(where: code.hasPrefix),
            let last = code.last, !",({[=&|?+-".contains(last), !code.hasSuffix("else"),
            code.contains("(") || code.contains(" = ") || code.contains("= ") || code == "continue"
                || code == "break"
        else { return false }
        let depth = code.reduce(0) { $0 + ("([{".contains($1) ? 1 : ")]}".contains($1) ? -1 : 0) }
        guard depth == 0 else { return false }
        let before = index > 0 ? codes[index - 1] : ""
        guard
            before.isEmpty || before.hasSuffix("{") || before.hasSuffix("}") || before.hasSuffix(")")
                || before.hasSuffix(" in") || before.hasSuffix(":") || before.last?.isLetter == true
                || before.last?.isNumber == true
        else { return false }
        let next = next(index)
        guard let following = next.first else { return true }
        return !".?&|+-*/<>:".contains(following) && !next.hasPrefix("= ")
    }

    /// Whether a line is part of an initialiser, which has to set everything.
    private func isInInitializer(_ index: Int) -> Bool {
        let indentation = lines[index].indentation
        for place in stride(from: index - 1, through: 0, by: -1) where !codes[place].isEmpty {
            guard lines[place].indentation < indentation else { continue }
            let code = codes[place]
            if code.contains("init(") || code.contains("init?(") { return true }
            if code.contains("func ") || code.contains("var ") || lines[place].indentation == 0 {
                return false
            }
        }
        return false
    }

    private mutating func skip(_ index: Int) {
        guard isStatement(index), !(codes[index].contains(" = ") && isInInitializer(index)) else { return }
        let line = lines[index]
        // A comment behind it stays behind the brace.
        let whole = codes[index]
        guard !whole.contains("\u{1}"), !whole.hasPrefix("throw") else { return }
        add(
            index, line.indentation..<line.text.count, "left out: \(whole)",
            "if !mutant(#) { \(whole) }")
    }

    /// The clauses of guards, ifs and whiles.
    private mutating func conditions() {
        var isInside = false
        for index in codes.indices {
            let code = codes[index]
            let keyword = ["guard ", "if ", "while ", "} else if "].first { code.hasPrefix($0) }
            if keyword != nil || code == "guard" || code == "if" { isInside = true }
            guard isInside else { continue }
            let line = lines[index]
            var place = line.indentation + (keyword?.count ?? 0)
            while place < line.text.count,
                let end = line.operandEnd(from: place, .disjunction, next: next(index)), end > place
            {
                clause(index, place..<end)
                guard line.stands(", ", at: end) else { break }
                place = end + 2
            }
            if code.contains(" else {") || code.hasPrefix("else {") || code.hasSuffix("{")
                || code.hasSuffix("}")
                || code.hasSuffix(" else") || code == "else"
            {
                isInside = false
            }
        }
    }

    private mutating func clause(_ index: Int, _ range: Range<Int>) {
        let text = lines[index].string(range)
        let starts = ["let ", "var ", "case ", "#", "else", "{", ".", "&&", "||", "?", ":", "==", "=", "&"]
        guard !starts.contains(where: text.hasPrefix), !text.contains("try "), !text.contains("await "),
            text != "guard", text != "if", text.last != "="
        else { return }
        add(index, range, "\(text) is always true", "(mutant(#) || (\(text)))")
        add(index, range, "\(text) is always false", "(!mutant(#) && (\(text)))")
        add(index, range, "not \(text)", "(mutant(#) != (\(text)))")
    }
}
