/// Sends to peers; the network, or a simulation of it.
package protocol PeerSending: Sendable {
    /// Whether the message is on its way; a peer that reads slowly is sent no more transactions.
    @discardableResult
    func send(_ message: WireMessage, to peer: PeerKey) -> Bool
    func broadcast(_ message: WireMessage, except: PeerKey?)
}
