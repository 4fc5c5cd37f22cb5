import TimeCoinCore

/// What a scenario says of its values before it is played: their names, who makes them, whether they are
/// valid.
struct ScenarioValues {
    /// Who proposes a value anew: one member where the value is to be a block. A round that is not written
    /// is that entered last.
    private(set) var makers: [String: Set<Int>] = [:]
    /// Values whose first verdict is that they are invalid.
    private(set) var invalid: Set<String> = []
    /// In the order in which they are first named.
    private(set) var names: [String] = []
    private var judged: Set<String> = []

    /// - Parameter proposer: who proposes in a round.
    init(_ scenario: Scenario, proposer: (Round) -> Int?) {
        var round: Round = 0
        for step in scenario.steps {
            for input in step.inputs {
                note(input, &round, of: step.nodes.isEmpty ? scenario.setting.selves : step.nodes, proposer)
            }
        }
    }

    private mutating func note(
        _ input: ScenarioInput, _ round: inout Round, of nodes: [Int], _ proposer: (Round) -> Int?
    ) {
        switch input {
        case .enter(let next, _): round = next
        case .message(let message): note(message, proposer(message.round ?? round))
        case .certificate(let certificate):
            note(certificate.value)
            for vote in certificate.votes { note(vote, nil) }
        case .value(let value, _):
            note(value)
            judge(value, true)
            makers[value, default: []].formUnion(nodes)
        case .verdict(let value, let isValid):
            note(value)
            judge(value, isValid)
        default: break
        }
    }

    private mutating func note(_ value: String) {
        if !value.isEmpty, !names.contains(value) { names.append(value) }
    }

    private mutating func judge(_ value: String, _ isValid: Bool) {
        if judged.insert(value).inserted, !isValid { invalid.insert(value) }
    }

    private mutating func note(_ message: ScenarioMessage, _ proposer: Int?) {
        guard let value = message.value else { return }
        note(value)
        guard message.kind == .proposal else { return }
        if message.content != .unknown { judge(value, message.content == .valid) }
        if message.validRound == nil, let maker = message.member ?? proposer {
            makers[value, default: []].insert(maker)
        }
    }
}
