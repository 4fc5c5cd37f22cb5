import Testing
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

@Suite("Gossip of transactions")
struct TransactionGossipTests {
    private func transactions(_ count: Int) throws -> [CheckedTransaction] {
        let world = try World(allocations: count)
        return try (0..<count).map { try world.payment($0) }
    }

    private func peers(_ count: UInt8) throws -> [PeerKey] {
        try (1...count).map { try #require(TestChain.key($0)).publicKey }
    }

    @Test("what a peer has sent or was sent is never sent to it again")
    func onceToEach() throws {
        let transactions = try transactions(3)
        let peers = try peers(3)
        var gossip = TransactionGossip()
        _ = gossip.received([transactions[0]], from: peers[0])
        gossip.add(transactions)
        let first = gossip.flush(to: peers)
        #expect(first.map(\.peer) == peers)
        #expect(first.map(\.batch.count) == [2, 3, 3])
        gossip.add(transactions)
        #expect(gossip.flush(to: peers).isEmpty)
    }

    @Test("several peers send one transaction at once: it is verified once, and again only after that")
    func verifiedOnce() throws {
        let transactions = try transactions(2)
        let peers = try peers(2)
        var gossip = TransactionGossip()
        #expect(gossip.received(transactions, from: peers[0]).map(\.txid) == transactions.map(\.txid))
        #expect(gossip.received(transactions, from: peers[1]).isEmpty)
        gossip.finished(transactions)
        #expect(gossip.received([transactions[1]], from: peers[1]).count == 1)
    }

    @Test("messages keep their limits, and the oldest of too many are left to others")
    func limits() throws {
        let one = try transactions(1)
        let peers = try peers(1)
        var gossip = TransactionGossip()
        // The same name thousands of times: only the first is sent, and the queue stays bounded.
        for _ in 0...TransactionGossip.waitingMax { gossip.add(one) }
        #expect(gossip.flush(to: peers).flatMap(\.batch).count == 1)
        let many = try transactions(TransactionGossip.batchMax + 1)
        gossip.add(many)
        #expect(
            gossip.flush(to: try self.peers(2).suffix(1)).map(\.batch.count) == [
                TransactionGossip.batchMax, 1,
            ])
    }

    @Test("who has gone is forgotten, and gets everything when it comes again")
    func forgotten() throws {
        let transactions = try transactions(1)
        let peers = try peers(2)
        var gossip = TransactionGossip()
        gossip.add(transactions)
        #expect(gossip.flush(to: peers).count == 2)
        _ = gossip.flush(to: [peers[0]])
        gossip.add(transactions)
        #expect(gossip.flush(to: peers).map(\.peer) == [peers[1]])
    }
}
