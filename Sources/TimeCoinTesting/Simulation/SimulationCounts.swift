/// Trouble that really happened, counted, so that a run which tested nothing is known.
public enum FaultKind: String, Sendable, CaseIterable, Hashable {
    case lostMessage = "lost-messages"
    case doubledMessage = "doubled-messages"
    case heldMessage = "held-messages"
    case partition = "partitions"
    case oneWayPartition = "one-way-partitions"
    case cutMessage = "messages-cut-by-partitions"
    case kill = "kills"
    case powerLoss = "power-losses"
    case recoveryCrash = "crashes-during-recovery"
    case lostWrite = "lost-writes"
    case tornWrite = "torn-writes"
    case diskError = "disk-errors"
    case fullDisk = "full-disks"
    case clockJump = "clock-jumps"
    case clockDrift = "clock-drifts"
    case freeze = "freezes"
    case silentMember = "silent-members"
    case doubleVote = "equivocating-votes"
    case doubleProposal = "equivocating-proposals"
    case amnesia = "votes-against-a-lock"
    case withheld = "withheld-messages"
    case flood = "far-votes"
    case junkCertificate = "junk-certificates"
    case junkSignature = "junk-signatures"
    case heightLie = "height-lies"
    case replay = "replayed-messages"
    case invalidValue = "invalid-proposals"
    case lateContent = "late-contents"
    case censored = "censored-blocks"
    case payment = "payments"
    case signerQuestion = "questions-after-restart"
    case caughtUp = "blocks-caught-up"
    case writtenTogether = "blocks-written-together"
    case evidence = "evidence-found"
    case lock = "locks"
    case relock = "locks-moved"
    case refused = "messages-refused"
    case setChange = "set-changes"
    case setReplaced = "sets-replaced"
    case memberJoined = "members-joined"
    case memberLeft = "members-left"
    case heaviestSet = "sets-of-greatest-weight"
    case singleMember = "sets-of-one"
    case largeSet = "sets-of-a-hundred"
}

/// Counts of a run, or of many.
public struct SimulationCounts: Sendable, Hashable {
    private var faults = [UInt64](repeating: 0, count: FaultKind.allCases.count)
    /// Heights decided, by the round of the decision; the last stands for it and all above.
    public internal(set) var rounds = [UInt64](repeating: 0, count: SimulationCounts.roundsMax + 1)
    /// Runs in which some correct member entered a round, by the highest such round.
    public internal(set) var highestRounds = [UInt64](repeating: 0, count: SimulationCounts.roundsMax + 1)
    public internal(set) var heights: UInt64 = 0
    public internal(set) var events: UInt64 = 0

    /// Rounds that are told apart.
    public static let roundsMax = 12

    private static let places = Dictionary(
        uniqueKeysWithValues: FaultKind.allCases.enumerated().map { ($1, $0) })

    public init() {}

    public subscript(_ kind: FaultKind) -> UInt64 {
        get { faults[SimulationCounts.places[kind] ?? 0] }
        set { faults[SimulationCounts.places[kind] ?? 0] = newValue }
    }

    public static func += (left: inout SimulationCounts, right: SimulationCounts) {
        for place in left.faults.indices { left.faults[place] += right.faults[place] }
        for place in left.rounds.indices { left.rounds[place] += right.rounds[place] }
        for place in left.highestRounds.indices { left.highestRounds[place] += right.highestRounds[place] }
        left.heights += right.heights
        left.events += right.events
    }

    static func place(of round: UInt32) -> Int { min(Int(round), roundsMax) }
}

/// Something happened that must never happen.
public struct Violation: Error, Sendable, Hashable, CustomStringConvertible {
    /// The law that was broken.
    public enum Law: String, Sendable, CaseIterable {
        case agreement
        case validity
        case certificate
        case locking
        case position
        case persistence
        case recovery
        case supply
        case state
        case memory
        case liveness
        case evidence
        case penalty
        case fault
    }

    public let law: Law
    public let message: String
    /// Virtual milliseconds since the run began.
    public let time: UInt64

    public var description: String { "\(law.rawValue) at \(time) ms: \(message)" }
}

/// What came of one seed.
public struct SimulationOutcome: Sendable {
    public let seed: UInt64
    public let nodes: Int
    public let counts: SimulationCounts
    /// Equal for equal seeds and options, whatever machine, build or hash seed.
    public let trace: UInt64
    public let violation: Violation?
}
