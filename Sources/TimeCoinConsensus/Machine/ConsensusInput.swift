public import TimeCoinCore

/// What a step waits for at most.
public enum TimeoutKind: UInt8, Hashable, Sendable, CaseIterable {
    case propose = 0
    case prevote = 1
    case precommit = 2
}

/// Some of the steps that can be waited for.
struct TimeoutKinds: OptionSet, Hashable, Sendable {
    let rawValue: UInt8

    init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    init(_ kind: TimeoutKind) {
        rawValue = 1 << kind.rawValue
    }

    func contains(_ kind: TimeoutKind) -> Bool { contains(TimeoutKinds(kind)) }
}

/// A timer as data.
public struct Timeout: Hashable, Sendable {
    public let kind: TimeoutKind
    public let round: Round

    public init(kind: TimeoutKind, round: Round) {
        self.kind = kind
        self.round = round
    }
}

/// Everything that can happen to the machine.
public enum ConsensusInput: Hashable, Sendable {
    /// Round 0 begins: a block is due, or something waits to be decided.
    case start
    /// A proposal; whether its time was near this node's clock when it first came.
    case proposal(VerifiedProposal, isTimely: Bool)
    case vote(VerifiedVote)
    case certificate(VerifiedCertificate)
    /// Votes that justify a higher round.
    case roundCertificate(VerifiedRoundCertificate)
    /// The value that the host built for this round, as asked.
    case built(round: Round, value: Hash256)
    /// What the host found of a value: a pure function of state and content.
    case verdict(Hash256, isValid: Bool)
    case elapsed(Timeout)
}

/// Why an input had no effect.
public enum ConsensusRefusal: String, Error, Hashable, Sendable {
    case otherHeight = "other-height"
    case alreadyDecided = "already-decided"
    case alreadyKnown = "already-known"
    case notProposer = "not-proposer"
    case oldRound = "old-round"
    case staleTimeout = "stale-timeout"
    case conflicting = "conflicting"
    case badValidRound = "bad-valid-round"
    case unasked = "unasked"
}

/// Base timeouts in milliseconds, and how they grow.
public struct ConsensusParameters: Hashable, Sendable {
    public var propose: UInt64
    public var prevote: UInt64
    public var precommit: UInt64
    /// Added for every round after the second.
    public var increment: UInt64
    /// Whether a step ends once the votes still missing cannot change its outcome.
    public var earlyEnd: Bool

    public init(propose: UInt64, prevote: UInt64, precommit: UInt64, increment: UInt64, earlyEnd: Bool = true)
    {
        self.propose = propose
        self.prevote = prevote
        self.precommit = precommit
        self.increment = increment
        self.earlyEnd = earlyEnd
    }

    public init(_ chain: ChainParameters) {
        self.init(
            propose: chain.proposeTimeoutMilliseconds, prevote: chain.prevoteTimeoutMilliseconds,
            precommit: chain.precommitTimeoutMilliseconds, increment: chain.timeoutIncrementMilliseconds)
    }

    /// Milliseconds that a timeout takes.
    public func duration(of timeout: Timeout) -> UInt64 {
        let base =
            switch timeout.kind {
            case .propose: propose
            case .prevote: prevote
            case .precommit: precommit
            }
        let late = UInt64(timeout.round) > 1 ? UInt64(timeout.round) - 1 : 0
        // Growth ends after 1,000 rounds: nobody waits for hours.
        let (growth, overflow) = increment.multipliedReportingOverflow(by: min(late, 1000))
        let (sum, sumOverflow) = base.addingReportingOverflow(overflow ? .max : growth)
        return sumOverflow ? .max : sum
    }
}
