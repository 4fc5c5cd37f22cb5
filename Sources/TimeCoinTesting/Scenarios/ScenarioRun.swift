import TimeCoinConsensus
import TimeCoinCore

extension Scenario {
    /// Plays the steps against the machines and compares what follows with what is written.
    ///
    /// - Throws: at the first step that leads elsewhere, or that cannot be.
    public func run() throws(ScenarioFailure) {
        var run = try build()
        for index in steps.indices { try run.play(index) }
    }

    /// What the next step that concerns a machine begins with.
    func firstInput(of number: Int, after index: Int) -> ScenarioInput? {
        steps.dropFirst(index + 1).first { $0.nodes.isEmpty || $0.nodes.contains(number) }?.inputs.first
    }

    private func build() throws(ScenarioFailure) -> ScenarioRun {
        do {
            return try ScenarioRun(self)
        } catch {
            throw ScenarioFailure(
                scenario: name, file: file, line: line, text: "scenario \(name)",
                expected: "members and proposers that can be", got: error.reason)
        }
    }
}

/// The machines of one scenario while its steps are played.
private struct ScenarioRun {
    let scenario: Scenario
    let world: ScenarioWorld
    /// By number of the member; 0 is the observer.
    var nodes: [Int: ScenarioNode] = [:]
    /// The answer to a question, if the step asked one.
    var answers: [ScenarioOutput] = []

    init(_ scenario: Scenario) throws(ScenarioImpossible) {
        self.scenario = scenario
        world = try ScenarioWorld(scenario)
        for member in scenario.setting.selves {
            guard scenario.setting.weights.indices.contains(member - 1) else {
                throw ScenarioImpossible(reason: "self v\(member) has no weight")
            }
            nodes[member] = try ScenarioNode(member, in: world)
        }
        if nodes.isEmpty { nodes[0] = try ScenarioNode(nil, in: world) }
        for number in nodes.keys.sorted() where !scenario.setting.startsByItself {
            if case .enter(0, _)? = scenario.firstInput(of: number, after: -1) { continue }
            try nodes[number]?.feed(.start)
            nodes[number]?.beginStep()
        }
    }

    mutating func play(_ index: Int) throws(ScenarioFailure) {
        let step = scenario.steps[index]
        let numbers = step.nodes.isEmpty ? nodes.keys.sorted() : step.nodes
        for number in numbers {
            answers = []
            do throws(ScenarioImpossible) {
                guard var node = nodes[number] else {
                    throw ScenarioImpossible(reason: "v\(number) is not run; see 'self'")
                }
                node.beginStep()
                for input in step.inputs { try feed(input, to: &node) }
                if case .enter(let round, _)? = scenario.firstInput(of: number, after: index) {
                    node.carryOver(to: round)
                }
                nodes[number] = node
                if let expected = step.expected {
                    try compare(expected, with: node)
                }
            } catch {
                throw ScenarioFailure(
                    scenario: scenario.name, file: scenario.file, line: step.line, text: step.text,
                    expected: step.expected.map { ScenarioOutput.text($0) } ?? "anything", got: error.reason)
            }
        }
    }

    private mutating func feed(
        _ input: ScenarioInput, to node: inout ScenarioNode
    ) throws(ScenarioImpossible) {
        switch input {
        case .enter(let round, _): try enter(round, &node)
        case .message(let message): try feed(message, to: &node)
        case .elapsed(let kind, let round):
            try node.feed(.elapsed(Timeout(kind: kind, round: round ?? node.machine.round)))
        case .certificate(let certificate):
            node.learn(certificate.value)
            for vote in certificate.votes { vote.value.map { node.learn($0) } }
            switch try world.input(certificate, in: node.machine.round, receiver: node.member) {
            case .success(let input): try node.feed(input)
            case .failure(let refusal): node.observed.append(.refused(refusal.reason))
            }
        case .value(let value, let round):
            node.learn(value)
            node.judge(value, true)
            try node.feed(.built(round: round ?? node.machine.round, value: world.hash(value)))
        case .verdict(let value, let isValid):
            node.learn(value)
            node.judge(value, isValid)
            try node.feed(.verdict(world.hash(value), isValid: isValid))
        case .own(let kind): for input in try node.returning(kind) { try node.feed(input) }
        case .hear(let number):
            let other = try other(number, than: node)
            node.learn(from: other)
            for input in other.said { try node.feed(input, hidesRefusals: true) }
        case .pull(let number):
            let other = try other(number, than: node)
            node.learn(from: other)
            try pull(from: other.machine, to: &node)
        case .crash: try node.crash()
        case .failingWrite(let number): node.writesUntilFailure = number
        case .question(let question): answers.append(question.answer)
        }
    }

