public import TimeCoinConsensus
public import TimeCoinCore

/// What an input leads to, or what holds after it. A missing round is that in which the machine then is.
public enum ScenarioOutput: Hashable, Sendable {
    case timer(TimeoutKind, Round?)
    case askValue
    case proposal(round: Round?, value: String, validRound: Round?)
    case vote(VoteType, round: Round?, value: String?)
    case entered(Round)
    case decided(round: Round?, value: String)
    /// Proof against a member, `nil` for whomever; and its kind, `nil` for whichever.
    case evidence(Int?, String?)
    /// The input was refused; `nil` for whatever reason.
    case refused(String?)
    /// A certified value is invalid.
    case alarm(String)
    /// The process stopped because it could not write.
    case stopped
    /// The answer to a question about weights.
    case answer(Bool)
    case state(ScenarioState)
}

/// What a scenario says of a machine at rest, or of what it sends beside its own words.
public enum ScenarioState: Hashable, Sendable {
    /// A value, and a round if that matters.
    public struct Point: Hashable, Sendable {
        public let value: String
        public let round: Round?

        func fits(_ round: Round) -> Bool { self.round == nil || self.round == round }
    }

    case locked(Point?)
    case valid(Point?)
    case decision(Point?)
    case round(Round)
    /// Armed timers, all of them.
    case timers([TimeoutKind])
    /// Number of pieces of evidence so far.
    case evidence(Int)
    /// A certificate that the machine has for others, with its number of signers if that matters.
    case holds(CertificateKind, Point, signers: Int?)
    /// The step sent such a certificate.
    case sends(CertificateKind, Point)
    /// The step sent what justifies a round.
    case justifies(Round)
}
