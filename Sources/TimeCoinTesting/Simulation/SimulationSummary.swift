/// What many runs came to.
public struct SimulationSummary: Sendable {
    public private(set) var counts = SimulationCounts()
    public private(set) var seeds: UInt64 = 0
    public private(set) var violations: [SimulationOutcome] = []
    /// Runs by the number of their members.
    public private(set) var nodes = [UInt64](repeating: 0, count: SimulationOptions.nodesMax + 1)
    /// Follows from the traces of all runs in order.
    public private(set) var trace: UInt64 = 0

    /// Seeds from which on a run must have seen every fault.
    public static let floorSeeds: UInt64 = 500
    /// The same for what few seeds have.
    public static let rareSeeds: UInt64 = 2000
    /// Violations that are kept.
    public static let violationsMax = 100

    public init() {}

    public mutating func take(_ outcome: SimulationOutcome) {
        counts += outcome.counts
        seeds += 1
        nodes[min(outcome.nodes, SimulationOptions.nodesMax)] += 1
        var hash = TraceHash()
        hash.combine(trace)
        hash.combine(outcome.trace)
        trace = hash.value
        if outcome.violation != nil, violations.count < SimulationSummary.violationsMax {
            violations.append(outcome)
        }
    }

    /// What a run of this size should have seen and has not: then it has tested less than it says.
    public func missing(_ options: SimulationOptions) -> [String] {
        guard seeds >= SimulationSummary.floorSeeds else { return [] }
        var unexpected: Set<FaultKind> = []
        for fault in options.without { unexpected.formUnion(SimulationSummary.kinds(of: fault)) }
        if let nodes = options.nodes, nodes < 4 {
            unexpected.formUnion(SimulationSummary.kinds(of: .byzantine))
            unexpected.formUnion(SimulationSummary.kinds(of: .setChanges))
        }
        if seeds < SimulationSummary.rareSeeds {
            unexpected.formUnion(SimulationSummary.kinds(of: .largeSets))
        }
        switch options.profile {
        case .consensus: unexpected.formUnion([.payment, .censored, .writtenTogether])
        case .node:
            unexpected.formUnion([.lateContent])
            unexpected.formUnion(SimulationSummary.kinds(of: .setChanges))
            unexpected.formUnion(SimulationSummary.kinds(of: .largeSets))
        }
        var missing = FaultKind.allCases.filter { counts[$0] == 0 && !unexpected.contains($0) }
            .map(\.rawValue)
        if counts.highestRounds.dropFirst(3).allSatisfy({ $0 == 0 }) { missing.append("round 3") }
        return missing
    }

    private static func kinds(of fault: FaultClass) -> [FaultKind] {
        switch fault {
        case .loss: [.lostMessage]
        case .duplication: [.doubledMessage]
        case .reordering: [.heldMessage]
        case .partitions: [.partition, .oneWayPartition, .cutMessage]
        case .crashes: [.recoveryCrash, .lostWrite, .tornWrite, .powerLoss, .kill, .signerQuestion]
        case .diskErrors: [.diskError]
        case .fullDisks: [.fullDisk]
        case .clockJumps: [.clockJump]
        case .clockDrift: [.clockDrift]
        case .freezes: [.freeze]
        case .lateContent: [.lateContent]
        case .setChanges:
            [.setChange, .setReplaced, .memberJoined, .memberLeft, .heaviestSet, .singleMember]
        case .largeSets: [.largeSet]
        case .byzantine:
            [
                .silentMember, .doubleVote, .doubleProposal, .amnesia, .withheld, .flood, .junkCertificate,
                .junkSignature, .heightLie, .replay, .invalidValue, .censored, .evidence, .refused, .relock,
            ]
        }
    }
}
