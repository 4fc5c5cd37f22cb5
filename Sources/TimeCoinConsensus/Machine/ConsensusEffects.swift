public import TimeCoinCore

/// Something that this member has to say, still unsigned.
public enum OwnMessage: Hashable, Sendable {
    case proposal(Proposal)
    case vote(Vote)

    public var height: Height {
        switch self {
        case .proposal(let proposal): proposal.height
        case .vote(let vote): vote.height
        }
    }

    public var round: Round {
        switch self {
        case .proposal(let proposal): proposal.round
        case .vote(let vote): vote.round
        }
    }

    /// The bytes to sign.
    public func signedBytes(chain: Hash256) -> [UInt8] {
        switch self {
        case .proposal(let proposal): proposal.signedBytes(chain: chain)
        case .vote(let vote): vote.signedBytes(chain: chain)
        }
    }
}

/// What the machine wants to know from its host.
public enum ConsensusRequest: Hashable, Sendable {
    /// A value to propose in this round, answered by `built`.
    case build(round: Round)
    /// Whether a value is valid, answered by `verdict`; the host fetches the content if it does not have it.
    case judge(Hash256)
}

/// A value is final.
public struct Decision: Hashable, Sendable {
    public let value: Hash256
    public let round: Round
    public let certificate: VerifiedCertificate
}

/// What follows from an input, in the order of execution: the host makes `records` durable before it signs.
public struct ConsensusEffects: Hashable, Sendable {
    /// 1. Append to the journal; durable before anything below leaves this machine.
    public var records: [JournalRecord] = []
    /// 2. Sign, record the signature, send; it then comes back as an input.
    public var toSign: [OwnMessage] = []
    /// 2. Send as they are: certificates that justify what this member does.
    public var toSend: [Certificate] = []
    /// 2. Why this member is in its round, for those who are behind.
    public var toJustify: RoundCertificate?
    /// 3. The timers that shall now be armed: a level, replacing the one before.
    public var timers: [Timeout] = []
    /// 4. What to build or judge: a level; what was asked before is still wanted.
    public var requests: [ConsensusRequest] = []
    /// 5.
    public var decision: Decision?
    /// A value with a commit certificate that this node finds invalid: stop signing and alarm.
    public var certifiedInvalid: Hash256?
    /// 6.
    public var misbehaviour: [Misbehaviour] = []
    /// Set when the input was refused; the machine is then as it was.
    public var refusal: ConsensusRefusal?

    public init() {}
}