    private func other(_ number: Int, than node: ScenarioNode) throws(ScenarioImpossible) -> ScenarioNode {
        guard let other = nodes[number], other.member != node.member else {
            throw ScenarioImpossible(reason: "v\(number) is no other member that is run")
        }
        return other
    }

    private func enter(_ round: Round, _ node: inout ScenarioNode) throws(ScenarioImpossible) {
        guard node.machine.round <= round else {
            throw ScenarioImpossible(reason: "is in round \(node.machine.round) already")
        }
        node.observed += node.carried
        node.carried = []
        if round == 0 {
            if !node.machine.hasStarted { try node.feed(.start) }
        } else if node.machine.round < round {
            try node.feed(try world.entrance(to: round, receiver: node.member))
            // That it is led there is no news.
            node.observed.removeAll { $0 == .entered(round) }
        }
    }

    private func feed(_ message: ScenarioMessage, to node: inout ScenarioNode) throws(ScenarioImpossible) {
        if let value = message.value { node.learn(value) }
        let round = node.machine.round
        guard message.kind == .proposal else {
            let signed = try world.vote(message, in: round)
            if let vote = VerifiedVote(signed, validators: world.set, chain: world.chain) {
                try node.feed(.vote(vote))
            } else {
                node.observed.append(.refused(ScenarioOutput.notVerified))
            }
            return
        }
        let signed = try world.proposal(message, in: round)
        guard let proposal = VerifiedProposal(signed, validators: world.set, chain: world.chain) else {
            node.observed.append(.refused(ScenarioOutput.notVerified))
            return
        }
        if message.content != .unknown, let value = message.value {
            node.judge(value, message.content == .valid)
        }
        try node.feed(.proposal(proposal, isTimely: message.isTimely))
    }

    /// What one machine holds and the other lacks, verified by the receiver.
    private func pull(
        from machine: ConsensusMachine, to node: inout ScenarioNode
    ) throws(ScenarioImpossible) {
        let held = machine.held(beyond: node.machine.summary)
        var inputs: [ConsensusInput] = []
        if let certificate = held.roundCertificate,
            let verified = try? VerifiedRoundCertificate(
                certificate, validators: world.set, chain: world.chain)
        {
            inputs.append(.roundCertificate(verified))
        }
        for certificate in held.certificates {
            if let verified = try? VerifiedCertificate(
                certificate, validators: world.set, chain: world.chain)
            {
                inputs.append(.certificate(verified))
            }
        }
        inputs += held.proposals.compactMap {
            VerifiedProposal($0, validators: world.set, chain: world.chain)
        }.map { .proposal($0, isTimely: true) }
        inputs += held.votes.compactMap { VerifiedVote($0, validators: world.set, chain: world.chain) }
            .map { .vote($0) }
        for input in inputs { try node.feed(input, hidesRefusals: true) }
    }

    /// Every output must be expected, every expected one be there, and every state hold.
    private func compare(_ expected: [ScenarioOutput], with node: ScenarioNode) throws(ScenarioImpossible) {
        let mismatch = ScenarioOutput.mismatch(
            expected, node.observed + answers, in: node.machine.round) { node.actual($0) }
        if let mismatch { throw mismatch }
    }
}
