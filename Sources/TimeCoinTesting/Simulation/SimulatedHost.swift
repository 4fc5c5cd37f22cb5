import TimeCoinConsensus
import TimeCoinCore
import TimeCoinNode

/// What a host asked its machine to do aside, and what came of it.
enum SimulatedJob {
    /// A value without content was looked at.
    case verdict(Hash256, isValid: Bool)
    /// A value without content was made.
    case built(Hash256, height: Height, round: Round)
    /// A job of a whole node.
    case core(CoreJob)
}

/// A running node of whichever profile, as the world sees it. Ends with a crash; the next one begins from the
/// disk.
protocol SimulatedHost: AnyObject {
    /// Blocks that it has made final.
    var tip: Height { get }
    /// The round in which it is.
    var round: Round { get }
    /// Whether it will never sign again without an operator.
    var isMute: Bool { get }
    /// Set when a file failed: the process ends.
    var hasFault: Bool { get }
    var machine: ConsensusMachine { get }
    /// Votes, proposals and values held.
    var footprint: Int { get }
    /// When to call ``pulse()`` next, by its own monotonic clock.
    var nextDeadline: Instant? { get }

    func resume()
    func connected(_ peer: Int)
    func gone(_ peer: Int)
    func receive(_ message: WireMessage, from peer: Int)
    func pulse()
    func finish(_ job: SimulatedJob)
}
