import TimeCoinConsensus
import TimeCoinControl
import TimeCoinCore

/// What is said of the vote.
extension NodeAPI {
    func consensusInfo() async -> JSONValue {
        await core.read { reactor in
            let machine = reactor.machine
            let waiting = reactor.gate?.state == .asking
            return .object([
                "height": .integer(machine.height), "round": .integer(machine.round),
                "step": .string("\(machine.step)"), "started": .bool(machine.hasStarted),
                "proposer": .string(machine.proposer(of: machine.round).description),
                "self": .optional(reactor.own?.description), "voting": .bool(reactor.isVoting),
                "reason": .optional(
                    reactor.signingStopped ?? (reactor.own == nil ? "this node is no member" : nil)
                        ?? (waiting ? "asking the others what they hold of this key" : nil)),
                "prevotes": .array(machine.heard(.prevote).map { .string($0.description) }),
                "precommits": .array(machine.heard(.precommit).map { .string($0.description) }),
                "lockedround": machine.locked.map { .integer($0.round) } ?? .null,
            ])
        }
    }

    func validators() async -> JSONValue {
        await core.read { reactor in
            .array(
                reactor.state.validators.members.enumerated().map { index, member in
                    .object([
                        "index": .integer(index), "key": .string(member.operatorKey.description),
                        "weight": .integer(member.weight), "self": .bool(member.operatorKey == reactor.own),
                    ])
                })
        }
    }

    func consensusStatus() async -> JSONValue {
        Rendering(network: network).consensus(await core.consensusReport())
    }
}

extension Rendering {
    func consensus(_ report: ConsensusReport) -> JSONValue {
        let status = report.status
        return .object([
            "explanation": .string(report.sentence), "height": .integer(status.height),
            "round": .integer(status.round), "step": .string("\(status.step)"),
            "started": .bool(status.hasStarted), "waitingfor": .string(report.awaited.rawValue),
            "missing": .array(report.missing.map { .string($0.description) }),
            "proposer": .string(status.proposer.description),
            "proposal": .string(status.proposal.rawValue),
            "proposedblock": .optional(status.proposedValue?.description),
            "lockedblock": .optional(status.locked?.value.description),
            "lockedround": status.locked.map { .integer($0.round) } ?? .null,
            "validblock": .optional(status.valid?.value.description),
            "validround": status.valid.map { .integer($0.round) } ?? .null,
            "totalweight": .integer(status.totalWeight), "quorumweight": .integer(status.quorumWeight),
            "prevotes": votes(.prevote, status), "precommits": votes(.precommit, status),
            "members": .array(status.voters.map { member($0, report) }),
            "timers": .array(
                report.timers.map {
                    .object([
                        "kind": .string("\($0.timeout.kind)"), "round": .integer($0.timeout.round),
                        "milliseconds": .integer($0.left),
                    ])
                }),
            "roundmilliseconds": .integer(report.inRound), "stepmilliseconds": .integer(report.inStep),
            "blockmilliseconds": .integer(report.sinceBlock),
            "startmilliseconds": report.untilStart.map { .integer($0) } ?? .null,
            "self": .optional(report.own?.description), "signing": .string(signing(report.signing)),
            "reason": .optional(reason(report)), "clockoff": .bool(report.isClockOff),
            "disklow": .bool(report.isDiskLow),
            "syncingto": report.best.map { .integer($0) } ?? .null,
        ])
    }

    private func votes(_ type: VoteType, _ status: ConsensusStatus) -> JSONValue {
        let count = status.count(type)
        func keys(_ word: ConsensusStatus.Word) -> JSONValue {
            .array(status.voters(saying: word, type).map { .string($0.key.description) })
        }
        return .object([
            "valueweight": .integer(count.values), "nilweight": .integer(count.nothing),
            "missingweight": .integer(count.missing), "lackingweight": .integer(status.weightLacking(type)),
            "nil": keys(.nothing), "missing": keys(.missing),
        ])
    }

    private func member(_ voter: ConsensusStatus.Voter, _ report: ConsensusReport) -> JSONValue {
        .object([
            "key": .string(voter.key.description), "weight": .integer(voter.weight),
            "self": .bool(voter.key == report.own),
            "proposer": .bool(voter.key == report.status.proposer), "prevote": word(voter.prevote),
            "precommit": word(voter.precommit),
        ])
    }

    private func word(_ word: ConsensusStatus.Word) -> JSONValue {
        switch word {
        case .missing: .string("missing")
        case .nothing: .string("nil")
        case .value(let value): .string(value.description)
        }
    }

    private func signing(_ signing: ConsensusReport.Signing) -> String {
        switch signing {
        case .votes: "votes"
        case .observer: "observer"
        case .asking: "asking"
        case .journalDamaged: "journal-damaged"
        case .stopped: "stopped"
        }
    }

    private func reason(_ report: ConsensusReport) -> String? {
        if let fault = report.fault { return fault }
        if case .stopped(let reason) = report.signing { return reason }
        return nil
    }
}
