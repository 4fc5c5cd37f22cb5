import TimeCoinConsensus
import TimeCoinCore
import TimeCoinNode

extension Scenario {
    /// Plays the steps against a whole node and compares what can be seen of it from outside.
    ///
    /// - Returns: why the scenario cannot be played with a whole node; `nil` when it was.
    /// - Throws: at the first step that leads elsewhere, or that cannot be.
    public func runOnNode() throws(ScenarioFailure) -> String? {
        if let reason = reasonAgainstNode { return reason }
        var reason: String?
        for precommit in ScenarioChain.precommitTimeouts {
            reason = try runOnNode(precommit: precommit)
            if reason == nil { break }
        }
        return reason
    }

    private func runOnNode(precommit: UInt64) throws(ScenarioFailure) -> String? {
        var run: ScenarioNodeRun
        do {
            run = try ScenarioNodeRun(self, precommit: precommit)
        } catch {
            if error.isOfNode { return error.reason }
            throw ScenarioFailure(
                scenario: name, file: file, line: line, text: "scenario \(name)",
                expected: "members and proposers that can be", got: error.reason)
        }
        for (index, step) in steps.enumerated() {
            do {
                try run.play(index)
            } catch {
                if error.isOfNode { return error.reason }
                throw ScenarioFailure(
                    scenario: name, file: file, line: step.line, text: step.text,
                    expected: step.expected.map { ScenarioOutput.text($0) } ?? "anything", got: error.reason)
            }
        }
        return nil
    }

    /// Why the words of the scenario mean nothing to a whole node.
    private var reasonAgainstNode: String? {
        if setting.selves.isEmpty { return "an observer" }
        if !setting.ownReturns { return "own withheld: a node hears itself at once" }
        if setting.height != 1 { return "height \(setting.height): a node decides height 1 first" }
        let inputs = steps.flatMap(\.inputs)
        let isOfWeights = inputs.allSatisfy { input in
            if case .question = input { true } else { false }
        }
        return isOfWeights ? "only questions about weights" : nil
    }
}

/// The nodes of one scenario while its steps are played.
private struct ScenarioNodeRun {
    let scenario: Scenario
    let chain: ScenarioChain
    var world: ScenarioWorld { chain.world }
    /// By number of the member.
    var nodes: [Int: ScenarioWholeNode] = [:]

    /// How late a proposal comes that is not timely, milliseconds.
    private static let lateness: UInt64 = 60_000

    init(_ scenario: Scenario, precommit: UInt64) throws(ScenarioImpossible) {
        self.scenario = scenario
        chain = try ScenarioChain(scenario, precommit: precommit)
        for member in scenario.setting.selves {
            guard scenario.setting.weights.indices.contains(member - 1) else {
                throw ScenarioImpossible(reason: "self v\(member) has no weight")
            }
            var node = try ScenarioWholeNode(member, on: chain)
            var isTold = false
            if case .enter(0, _)? = scenario.firstInput(of: member, after: -1) { isTold = true }
            if !scenario.setting.startsByItself, !isTold {
                try node.start()
                node.beginStep()
            }
            nodes[member] = node
        }
    }

    mutating func play(_ index: Int) throws(ScenarioImpossible) {
        let step = scenario.steps[index]
        for number in step.nodes.isEmpty ? nodes.keys.sorted() : step.nodes {
            guard var node = nodes[number] else {
                throw ScenarioImpossible(reason: "v\(number) is not run; see 'self'")
            }
            try play(step, with: &node, next: scenario.firstInput(of: number, after: index))
            nodes[number] = node
        }
    }

    private mutating func play(
        _ step: Scenario.Step, with node: inout ScenarioWholeNode, next: ScenarioInput?
    ) throws(ScenarioImpossible) {
        let before = node.consensus
        node.beginStep()
        for input in step.inputs { try feed(input, to: &node) }
        if case .enter(let round, _)? = next, round == node.round, node.observed.contains(.entered(round)) {
            node.carried = node.observed.filter { $0.belongs(to: round) }
            node.observed.removeAll { $0.belongs(to: round) }
        }
        guard let expected = step.expected else { return }
        if step.inputs.count == 1, ScenarioOutput.isRefusal(expected), node.consensus != before {
            throw ScenarioImpossible(reason: "what is refused changes the node")
        }
        let visible = expected.compactMap(\.asSeenOfNode).filter { !isOver($0, for: node) }
        let mismatch = ScenarioOutput.mismatch(visible, node.observed, in: node.round) { node.actual($0) }
        if let mismatch { throw mismatch }
    }

