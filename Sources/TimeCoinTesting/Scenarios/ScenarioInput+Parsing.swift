import TimeCoinConsensus
import TimeCoinCore

extension ScenarioInput {
    /// Inputs parted by commas. A vote without arguments takes those of the next: `PV1, PV2(v)`.
    static func inputs(_ text: String) throws(ScenarioSyntaxFailure) -> [ScenarioInput] {
        var inputs: [ScenarioInput] = []
        var arguments: String?
        for part in try ScenarioTerm.split(text, at: ",").reversed() {
            var part = part
            let isVote = part.hasPrefix("PV") || part.hasPrefix("PC")
            if isVote {
                let name = part.prefix { $0 != "(" && !$0.isWhitespace }
                if name.count == part.count, let arguments { part += arguments }
                arguments = String(part.dropFirst(name.count))
            }
            inputs.append(try input(part))
        }
        guard !inputs.isEmpty else { throw ScenarioSyntaxFailure(expected: "an input before '=>'") }
        return inputs.reversed()
    }

    private static func input(_ text: String) throws(ScenarioSyntaxFailure) -> ScenarioInput {
        var term = try ScenarioTerm(text)
        let input = try parse(&term)
        try term.end()
        return input
    }

    private static func parse(_ term: inout ScenarioTerm) throws(ScenarioSyntaxFailure) -> ScenarioInput {
        switch term.name {
        case "start": return .enter(round: 0, proposer: nil)
        case "New":
            let round = term.number(Round.self) ?? 0
            let proposer = term.isEmpty ? nil : try ScenarioTerm.member(term.word("a member"))
            return .enter(round: round, proposer: proposer)
        case "TP": return .elapsed(.propose, term.number())
        case "TV": return .elapsed(.prevote, term.number())
        case "TC": return .elapsed(.precommit, term.number())
        case "Pol", "Com", "Skip": return .certificate(try ScenarioCertificate(&term))
        case "value":
            let round = term.number(Round.self)
            return .value(try ScenarioTerm.value(term.word("a value")), round)
        case "verdict":
            let value = try ScenarioTerm.value(term.word("a value"))
            guard let answer = term.flag("good", "bad") else {
                throw ScenarioSyntaxFailure(expected: "'good' or 'bad' in \(term.text)")
            }
            return .verdict(value, isValid: answer == "good")
        case "own":
            guard !term.isEmpty else { return .own(nil) }
            guard let kind = ScenarioMessage.kinds[try term.word("Prop, PV or PC")] else {
                throw ScenarioSyntaxFailure(expected: "'own', 'own Prop', 'own PV' or 'own PC'")
            }
            return .own(kind)
        case "hear": return .hear(try ScenarioTerm.member(term.word("a member")))
        case "pull": return .pull(try ScenarioTerm.member(term.word("a member")))
        case "crash": return .crash
        case "failing-write": return .failingWrite(term.number(Int.self) ?? 1)
        case "quorum", "third", "set": return .question(try ScenarioQuestion(&term))
        default: break
        }
        if term.name.hasPrefix("->"), let round = Round(term.name.dropFirst(2)) {
            return .enter(round: round, proposer: nil)
        }
        return .message(try ScenarioMessage(&term))
    }
}

extension ScenarioQuestion {
    fileprivate init(_ term: inout ScenarioTerm) throws(ScenarioSyntaxFailure) {
        if term.name == "set" {
            var weights: [UInt64] = []
            while let weight = term.number(UInt64.self) { weights.append(weight) }
            self = .set(weights)
            return
        }
        guard let weight = term.number(UInt64.self), let total = term.number(UInt64.self) else {
            throw ScenarioSyntaxFailure(expected: "a weight and a total in \(term.text)")
        }
        self = term.name == "quorum" ? .quorum(weight, of: total) : .third(weight, of: total)
    }
}

extension ScenarioMessage {
    static let kinds: [String: Kind] = ["Prop": .proposal, "PV": .prevote, "PC": .precommit]

    /// `Prop(0, v, -1, bad)`, `PV2(0, v, vr=1)`, `PC1(nil)`.
    fileprivate init(_ term: inout ScenarioTerm) throws(ScenarioSyntaxFailure) {
        if term.name == "Prop" {
            kind = .proposal
        } else if let kind = ScenarioMessage.kinds[String(term.name.prefix(2))],
            let number = Int(term.name.dropFirst(2)), (1...ScenarioWorld.memberMax).contains(number)
        {
            self.kind = kind
            member = number
        } else {
            throw ScenarioSyntaxFailure(expected: "an input of the notation instead of '\(term.text)'")
        }
        round = term.number()
        if kind == .proposal {
            value = try ScenarioTerm.value(term.word("a value"))
            _ = term.flag("pol")
            validRound = term.number(Int64.self).flatMap { Round(exactly: $0) }
        } else {
            value = try ScenarioTerm.votedValue(term.word("a value or nil"))
        }
        try readOptions(&term)
    }

    private mutating func readOptions(_ term: inout ScenarioTerm) throws(ScenarioSyntaxFailure) {
        while let flag = term.flag("bad", "unknown", "late", "broken") {
            switch flag {
            case "bad": content = .invalid
            case "unknown": content = .unknown
            case "late": isTimely = false
            default: hasBrokenSignature = true
            }
        }
        if let text = term.option("vr") { validRound = Round(text) }
        if let text = term.option("by") { member = try ScenarioTerm.member(text) }
        if let text = term.option("key") { signer = try ScenarioTerm.member(text) }
        if let text = term.option("height") {
            height = Height(text)
            guard height != nil else { throw ScenarioSyntaxFailure(expected: "a height after 'height='") }
        }
        if let text = term.option("signs") {
            var other = try ScenarioTerm(text)
            signedInstead = [try ScenarioMessage(&other)]
            try other.end()
        }
    }
}

extension ScenarioCertificate {
    /// `Pol(0, v)`, `Com(0, v, PC1, PC2, PC3)`, `Skip(1, PV1(1, v), PC2(1, nil))`.
    fileprivate init(_ term: inout ScenarioTerm) throws(ScenarioSyntaxFailure) {
        kind = term.name == "Pol" ? .polka : term.name == "Com" ? .commit : .round
        round = term.number()
        if kind != .round { value = try ScenarioTerm.value(term.word("a value")) }
        if let text = term.option("height") { height = Height(text) }
        if let text = term.option("set") {
            packedFor = try ScenarioTerm.members(text.split(separator: "/").joined(separator: " "))
        }
        for text in term.rest() {
            var packed = text
            // The votes of a certificate say what it says unless they are written out.
            if !text.contains("("), kind != .round { packed += " \(round.map { "\($0) " } ?? "")\(value)" }
            var vote = try ScenarioTerm(packed)
            votes.append(try ScenarioMessage(&vote))
            try vote.end()
        }
        guard !votes.contains(where: { $0.kind == .proposal }) else {
            throw ScenarioSyntaxFailure(expected: "only votes in \(term.text)")
        }
    }
}
