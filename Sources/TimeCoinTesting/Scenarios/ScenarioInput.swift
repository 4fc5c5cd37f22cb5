public import TimeCoinConsensus
public import TimeCoinCore

/// A message of a member as a scenario writes it.
public struct ScenarioMessage: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case proposal
        case prevote
        case precommit
    }

    /// What the host finds of a proposed value.
    public enum Content: Hashable, Sendable {
        case valid
        case invalid
        /// Not found out yet; `verdict` tells it later.
        case unknown
    }

    public let kind: Kind
    /// `nil` for the proposer of the round. Numbers beyond the weights are strangers.
    public var member: Int?
    /// `nil` for the round in which the receiver is.
    public var round: Round?
    /// The name of a value; `nil` votes for none.
    public var value: String?
    public var validRound: Round?
    /// `nil` for the height of the scenario.
    public var height: Height?
    public var content: Content = .valid
    public var isTimely = true
    /// Whose key signs; `nil` for the member's own.
    public var signer: Int?
    public var hasBrokenSignature = false
    /// Another message of the same member, whose signature this one carries: one element or none.
    public var signedInstead: [ScenarioMessage] = []

    init(kind: Kind) { self.kind = kind }
}

/// A commit certificate, polka or round certificate as a scenario writes it.
public struct ScenarioCertificate: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case polka
        case commit
        case round
    }

    public let kind: Kind
    /// `nil` for the round in which the receiver is.
    public var round: Round?
    /// Empty for a round certificate.
    public var value = ""
    public var height: Height?
    /// The votes that it packs; empty for enough members, the receiver last.
    public var votes: [ScenarioMessage] = []
    /// Members of the set for which it is packed; empty for the set of the scenario.
    public var packedFor: [Int] = []

    init(kind: Kind) { self.kind = kind }

    /// Nil precommits of enough members that end the round before.
    init(entering round: Round) {
        kind = .round
        self.round = round
    }
}

/// A question about weights, which no machine is needed to answer.
public enum ScenarioQuestion: Hashable, Sendable {
    /// Whether a weight is more than two thirds of a total.
    case quorum(UInt64, of: UInt64)
    /// Whether a weight is more than a third of a total.
    case third(UInt64, of: UInt64)
    /// Whether members of these weights make a validator set.
    case set([UInt64])
}

/// One thing that happens to a machine.
public enum ScenarioInput: Hashable, Sendable {
    /// Round 0 starts, or the machine is in this round already, or it is led there.
    case enter(round: Round, proposer: Int?)
    /// A proposal or vote arrives.
    case message(ScenarioMessage)
    case elapsed(TimeoutKind, Round?)
    case certificate(ScenarioCertificate)
    /// The answer to `askValue`.
    case value(String, Round?)
    /// The host has found out about a value.
    case verdict(String, isValid: Bool)
    /// What the machine said comes back: all of it, or the first message of a kind.
    case own(ScenarioMessage.Kind?)
    /// Everything that another machine has said so far arrives.
    case hear(Int)
    /// Everything that another machine holds and this one lacks arrives.
    case pull(Int)
    /// The process ends and starts again with its journal and its record of signatures.
    case crash
    /// The n-th write from now on, counted from 1, fails; the process then stops.
    case failingWrite(Int)
    case question(ScenarioQuestion)
}
