import TimeCoinConsensus
import TimeCoinCore

/// Since when the machine has been where it is: the machine itself knows no time.
struct ConsensusProgress: Hashable, Sendable {
    private var height: Height
    private var round: Round
    private var step: ConsensusStep
    private var hasStarted: Bool
    private(set) var roundSince: Instant
    private(set) var stepSince: Instant

    init(_ machine: ConsensusMachine, at now: Instant) {
        height = machine.height
        round = machine.round
        step = machine.step
        hasStarted = machine.hasStarted
        roundSince = now
        stepSince = now
    }

    /// Takes note of what an event has changed.
    mutating func note(_ machine: ConsensusMachine, at now: Instant) {
        let isSameRound =
            height == machine.height && round == machine.round && hasStarted == machine.hasStarted
        guard !isSameRound || step != machine.step else { return }
        let earlier = roundSince
        self = ConsensusProgress(machine, at: now)
        if isSameRound { roundSince = earlier }
    }
}

extension Reactor {
    /// Where the vote stands, for people who ask.
    ///
    /// - Parameter deadlines: of the armed timers.
    func report(deadlines: [ConsensusReport.Timer], fault: String?, at now: Moment) -> ConsensusReport {
        let isStarted = machine.hasStarted || machine.decision != nil
        let unseenBlock = unseen.first { $0.proposal.proposal.round == machine.round }
            .map(\.proposal.proposal.value)
        return ConsensusReport(
            status: machine.status, own: own, signing: signing, isClockOff: isClockOff,
            isDiskLow: isDiskLow, fault: fault,
            best: catchUp.best > state.height + 1 ? catchUp.best : nil, isBuilding: building != nil,
            unseenBlock: unseenBlock,
            timers: deadlines, inRound: progress.roundSince.elapsed(until: now.instant),
            inStep: progress.stepSince.elapsed(until: now.instant),
            sinceBlock: state.header.time.elapsed(until: now.clock),
            untilStart: isStarted ? nil : now.clock.elapsed(until: startTime))
    }

    /// Whether this node's own votes can be expected.
    private var signing: ConsensusReport.Signing {
        if own == nil { return .observer }
        if let signingStopped { return .stopped(signingStopped) }
        if machine.height <= signsAbove { return .journalDamaged(upTo: signsAbove) }
        guard let gate, gate.state != .open else { return .votes }
        let weight = state.validators.members.reduce(UInt64(0)) {
            gate.answered.contains($1.operatorKey) ? $0 + $1.weight : $0
        }
        return .asking(answered: gate.answered.count, weight: weight)
    }
}

extension Instant {
    /// Milliseconds from this instant to a later one; 0 if it is not later.
    fileprivate func elapsed(until later: Instant) -> UInt64 {
        later.milliseconds - min(milliseconds, later.milliseconds)
    }
}

extension Timestamp {
    /// Milliseconds from this time to a later one; 0 if it is not later.
    fileprivate func elapsed(until later: Timestamp) -> UInt64 {
        later.milliseconds - min(milliseconds, later.milliseconds)
    }
}
