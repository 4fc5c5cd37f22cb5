import TimeCoinConsensus
import TimeCoinCore
import TimeCoinNode

/// A message on its way to whoever: one for all receivers, so that an event is small.
final class Parcel {
    let message: WireMessage
    /// Who lets it go.
    let from: Int
    /// Whether the checkers have seen it leave.
    var isObserved = false

    init(_ message: WireMessage, from: Int) {
        self.message = message
        self.from = from
    }

    /// What it says in the name of its sender.
    func ownMessage(of key: PublicKey) -> (message: OwnMessage, signature: Signature)? {
        switch message {
        case .vote(let signed) where signed.member == key: (.vote(signed.vote), signed.signature)
        case .proposal(let signed, _) where signed.proposer == key:
            (.proposal(signed.proposal), signed.signature)
        default: nil
        }
    }
}
