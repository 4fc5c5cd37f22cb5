import DequeModule
import TimeCoinCore
import TimeCoinNet

/// Which transactions are on their way: still to be passed on to each peer, and being verified. A value: it
/// decides, and sends nothing.
///
/// A peer that connects is told everything that waits; what it has sent or was sent is not sent again; and a
/// transaction that several peers send at once is verified once. Transactions are known by their witness
/// identifier.
struct TransactionGossip: Sendable {
    /// Names remembered of a peer, in each of two generations.
    static let namesPerPeerMax = 5_000
    /// Names that wait for one peer; the oldest beyond are left to the next offer.
    static let pendingPerPeerMax = 5_000
    /// A peer whose queue has refused a message is left alone for so long, milliseconds: making messages for
    /// those who do not read would cost more than reading costs them.
    static let refusalPatience: UInt64 = 1000
    /// What waits longer may have been dropped by a full queue, and is offered again, milliseconds.
    static let offerInterval: UInt64 = 5000
    /// Names offered again at once.
    static let offerMax = 1000

    private struct Peer {
        var known = SeenFilter(generationMax: TransactionGossip.namesPerPeerMax)
        var pending = Deque<Hash256>()
        var notBefore = Instant(milliseconds: 0)
    }

    /// A message to be sent; taken off the queue by ``sent(_:)``.
    struct Batch {
        let peer: PeerKey
        let transactions: [[UInt8]]
        /// Names at the head of the peer's queue that this batch deals with.
        fileprivate let count: Int
    }

    private var peers: [PeerKey: Peer] = [:]
    /// Bounded by the message that each peer may have in the works.
    private var verifying: Set<Hash256> = []

    /// Begins to serve a peer, which shall hear of everything that waits.
    mutating func connected(_ peer: PeerKey, waiting names: [Hash256]) {
        var fresh = Peer()
        fresh.pending = Deque(names.suffix(TransactionGossip.pendingPerPeerMax))
        peers[peer] = fresh
    }

    mutating func gone(_ peer: PeerKey) {
        peers[peer] = nil
    }

    /// Notes what a peer has sent.
    ///
    /// - Returns: those that nobody verifies already. Each must be given to ``finished(_:)``.
    mutating func received(_ transactions: [CheckedTransaction], from peer: PeerKey) -> [CheckedTransaction] {
        for checked in transactions {
            _ = peers[peer]?.known.insert(checked.wtxid)
        }
        return transactions.filter { verifying.insert($0.wtxid).inserted }
    }

    mutating func finished(_ transactions: [CheckedTransaction]) {
        for checked in transactions { verifying.remove(checked.wtxid) }
    }

    /// Queues what shall be passed on to everybody who has not got it.
    mutating func add(_ transactions: [CheckedTransaction]) {
        for peer in peers.keys {
            for checked in transactions { enqueue(checked.wtxid, for: peer) }
        }
    }

    /// Queues names again, whatever was sent before.
    mutating func offer(_ names: [Hash256]) {
        for peer in peers.keys where peers[peer]?.pending.isEmpty == true {
            peers[peer]?.pending = Deque(names.prefix(TransactionGossip.offerMax))
        }
    }

    private mutating func enqueue(_ name: Hash256, for peer: PeerKey) {
        guard peers[peer]?.known.contains(name) == false else { return }
        peers[peer]?.pending.append(name)
        if let pending = peers[peer]?.pending, pending.count > TransactionGossip.pendingPerPeerMax {
            peers[peer]?.pending.removeFirst()
        }
    }

    /// Peers for whom something waits, and who take it.
    func waitingPeers(at now: Instant) -> [PeerKey] {
        peers.filter { !$0.value.pending.isEmpty && $0.value.notBefore <= now }.keys.sorted()
    }

    /// The peer's queue has not taken a message; it waits.
    mutating func refused(_ peer: PeerKey, at now: Instant) {
        peers[peer]?.notBefore = now.advanced(byMilliseconds: TransactionGossip.refusalPatience)
    }

    /// The next message to a peer; `nil` when nothing waits for it. What is in the mempool no longer is left
    /// out.
    mutating func next(for peer: PeerKey, from mempool: Mempool) -> Batch? {
        guard let pending = peers[peer]?.pending, !pending.isEmpty else { return nil }
        var transactions: [[UInt8]] = []
        var bytesLeft = WireMessage.transactionsBytesMax
        var count = 0
        for name in pending {
            if let checked = mempool.entry(wtxid: name)?.checked {
                if transactions.count >= WireMessage.transactionsMax || checked.size > bytesLeft { break }
                transactions.append(checked.transaction.encoded)
                bytesLeft -= checked.size
            }
            count += 1
        }
        let batch = Batch(peer: peer, transactions: transactions, count: count)
        guard transactions.isEmpty else { return batch }
        sent(batch)
        return nil
    }

    /// The message has left.
    mutating func sent(_ batch: Batch) {
        for _ in 0..<batch.count {
            guard let name = peers[batch.peer]?.pending.popFirst() else { return }
            _ = peers[batch.peer]?.known.insert(name)
        }
    }
}
