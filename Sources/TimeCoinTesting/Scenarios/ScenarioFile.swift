import TimeCoinCore

/// A scenario file that cannot be read: where, and what should stand there.
public struct ScenarioFormatFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public let file: String
    /// Counted from 1.
    public let line: Int
    public let text: String
    public let expected: String

    public var description: String { "\(file):\(line): expected \(expected): \(text)" }
}

/// A file of scenarios. Settings above the first one hold for all of them.
public struct ScenarioFile: Hashable, Sendable {
    public let scenarios: [Scenario]

    /// Bytes of a file at most.
    public static let bytesMax = 1 << 20

    /// - Parameter name: of the file, for failures.
    public init(parsing text: String, named name: String) throws(ScenarioFormatFailure) {
        guard text.utf8.count <= ScenarioFile.bytesMax else {
            throw ScenarioFormatFailure(
                file: name, line: 1, text: "", expected: "at most \(ScenarioFile.bytesMax) bytes")
        }
        var reader = ScenarioFileReader(file: name)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            do {
                try reader.read(String(line), number: index + 1)
            } catch {
                throw ScenarioFormatFailure(
                    file: name, line: index + 1, text: ScenarioTerm.trimmed(line), expected: error.expected)
            }
        }
        reader.close()
        guard !reader.scenarios.isEmpty else {
            throw ScenarioFormatFailure(
                file: name, line: lines.count, text: "", expected: "a line 'scenario …'")
        }
        scenarios = reader.scenarios
    }
}

/// Reads line by line.
private struct ScenarioFileReader {
    let file: String
    var scenarios: [Scenario] = []
    private var common = Scenario.Setting()
    private var setting = Scenario.Setting()
    private var name: String?
    private var beginning = 0
    private var steps: [Scenario.Step] = []

    init(file: String) { self.file = file }

    mutating func read(_ raw: String, number: Int) throws(ScenarioSyntaxFailure) {
        let line = ScenarioFileReader.normalised(raw)
        guard !line.isEmpty else { return }
        let keyword = line.prefix { !$0.isWhitespace }
        let rest = ScenarioTerm.trimmed(line.dropFirst(keyword.count))
        if keyword == "scenario" {
            close()
            guard !rest.isEmpty else { throw ScenarioSyntaxFailure(expected: "a name of the scenario") }
            name = rest
            beginning = number
            setting = common
            return
        }
        if try readSetting(String(keyword), rest) {
            guard steps.isEmpty else { throw ScenarioSyntaxFailure(expected: "settings before all steps") }
            if name == nil { common = setting }
            return
        }
        guard name != nil else {
            throw ScenarioSyntaxFailure(expected: "'scenario …' before the first step, or a setting")
        }
        for part in try ScenarioTerm.split(line, at: ";") {
            guard steps.count < Scenario.stepsMax else {
                throw ScenarioSyntaxFailure(expected: "at most \(Scenario.stepsMax) steps")
            }
            steps.append(try ScenarioFileReader.step(part, number: number))
        }
    }

    /// Ends the scenario that is being read.
    mutating func close() {
        defer { steps = [] }
        guard let name else { return }
        scenarios.append(
            Scenario(name: name, file: file, line: beginning, setting: setting, steps: steps))
    }

    private mutating func readSetting(
        _ keyword: String, _ rest: String
    ) throws(ScenarioSyntaxFailure) -> Bool {
        switch keyword {
        case "weights":
            let weights = rest.split(whereSeparator: \.isWhitespace).map { UInt64($0) }
            setting.weights = weights.compactMap { $0 }
            guard !weights.isEmpty, !weights.contains(nil) else {
                throw ScenarioSyntaxFailure(expected: "'weights 2 3 2': one number a member")
            }
        case "self": setting.selves = rest == "none" ? [] : try ScenarioTerm.members(rest)
        case "proposers": setting.proposers = try ScenarioTerm.members(rest)
        case "start":
            guard rest == "by-itself" else { return false }
            setting.startsByItself = true
        case "own":
            switch rest {
            case "returns": setting.ownReturns = true
            case "withheld": setting.ownReturns = false
            default: return false
            }
        case "height":
            guard let height = Height(rest), height > 0 else {
                throw ScenarioSyntaxFailure(expected: "'height 7': a number above 0")
            }
            setting.height = height
        case "early-end":
            guard ["on", "off"].contains(rest) else {
                throw ScenarioSyntaxFailure(expected: "'early-end on' or 'early-end off'")
            }
            setting.earlyEnd = rest == "on"
        default: return false
        }
        return true
    }

    private static func step(
        _ text: String, number: Int
    ) throws(ScenarioSyntaxFailure) -> Scenario.Step {
        var sides = text[...]
        var outputs: [ScenarioOutput]?
        if let arrow = text.firstArrow {
            sides = text[..<arrow]
            let right = ScenarioTerm.trimmed(text[text.index(arrow, offsetBy: 2)...])
            guard right.firstArrow == nil else {
                throw ScenarioSyntaxFailure(expected: "one '=>' a step; steps are parted by ';'")
            }
            outputs = try ScenarioOutput.outputs(right)
        }
        var nodes: [Int] = []
        if let colon = sides.firstIndex(of: ":") {
            nodes = try ScenarioTerm.members(sides[..<colon])
            sides = sides[sides.index(after: colon)...]
        }
        let inputs = try ScenarioInput.inputs(ScenarioTerm.trimmed(sides))
        return Scenario.Step(line: number, text: text, nodes: nodes, inputs: inputs, expected: outputs)
    }

    /// Without comment, and with typographic signs in their plain form.
    private static func normalised(_ raw: String) -> String {
        var line = ""
        for character in raw.prefix(while: { $0 != "#" }) {
            switch character {
            case "⇒": line += "=>"
            case "→": line += "->"
            case "–", "—", "−": line += "-"
            case "′", "’": line += "'"
            case "∅": line += "none"
            case "\r": break
            default: line.append(character)
            }
        }
        return ScenarioTerm.trimmed(line)
    }
}

extension String {
    fileprivate var firstArrow: String.Index? {
        indices.first { self[$0...].hasPrefix("=>") }
    }
}
