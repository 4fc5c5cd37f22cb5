import TimeCoinCore

/// What forks looked like, counted, so that a run which tested little is known.
public enum ForkKind: String, Sendable, CaseIterable, Hashable {
    /// Both certificates in one round.
    case oneRound = "in-one-round"
    case acrossRounds = "across-rounds"
    /// One of the certificates was known to the bad alone until it was published late.
    case concealedCommit = "concealed-commits"
    /// What correct members published did not blame a third; the polkas named as wanted did, later.
    case latePolka = "late-polkas"
    /// A correct member signed in the earlier certificate and voted for the other value later.
    case movedLock = "moved-locks"
    /// Somebody is to blame for two prevotes in one round.
    case twoPrevotes = "two-prevotes"
    /// Somebody is to blame for forgetting its precommit.
    case amnesia = "amnesia"
    /// Not all of the bad could be blamed.
    case unblamed = "unblamed-traitors"
    /// Two correct members decided different values.
    case decidedTwice = "decided-twice"
    /// The remaining correct members signed a recovery and went on.
    case recovered = "recovered"
    /// Those who could not be blamed weigh too much of what remains for the rest to go on.
    case unrecoverable = "unrecoverable"
}

/// What came of one seed of forks.
public struct ForkOutcome: Sendable {
    public let seed: UInt64
    public internal(set) var nodes = 0
    public internal(set) var hasForked = false
    public internal(set) var kinds: Set<ForkKind> = []
    /// Heights that the remaining members decided after their recovery.
    public internal(set) var heightsAfter: UInt64 = 0
    public internal(set) var trace: UInt64 = 0
    public internal(set) var violation: Violation?

    init(seed: UInt64) { self.seed = seed }
}

/// What many runs came to.
public struct ForkSummary: Sendable {
    public private(set) var seeds: UInt64 = 0
    public private(set) var forked: UInt64 = 0
    public private(set) var heightsAfter: UInt64 = 0
    public private(set) var nodes = [UInt64](repeating: 0, count: 8)
    public private(set) var violations: [ForkOutcome] = []
    /// Follows from the traces of all runs in order.
    public private(set) var trace: UInt64 = 0
    private var counts: [ForkKind: UInt64] = [:]

    /// Seeds from which on a run must have seen every kind.
    public static let floorSeeds: UInt64 = 500

    public init() {}

    public subscript(_ kind: ForkKind) -> UInt64 { counts[kind, default: 0] }

    public mutating func take(_ outcome: ForkOutcome) {
        seeds += 1
        if outcome.hasForked { forked += 1 }
        heightsAfter += outcome.heightsAfter
        nodes[min(outcome.nodes, nodes.count - 1)] += 1
        for kind in outcome.kinds { counts[kind, default: 0] += 1 }
        var hash = TraceHash()
        hash.combine(trace)
        hash.combine(outcome.trace)
        trace = hash.value
        if outcome.violation != nil, violations.count < SimulationSummary.violationsMax {
            violations.append(outcome)
        }
    }

    /// What a run of this size should have seen and has not: then it has tested less than it says.
    public var missing: [String] {
        guard seeds >= ForkSummary.floorSeeds else { return [] }
        var missing = ForkKind.allCases.filter { self[$0] == 0 }.map(\.rawValue)
        if 3 * forked < seeds { missing.append("a fork in every third run") }
        if 4 * self[.recovered] < forked { missing.append("a recovery from every fourth fork") }
        return missing
    }
}
