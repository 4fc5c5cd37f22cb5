import TimeCoinConsensus
import TimeCoinCore

extension ScenarioOutput {
    static let notVerified = "not-verified"

    /// Whether what happened is what this says; a missing round is `current`, that of a decision any.
    func admits(_ happened: ScenarioOutput, in current: Round) -> Bool {
        switch (self, happened) {
        case (.timer(let kind, let round), .timer(let otherKind, let other)):
            kind == otherKind && (round ?? current) == other
        case (
            .proposal(let round, let value, let valid), .proposal(let other, let otherValue, let otherValid)
        ):
            (round ?? current) == other && value == otherValue && valid == otherValid
        case (.vote(let type, let round, let value), .vote(let otherType, let other, let otherValue)):
            type == otherType && (round ?? current) == other && value == otherValue
        case (.decided(let round, let value), .decided(let other, let otherValue)):
            (round == nil || round == other) && value == otherValue
        case (.evidence(let member, let kind), .evidence(let other, let otherKind)):
            (member == nil || member == other) && (kind == nil || kind == otherKind)
        case (.refused(let reason), .refused(let other)): reason == nil || reason == other
        default: self == happened
        }
    }

    /// Every output must be expected, every expected one be there, and every state hold; `nil` when it is so.
    ///
    /// - Parameter actual: what a statement would have to say; `nil` where it cannot be seen.
    static func mismatch(
        _ expected: [ScenarioOutput], _ got: [ScenarioOutput], in round: Round,
        _ actual: (ScenarioState) -> String?
    ) -> ScenarioImpossible? {
        var left = got
        var states: [String] = []
        var fits = true
        for output in expected {
            if case .state(let state) = output {
                guard let actual = actual(state) else { continue }
                if actual != state.text { fits = false }
                states.append(actual)
            } else if let place = left.firstIndex(where: { output.admits($0, in: round) }) {
                left.remove(at: place)
            } else {
                fits = false
            }
        }
        guard !fits || !left.isEmpty else { return nil }
        return ScenarioImpossible(reason: ([text(got)] + states).joined(separator: ", "))
    }

    /// Whether it came of entering a round.
    func belongs(to round: Round) -> Bool {
        switch self {
        case .timer(_, round), .vote(_, round, _), .proposal(round, _, _), .askValue: true
        default: false
        }
    }

    static func text(_ outputs: [ScenarioOutput]) -> String {
        outputs.isEmpty ? "-" : outputs.map(\.text).joined(separator: ", ")
    }

    private var text: String {
        func at(_ round: Round?) -> String { round.map { "\($0) " } ?? "" }
        return switch self {
        case .timer(let kind, let round): kind.text + (round.map { " \($0)" } ?? "")
        case .askValue: "askValue"
        case .proposal(let round, let value, let valid):
            "Prop \(at(round))\(value) \(valid.map { "\($0)" } ?? "-1")"
        case .vote(let type, let round, let value):
            "\(type == .prevote ? "pv" : "pc") \(at(round))\(value ?? "nil")"
        case .entered(let round): "->\(round)"
        case .decided(let round, let value): "D \(at(round))\(value)"
        case .evidence(let member, let kind):
            "evidence" + (member.map { " v\($0)" } ?? "") + (kind.map { " \($0)" } ?? "")
        case .refused(let reason): "refused" + (reason.map { " \($0)" } ?? "")
        case .alarm(let value): "alarm \(value)"
        case .stopped: "stopped"
        case .answer(let answer): answer ? "yes" : "no"
        case .state(let state): state.text
        }
    }
}

extension TimeoutKind {
    fileprivate var text: String {
        switch self {
        case .propose: "tP"
        case .prevote: "tV"
        case .precommit: "tC"
        }
    }
}

extension ScenarioState {
    /// As it is written in a scenario.
    var text: String {
        switch self {
        case .locked(let point): "locked \(ScenarioState.text(point))"
        case .valid(let point): "valid \(ScenarioState.text(point))"
        case .decision(let point): "decided \(ScenarioState.text(point))"
        case .round(let round): "round \(round)"
        case .timers(let kinds):
            "timers " + (kinds.isEmpty ? "none" : kinds.map(\.text).sorted().joined(separator: " "))
        case .evidence(let count): "evidence \(count)"
        case .holds(let kind, let point, let signers):
            "holds \(ScenarioState.text(kind, point))" + (signers.map { " signers=\($0)" } ?? "")
        case .sends(let kind, let point): "sends \(ScenarioState.text(kind, point))"
        case .justifies(let round): "justifies \(round)"
        }
    }