    /// Whether nobody can see that a timer was armed, because the node itself has said what ends the step, in
    /// one turn with what armed it.
    private func isOver(_ output: ScenarioOutput, for node: ScenarioWholeNode) -> Bool {
        guard case .timer(let kind, let written) = output else { return false }
        let round = written ?? node.round
        return !node.observed.contains(.timer(kind, round))
            && node.observed.contains { seen in
                switch (kind, seen) {
                case (.propose, .vote(.prevote, round, _)), (.prevote, .vote(.precommit, round, _)): true
                default: false
                }
            }
    }

    private mutating func feed(
        _ input: ScenarioInput, to node: inout ScenarioWholeNode
    ) throws(ScenarioImpossible) {
        switch input {
        case .enter(let round, _): try enter(round, &node)
        case .message(let message): try feed(message, to: &node)
        case .elapsed(let kind, let round):
            try node.elapse(Timeout(kind: kind, round: round ?? node.round))
        case .certificate(let certificate): try feed(certificate, to: &node)
        case .value(let value, let round): try node.build(value, in: round ?? node.round)
        case .verdict(let value, _): try node.give(value)
        case .crash: try node.crash()
        case .failingWrite(let number): node.failWrite(number)
        case .question: break
        case .own: throw ScenarioImpossible(reason: "a node hears itself at once", isOfNode: true)
        case .hear(let number):
            let other = try other(number, than: node)
            node.learn(from: other)
            for message in other.said { try node.receive(message, from: number) }
        case .pull(let number):
            var other = try other(number, than: node)
            node.learn(from: other)
            for message in try other.answers(to: node.consensus.summary, of: node.member) {
                try node.receive(message, from: number)
            }
            nodes[number] = other
        }
    }

    private func other(
        _ number: Int, than node: ScenarioWholeNode
    ) throws(ScenarioImpossible) -> ScenarioWholeNode {
        guard let other = nodes[number], other.member != node.member else {
            throw ScenarioImpossible(reason: "v\(number) is no other member that is run")
        }
        return other
    }

    private func enter(
        _ round: Round, _ node: inout ScenarioWholeNode
    ) throws(ScenarioImpossible) {
        guard node.round <= round else {
            throw ScenarioImpossible(reason: "is in round \(node.round) already")
        }
        node.observed += node.carried
        node.carried = []
        if round == 0 {
            try node.start()
        } else if node.round < round {
            try feed(ScenarioCertificate(entering: round), to: &node)
            // That it is led there is no news.
            node.observed.removeAll { $0 == .entered(round) }
        }
    }

    private func feed(
        _ certificate: ScenarioCertificate, to node: inout ScenarioWholeNode
    ) throws(ScenarioImpossible) {
        switch try world.packed(certificate, in: node.round, receiver: node.member) {
        case .value(let packed): try node.receive(.certificate(packed), from: nil)
        case .round(let packed): try node.receive(.roundCertificate(packed), from: nil)
        }
    }

    private func feed(
        _ message: ScenarioMessage, to node: inout ScenarioWholeNode
    ) throws(ScenarioImpossible) {
        guard message.kind == .proposal, let value = message.value else {
            let vote = try world.vote(message, in: node.round)
            return try node.receive(.vote(vote), from: message.member)
        }
        let signed = try world.proposal(message, in: node.round)
        var compact = chain.blocks[value].map { CompactBlock($0) }
        if message.content == .unknown {
            // The header alone: what is in the block comes with the verdict.
            compact = compact.map { CompactBlock(header: $0.header, coinbase: nil, payments: $0.payments) }
        } else if let block = chain.blocks[value],
            VerifiedProposal(signed, validators: world.set, chain: world.chain) != nil
        {
            node.makeAvailable(block)
        }
        try node.receive(
            .proposal(signed, compact), from: message.member ?? world.proposer(signed.proposal.round),
            lateness: message.isTimely ? 0 : ScenarioNodeRun.lateness)
    }
}

extension ScenarioOutput {
    /// Whether outputs say that an input was refused and led to nothing.
    fileprivate static func isRefusal(_ outputs: [ScenarioOutput]) -> Bool {
        var isRefused = false
        for output in outputs {
            switch output {
            case .refused: isRefused = true
            case .state: break
            default: return false
            }
        }
        return isRefused
    }

    /// What of an output can be seen from outside of a node; `nil` for nothing.
    fileprivate var asSeenOfNode: ScenarioOutput? {
        switch self {
        // Whoever sent something refused is not told, and what was asked of weights is asked of no node.
        case .refused, .answer: nil
        // Events name the member.
        case .evidence(let member, _): .evidence(member, nil)
        default: self
        }
    }
}
