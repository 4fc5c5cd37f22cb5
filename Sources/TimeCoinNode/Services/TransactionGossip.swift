import TimeCoinCore
import TimeCoinNet

/// Which transactions are on their way: to be passed on, and being verified. A value: it decides, and sends
/// nothing.
///
/// A peer is sent nothing that it has sent or was sent before, and a transaction that several peers send at
/// once is verified once.
struct TransactionGossip: Sendable {
    /// Names remembered of a peer, in each of two generations.
    static let namesPerPeerMax = 5_000
    /// Transactions in one message.
    static let batchMax = 250
    /// Bytes of transactions in one message, unless a single one is larger.
    static let batchBytesMax = 500_000
    /// Transactions that wait to be passed on; the oldest are then left to others.
    static let waitingMax = 20_000

    private var known: [PeerKey: SeenFilter] = [:]
    private var waiting: [(name: Hash256, bytes: [UInt8])] = []
    /// Bounded by the message that each peer may have in the works.
    private var verifying: Set<Hash256> = []

    /// Notes what a peer has sent.
    ///
    /// - Returns: those that nobody verifies already. Each must be given to ``finished(_:)``.
    mutating func received(_ transactions: [CheckedTransaction], from peer: PeerKey) -> [CheckedTransaction] {
        for checked in transactions {
            _ = known[peer, default: SeenFilter(generationMax: TransactionGossip.namesPerPeerMax)]
                .insert(checked.wtxid)
        }
        return transactions.filter { verifying.insert($0.wtxid).inserted }
    }

    mutating func finished(_ transactions: [CheckedTransaction]) {
        for checked in transactions { verifying.remove(checked.wtxid) }
    }

    /// Takes what shall be passed on.
    mutating func add(_ transactions: [CheckedTransaction]) {
        for checked in transactions { waiting.append((checked.wtxid, checked.transaction.encoded)) }
        if waiting.count > TransactionGossip.waitingMax {
            waiting.removeFirst(waiting.count - TransactionGossip.waitingMax)
        }
    }

    /// Messages to the peers connected now; whoever has gone is forgotten.
    mutating func flush(to peers: [PeerKey]) -> [(peer: PeerKey, batch: [[UInt8]])] {
        if known.count > peers.count {
            let connected = Set(peers)
            known = known.filter { connected.contains($0.key) }
        }
        guard !waiting.isEmpty else { return [] }
        var messages: [(peer: PeerKey, batch: [[UInt8]])] = []
        for peer in peers {
            var batch: [[UInt8]] = []
            var bytesLeft = TransactionGossip.batchBytesMax
            for (name, bytes) in waiting {
                guard
                    known[peer, default: SeenFilter(generationMax: TransactionGossip.namesPerPeerMax)]
                        .insert(name)
                else { continue }
                if batch.count >= TransactionGossip.batchMax || (bytes.count > bytesLeft && !batch.isEmpty) {
                    messages.append((peer, batch))
                    batch = []
                    bytesLeft = TransactionGossip.batchBytesMax
                }
                batch.append(bytes)
                bytesLeft -= bytes.count
            }
            if !batch.isEmpty { messages.append((peer, batch)) }
        }
        waiting = []
        return messages
    }
}
