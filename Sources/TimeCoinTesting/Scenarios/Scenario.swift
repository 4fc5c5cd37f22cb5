public import TimeCoinCore

/// What one consensus machine, or a few, are told step by step, and what each step must lead to.
///
/// The notation is that of `Docs/Scenarios.md`. Members are numbered from 1: `v1` has the first weight.
public struct Scenario: Hashable, Sendable {
    /// What holds for all steps; every part has a default.
    public struct Setting: Hashable, Sendable {
        public var height: Height = 1
        /// One weight a member.
        public var weights: [UInt64] = [2, 3, 2]
        /// The members that are run; the others speak only through the steps. Empty for one observer.
        public var selves: [Int] = [3]
        /// Who proposes in rounds 0, 1, …, as far as it matters; empty for the members in turn.
        public var proposers: [Int] = []
        /// Whether what a machine says comes back to it at once.
        public var ownReturns = true
        /// Whether a machine that is not told to start waits for its own rules to do so; else it has started
        /// before the first step.
        public var startsByItself = false
        /// Whether steps end early; see `ConsensusParameters.earlyEnd`.
        public var earlyEnd = false

        public init() {}
    }

    /// Inputs that come one after the other, and what they lead to together.
    public struct Step: Hashable, Sendable {
        /// Line of the file, counted from 1.
        public let line: Int
        public let text: String
        /// The members that get the inputs; empty for all that are run.
        public let nodes: [Int]
        public let inputs: [ScenarioInput]
        /// `nil` where the scenario leaves open what follows.
        public let expected: [ScenarioOutput]?
    }

    public let name: String
    public let file: String
    /// Line of the file at which it begins.
    public let line: Int
    public let setting: Setting
    public let steps: [Step]

    /// Steps of a scenario at most.
    public static let stepsMax = 1000

    /// Reads a text that holds exactly one scenario.
    ///
    /// - Parameter file: named in failures.
    public init(parsing text: String, file: String = "scenario") throws(ScenarioFormatFailure) {
        let scenarios = try ScenarioFile(parsing: text, named: file).scenarios
        guard let only = scenarios.first, scenarios.count == 1 else {
            throw ScenarioFormatFailure(file: file, line: 1, text: "", expected: "exactly one scenario")
        }
        self = only
    }

    init(name: String, file: String, line: Int, setting: Setting, steps: [Step]) {
        self.name = name
        self.file = file
        self.line = line
        self.setting = setting
        self.steps = steps
    }
}

/// A step that did not lead to what the scenario says.
public struct ScenarioFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public let scenario: String
    public let file: String
    /// Counted from 1.
    public let line: Int
    /// The step as it is written.
    public let text: String
    public let expected: String
    public let got: String

    public var description: String {
        "\(file):\(line): scenario \(scenario): \(text)\n  expected: \(expected)\n  got:      \(got)"
    }
}
