public import TimeCoinCore

/// Exactly one live session a pair of nodes: a value that both sides decide alike with.
public struct SessionTable: Sendable {
    /// Names a connection on this machine.
    public typealias ConnectionID = UInt64

    public enum Verdict: Hashable, Sendable {
        /// The new connection is the session.
        case adopt
        /// The new connection is the session; the old one is to be closed.
        case replace(ConnectionID)
        /// The new connection is to be closed.
        case refuse
        /// No more sessions are taken.
        case full
    }

    private struct Session: Sendable {
        let connection: ConnectionID
        let isDialled: Bool
    }

    private let own: PublicKey
    private let sessionsMax: Int
    private var sessions: [PublicKey: Session] = [:]

    /// - Parameter sessionsMax: sessions that others dialled; those that this node dials are bounded by its
    ///   addresses.
    public init(own: PublicKey, sessionsMax: Int) {
        self.own = own
        self.sessionsMax = sessionsMax
    }

    public var peers: Set<PublicKey> { Set(sessions.keys) }

    public func connection(of peer: PublicKey) -> ConnectionID? { sessions[peer]?.connection }

    /// Decides over a connection that has greeted. Of two that were dialled from both sides the one dialled
    /// by the
    /// smaller key stays; a second one from the same side means that this side gave the first one up.
    public mutating func greeted(_ peer: PublicKey, connection: ConnectionID, isDialled: Bool) -> Verdict {
        let session = Session(connection: connection, isDialled: isDialled)
        guard let old = sessions[peer] else {
            // Whom this node dials it wants: strangers cannot take its place.
            guard isDialled || sessions.values.count(where: { !$0.isDialled }) < sessionsMax else {
                return .full
            }
            sessions[peer] = session
            return .adopt
        }
        let isPreferred = isDialled == (own < peer)
        guard old.isDialled == isDialled || isPreferred else { return .refuse }
        sessions[peer] = session
        return .replace(old.connection)
    }

    /// Whether the closed connection was the session.
    public mutating func closed(_ peer: PublicKey, connection: ConnectionID) -> Bool {
        guard sessions[peer]?.connection == connection else { return false }
        sessions[peer] = nil
        return true
    }
}
