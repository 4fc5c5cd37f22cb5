import Synchronization
import TimeCoinCore
import TimeCoinNet

/// The way from the core to the network, which is made after it.
final class PeerLink: PeerSending {
    private let network = Mutex<PeerNetwork?>(nil)

    func connect(_ network: PeerNetwork) {
        self.network.withLock { $0 = network }
    }

    var peers: [PeerInfo] { network.withLock { $0 }?.peers ?? [] }
    var localAddress: PeerAddress? { network.withLock { $0 }?.localAddress }

    @discardableResult
    func send(_ message: WireMessage, to peer: PeerKey) -> Bool {
        network.withLock { $0 }?.send(type: message.type.rawValue, payload: message.payload, to: peer)
            ?? false
    }

    func broadcast(_ message: WireMessage, except: PeerKey?) {
        network.withLock { $0 }?.broadcast(
            type: message.type.rawValue, payload: message.payload, except: except)
    }

    func disconnect(_ peer: PeerKey, reason: String) {
        network.withLock { $0 }?.disconnect(peer, reason: reason)
    }
}

extension WireType {
    /// Class and limit of every message, for the transport.
    static var frameLimits: FrameLimits {
        FrameLimits(
            Dictionary(
                uniqueKeysWithValues: allCases.map {
                    ($0.rawValue, FrameLimits.Limit($0.messageClass, payloadMax: $0.payloadBytesMax))
                }))
    }

    private var messageClass: MessageClass {
        switch self {
        case .proposal, .vote, .certificate, .roundCertificate, .valueRequest, .value: .consensus
        case .status, .positionQuery, .positionAnswer, .clockQuery, .clockAnswer: .control
        case .blockRequest, .blocks: .sync
        case .transactions: .transactions
        }
    }
}