    /// What a statement would have to say of a value that a machine has.
    static func like(
        _ point: Point?, _ actual: ConsensusMachine.ValidValue?, _ name: (Hash256) -> String
    ) -> Point? {
        actual.map { actual in
            // A round that the scenario does not name is not compared.
            Point(value: name(actual.value), round: point != nil && point?.round == nil ? nil : actual.round)
        }
    }

    private static func text(_ point: Point?) -> String {
        point.map { $0.value + ($0.round.map { " \($0)" } ?? "") } ?? "none"
    }

    private static func text(_ kind: CertificateKind, _ point: Point) -> String {
        "\(kind == .polka ? "Pol" : "Com") \(text(point))"
    }
}

extension ScenarioNode {
    /// Keeps what came of entering a round for the step that names it.
    mutating func carryOver(to round: Round) {
        guard round == machine.round, observed.contains(.entered(round)) else { return }
        carried = observed.filter { $0.belongs(to: round) }
        observed.removeAll { $0.belongs(to: round) }
    }

    /// The same statement as it is true of this machine.
    func actual(_ state: ScenarioState) -> String {
        switch state {
        case .locked(let point):
            ScenarioState.locked(ScenarioState.like(point, machine.locked, name)).text
        case .valid(let point):
            ScenarioState.valid(ScenarioState.like(point, machine.valid, name)).text
        case .decision(let point):
            ScenarioState.decision(
                machine.decision.map { decision in
                    ScenarioState.Point(
                        value: name(decision.value), round: point?.round == nil ? nil : decision.round)
                }
            ).text
        case .round: ScenarioState.round(machine.round).text
        case .timers: ScenarioState.timers(machine.timers.map(\.kind)).text
        case .evidence: ScenarioState.evidence(evidenceCount).text
        case .holds(let kind, let point, let signers): held(kind, point, signers)
        case .sends(let kind, let point):
            sent.contains { $0.kind == kind && name($0.value) == point.value && point.fits($0.round) }
                ? state.text : "does not send it"
        case .justifies(let round): justified.contains(round) ? state.text : "justifies \(justified)"
        }
    }

    /// What it would give to a member that holds nothing.
    private func held(_ kind: CertificateKind, _ point: ScenarioState.Point, _ signers: Int?) -> String {
        let nothing = (try? world.machine(nil))?.summary
        var certificates = nothing.map { machine.held(beyond: $0).certificates } ?? []
        if let decision = machine.decision { certificates.append(decision.certificate.certificate) }
        return ScenarioState.held(kind, point, signers, among: certificates, name)
    }
}

extension ScenarioState {
    /// What a statement would have to say of the certificates that one has for others.
    static func held(
        _ kind: CertificateKind, _ point: Point, _ signers: Int?, among certificates: [Certificate],
        _ name: (Hash256) -> String
    ) -> String {
        let found = certificates.filter { certificate in
            certificate.kind == kind && name(certificate.value) == point.value
                && point.fits(certificate.round)
        }
        guard !found.isEmpty else { return "holds none" }
        if let signers, !found.contains(where: { $0.signers.count == signers }) {
            return "holds it with \(found.map(\.signers.count)) signers"
        }
        return ScenarioState.holds(kind, point, signers: signers).text
    }
}

extension ScenarioQuestion {
    /// The answer is that of the shipping rules.
    var answer: ScenarioOutput {
        switch self {
        case .quorum(let weight, let total): return .answer(ValidatorSet.isQuorum(weight, of: total))
        case .third(let weight, let total): return .answer(ValidatorSet.isThird(weight, of: total))
        case .set(let weights):
            var members: [Member] = []
            for (index, weight) in weights.enumerated() {
                guard let key = try? ScenarioWorld.key(index + 1) else { return .answer(false) }
                members.append(Member(operatorKey: key.publicKey, weight: weight))
            }
            do {
                _ = try ValidatorSet(members)
                return .answer(true)
            } catch {
                switch error {
                case .empty: return .refused("empty")
                case .tooMany: return .refused("too-many")
                case .zeroWeight: return .refused("zero-weight")
                case .doubled: return .refused("doubled")
                case .totalWeight: return .refused("total-weight")
                }
            }
        }
    }
}
