import Testing
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

@Suite("Gossip of transactions")
struct TransactionGossipTests {
    private let now = Instant(milliseconds: 1)

    /// Waiting transactions, and a mempool that has them.
    private func waiting(_ count: Int) throws -> (Mempool, [CheckedTransaction]) {
        let world = try World(allocations: count)
        var mempool = Mempool()
        let transactions = try (0..<count).map { try world.payment($0) }
        for checked in transactions {
            let admission = try world.admission(checked)
            _ = try mempool.admit(admission.verified, proof: admission.proof, at: now)
        }
        return (mempool, transactions)
    }

    private func peers(_ count: UInt8) throws -> [PeerKey] {
        try (1...count).map { try #require(TestChain.key($0)).publicKey }.sorted()
    }

    /// Sends everything that waits; transactions a message, by peer.
    private func flush(_ gossip: inout TransactionGossip, _ mempool: Mempool) -> [PeerKey: [Int]] {
        var sent: [PeerKey: [Int]] = [:]
        for peer in gossip.waitingPeers(at: now) {
            while let batch = gossip.next(for: peer, from: mempool) {
                sent[peer, default: []].append(batch.transactions.count)
                gossip.sent(batch)
            }
        }
        return sent
    }

    @Test("what a peer has sent or was sent is never sent to it again")
    func onceToEach() throws {
        let (mempool, transactions) = try waiting(3)
        let peers = try peers(3)
        var gossip = TransactionGossip()
        for peer in peers { gossip.connected(peer, waiting: []) }
        _ = gossip.received([transactions[0]], from: peers[0])
        gossip.add(transactions)
        let first = flush(&gossip, mempool)
        #expect(first == [peers[0]: [2], peers[1]: [3], peers[2]: [3]])
        gossip.add(transactions)
        let second = flush(&gossip, mempool)
        #expect(second.isEmpty)
    }

    @Test("what waited before a peer came is told to it")
    func tellsNewcomers() throws {
        let (mempool, transactions) = try waiting(2)
        let peers = try peers(2)
        var gossip = TransactionGossip()
        gossip.add(transactions)
        gossip.connected(peers[0], waiting: mempool.names())
        let first = flush(&gossip, mempool)
        #expect(first == [peers[0]: [2]])
        // Gone and back: it may have lost everything.
        gossip.gone(peers[0])
        gossip.connected(peers[0], waiting: mempool.names())
        let again = flush(&gossip, mempool)
        #expect(again == [peers[0]: [2]])
    }

    @Test("what could not be sent waits, and what was lost on the way is offered again")
    func nothingLost() throws {
        let (mempool, transactions) = try waiting(2)
        let peers = try peers(1)
        var gossip = TransactionGossip()
        gossip.connected(peers[0], waiting: [])
        gossip.add(transactions)
        let unsent = gossip.next(for: peers[0], from: mempool)?.transactions.count
        let sent = flush(&gossip, mempool)
        #expect(unsent == 2 && sent == [peers[0]: [2]])
        gossip.offer(mempool.names(arrivedBefore: Instant(milliseconds: 2)))
        let offered = flush(&gossip, mempool)
        #expect(offered == [peers[0]: [2]])
        gossip.offer(mempool.names(arrivedBefore: now))
        let tooYoung = flush(&gossip, mempool)
        #expect(tooYoung.isEmpty)
    }

    @Test("several peers send one transaction at once: it is verified once, and again only after that")
    func verifiedOnce() throws {
        let (_, transactions) = try waiting(2)
        let peers = try peers(2)
        var gossip = TransactionGossip()
        let first = gossip.received(transactions, from: peers[0])
        let second = gossip.received(transactions, from: peers[1])
        gossip.finished(transactions)
        let third = gossip.received([transactions[1]], from: peers[1])
        #expect([first.count, second.count, third.count] == [2, 0, 1])
    }

    @Test("messages keep their limits, and what waits no longer is left out")
    func limits() throws {
        let (mempool, transactions) = try waiting(WireMessage.transactionsMax + 1)
        let peers = try peers(1)
        var gossip = TransactionGossip()
        gossip.connected(peers[0], waiting: [])
        gossip.add(transactions)
        let sent = flush(&gossip, mempool)
        #expect(sent == [peers[0]: [WireMessage.transactionsMax, 1]])
        gossip.offer(mempool.names())
        let settled = flush(&gossip, Mempool())
        #expect(settled.isEmpty && gossip.waitingPeers(at: now).isEmpty)
    }

    @Test("a peer that does not read is left alone for a while, and loses nothing")
    func slowReader() throws {
        let (mempool, transactions) = try waiting(2)
        let peers = try peers(2)
        var gossip = TransactionGossip()
        for peer in peers { gossip.connected(peer, waiting: []) }
        gossip.add(transactions)
        gossip.refused(peers[0], at: now)
        #expect(gossip.waitingPeers(at: now) == [peers[1]])
        let later = now.advanced(byMilliseconds: TransactionGossip.refusalPatience)
        #expect(gossip.waitingPeers(at: later) == peers)
        #expect(gossip.next(for: peers[0], from: mempool)?.transactions.count == 2)
    }
}
