import TimeCoinConsensus
import TimeCoinCore
import TimeCoinNode

extension ScenarioWholeNode {
    /// The same statement as it is true of this node; `nil` where nobody can tell any more: a decided height
    /// is over.
    mutating func actual(_ state: ScenarioState) -> String? {
        let report = decision == nil ? host.shell.consensusReport() : nil
        switch state {
        case .locked(let point):
            return report.map { ScenarioState.locked(ScenarioState.like(point, $0.status.locked, name)).text }
        case .valid(let point):
            return report.map { ScenarioState.valid(ScenarioState.like(point, $0.status.valid, name)).text }
        case .decision(let point):
            return ScenarioState.decision(
                decision.map { decided in
                    ScenarioState.Point(
                        value: decided.value, round: point?.round == nil ? nil : decided.round)
                }
            ).text
        case .round: return report.map { ScenarioState.round($0.status.round).text }
        case .timers: return ScenarioState.timers(report?.timers.map(\.timeout.kind) ?? []).text
        case .evidence: return ScenarioState.evidence(evidenceCount).text
        case .holds(let kind, let point, let signers): return held(kind, point, signers)
        case .sends(let kind, let point):
            return sent.contains { $0.kind == kind && name($0.value) == point.value && point.fits($0.round) }
                ? state.text : "does not send it"
        case .justifies(let round):
            return justified.contains(round) ? state.text : "justifies \(justified)"
        }
    }

    /// What it gives to a peer that says that it holds nothing.
    private mutating func held(
        _ kind: CertificateKind, _ point: ScenarioState.Point, _ signers: Int?
    ) -> String {
        var certificates = askForEverything()
        if let stored = host.storedCertificate(at: world.setting.height) { certificates.append(stored) }
        return ScenarioState.held(kind, point, signers, among: certificates, name)
    }
}
