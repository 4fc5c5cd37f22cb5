import TimeCoinConsensus
import TimeCoinCore

extension ScenarioOutput {
    /// Outputs parted by commas or `+`; `-` alone for none.
    static func outputs(_ text: String) throws(ScenarioSyntaxFailure) -> [ScenarioOutput] {
        if text == "-" { return [] }
        var outputs: [ScenarioOutput] = []
        for part in try ScenarioTerm.split(text, at: ",", "+") {
            outputs += try ScenarioOutput.output(part)
        }
        guard !outputs.isEmpty else { throw ScenarioSyntaxFailure(expected: "outputs or '-' after '=>'") }
        return outputs
    }

    private static func output(_ text: String) throws(ScenarioSyntaxFailure) -> [ScenarioOutput] {
        let equals = text.firstIndex(of: "=") ?? text.endIndex
        let wordEnd = text.firstIndex { $0 == "(" || $0.isWhitespace } ?? text.endIndex
        guard equals < wordEnd else { return [try output(plain: text)] }
        // `locked=valid=(v, 0)` says the same of both.
        var names = try ScenarioTerm.split(text, at: "=")
        let value = names.removeLast()
        var outputs: [ScenarioOutput] = []
        for name in names { outputs.append(try output(plain: "\(name) \(value)")) }
        return outputs
    }

    private static func output(plain text: String) throws(ScenarioSyntaxFailure) -> ScenarioOutput {
        var term = try ScenarioTerm(text)
        let output = try parse(&term)
        try term.end()
        return output
    }

    private static func parse(_ term: inout ScenarioTerm) throws(ScenarioSyntaxFailure) -> ScenarioOutput {
        switch term.name {
        case "tP": return .timer(.propose, term.number())
        case "tV": return .timer(.prevote, term.number())
        case "tC": return .timer(.precommit, term.number())
        case "askValue", "ask": return .askValue
        case "Prop":
            let round = term.number(Round.self)
            let value = try ScenarioTerm.value(term.word("a value"))
            _ = term.flag("pol")
            return .proposal(
                round: round, value: value,
                validRound: term.number(Int64.self).flatMap { Round(exactly: $0) })
        case "pv", "pc":
            let round = term.number(Round.self)
            return .vote(
                term.name == "pv" ? .prevote : .precommit, round: round,
                value: try ScenarioTerm.votedValue(term.word("a value or nil")))
        case "D": return .decided(round: term.number(), value: try ScenarioTerm.value(term.word("a value")))
        case "evidence":
            if let count = term.number(Int.self) { return .state(.evidence(count)) }
            var kind = term.flag("two-votes", "two-proposals", "amnesia")
            if kind != nil || term.isEmpty { return .evidence(nil, kind) }
            let member = try ScenarioTerm.member(term.word("a member"))
            kind = term.flag("two-votes", "two-proposals", "amnesia")
            return .evidence(member, kind)
        case "refused", "error": return .refused(term.isEmpty ? nil : try term.word("a reason"))
        case "alarm": return .alarm(try ScenarioTerm.value(term.word("a value")))
        case "stopped": return .stopped
        case "yes": return .answer(true)
        case "no": return .answer(false)
        default: break
        }
        if term.name.hasPrefix("->"), let round = Round(term.name.dropFirst(2)) { return .entered(round) }
        return .state(try ScenarioState(&term))
    }
}

extension ScenarioState {
    fileprivate init(_ term: inout ScenarioTerm) throws(ScenarioSyntaxFailure) {
        switch term.name {
        case "locked": self = .locked(try Point.orNone(&term))
        case "valid": self = .valid(try Point.orNone(&term))
        case "decided": self = .decision(try Point.orNone(&term))
        case "round", "justifies":
            guard let round = term.number(Round.self) else {
                throw ScenarioSyntaxFailure(expected: "a round in \(term.text)")
            }
            self = term.name == "round" ? .round(round) : .justifies(round)
        case "timers":
            var kinds: [TimeoutKind] = []
            while let name = term.flag("tP", "tV", "tC") {
                kinds.append(name == "tP" ? .propose : name == "tV" ? .prevote : .precommit)
            }
            if kinds.isEmpty, term.flag("none") == nil {
                throw ScenarioSyntaxFailure(expected: "timers, as 'timers tP tC' or 'timers none'")
            }
            self = .timers(kinds)
        case "holds", "sends":
            guard let kind = term.flag("Pol", "Com") else {
                throw ScenarioSyntaxFailure(expected: "'Pol' or 'Com' in \(term.text)")
            }
            let signers = term.option("signers").flatMap { Int($0) }
            let certificate: CertificateKind = kind == "Pol" ? .polka : .commit
            let point = try Point(&term)
            self =
                term.name == "holds"
                ? .holds(certificate, point, signers: signers) : .sends(certificate, point)
        default: throw ScenarioSyntaxFailure(expected: "an output of the notation instead of '\(term.text)'")
        }
    }
}

extension ScenarioState.Point {
    /// A value and a round, in either order; the round may be missing.
    fileprivate init(_ term: inout ScenarioTerm) throws(ScenarioSyntaxFailure) {
        let first = term.number(Round.self)
        value = try ScenarioTerm.value(term.word("a value"))
        round = first ?? term.number()
    }

    fileprivate static func orNone(_ term: inout ScenarioTerm) throws(ScenarioSyntaxFailure) -> Self? {
        guard term.flag("none") == nil else { return nil }
        return try ScenarioState.Point(&term)
    }
}
