package import TimeCoinConsensus
import TimeCoinCore

/// What is being waited for, with what the node around the machine knows of it. Times are in milliseconds.
package struct ConsensusReport: Hashable, Sendable {
    /// Whether this node's own votes can be expected.
    enum Signing: Hashable, Sendable {
        case votes
        /// This node is no member of the set.
        case observer
        /// It asks the others what they hold of its key: how many have answered, with what weight.
        case asking(answered: Int, weight: UInt64)
        /// The journal that would remember its locks was damaged.
        case journalDamaged(upTo: Height)
        /// Until an operator decides, for this reason.
        case stopped(String)
    }

    /// A timer that is armed, and when it fires.
    package struct Timer: Hashable, Sendable {
        package let timeout: Timeout
        package let left: UInt64
    }

    package let status: ConsensusStatus
    let own: PublicKey?
    let signing: Signing
    /// Whether this node's clock is off from the members': it then proposes nothing and votes for no fresh
    /// proposal.
    let isClockOff: Bool
    /// Whether the disk is nearly full: it then proposes nothing.
    let isDiskLow: Bool
    /// The fault of this machine after which the node does nothing more.
    let fault: String?
    /// The height that others have, when it is out of reach of the vote.
    let best: Height?
    let isBuilding: Bool
    /// The block of a proposal of this round that cannot be given to the machine before it has come.
    let unseenBlock: Hash256?
    package let timers: [Timer]
    let inRound: UInt64
    let inStep: UInt64
    let sinceBlock: UInt64
    /// Until round 0 begins by the clock; `nil` when it has begun.
    let untilStart: UInt64?

    var awaited: ConsensusStatus.Awaited {
        status.awaited == .proposal && unseenBlock != nil ? .block : status.awaited
    }

    /// Who is waited for: those whose votes are missing, or the proposer.
    var missing: [PublicKey] {
        if fault != nil || best != nil { return [] }
        return awaited == .proposal ? [status.proposer] : status.missing.map(\.key)
    }
}
