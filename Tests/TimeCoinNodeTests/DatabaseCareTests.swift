import Foundation
import Logging
import Synchronization
import Testing
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinTesting

@testable import TimeCoinNode
@testable import TimeCoinStore

@Suite("The database of a running node is looked after")
struct DatabaseCareTests {
    private final class Requests: PeerSending {
        let sent = Mutex<[(message: WireMessage, peer: PeerKey)]>([])

        func send(_ message: WireMessage, to peer: PeerKey) -> Bool {
            sent.withLock { $0.append((message, peer)) }
            return true
        }

        func broadcast(_ message: WireMessage, except: PeerKey?) {
            Issue.record("nothing is broadcast")
        }

        func take() throws -> (id: UInt64, height: Height, peer: PeerKey) {
            let (message, peer) = try #require(sent.withLock { $0.popLast() })
            guard case .blockRequest(let id, let height, 1) = message else {
                throw StoreFailure(.missing, "not a request for one block")
            }
            return (id, height, peer)
        }
    }

    private struct Home {
        let chain: StoredChain
        let store: ChainStore
        let requests = Requests()
        let events = EventLog()
        let care: DatabaseCare

        init(blocks: Int = 14) throws {
            chain = try StoredChain(blocks: blocks)
            store = try chain.store()
            care = DatabaseCare(
                store: store,
                directory: NodeDirectory(dataDirectory: chain.directory, network: .local),
                genesis: chain.genesisState, events: events,
                peers: requests, recoveries: [], logger: Logger(label: "care"))
        }

        func flip(_ table: String, _ key: RecordKey) throws -> StoreFailure {
            try store.damage(table) { transaction, table throws(StoreFailure) in
                _ = try transaction.flip(table, key)
            }
            return .corrupt(table, key.bytes, "flipped")
        }

        func answer(_ height: Height, certificateOf other: Height? = nil) -> [UInt8] {
            EncodedCertifiedBlock(
                block: chain.commits[Int(height)].block,
                certificate: chain.commits[Int(other ?? height)].certificate
            ).encoded
        }
    }

    private let peers: [PeerKey]

    init() throws {
        peers = try [1, 2].map { try #require(SigningKey(seed: [UInt8](repeating: $0, count: 32))).publicKey }
            .sorted()
    }

    @Test("S9: a damaged block is asked of one peer after the other, and only the right one is taken")
    func block() throws {
        let home = try Home()
        let failure = try home.flip("blocks", RecordKey(3))
        #expect(!home.care.mend(failure))
        // Votes do not read it.
        #expect(home.care.isFitToVote)
        var now = Instant(milliseconds: 1000)
        home.care.pulse(peers: { [] }, at: now)
        #expect(home.requests.sent.withLock { $0.isEmpty })
        home.care.pulse(peers: { peers }, at: now)
        let first = try home.requests.take()
        #expect(first.height == 3 && first.peer == peers[0] && first.id >= WantedBlocks.firstID)
        // One request at a time, until patience ends.
        home.care.pulse(peers: { peers }, at: now)
        #expect(home.requests.sent.withLock { $0.isEmpty })
        now = now.advanced(byMilliseconds: WantedBlocks.patience)
        home.care.pulse(peers: { peers }, at: now)
        let second = try home.requests.take()
        #expect(second.height == 3 && second.peer == peers[1])
        // What nobody waits for any more is not looked at.
        #expect(!home.care.expects(first.id, from: first.peer))
        home.care.take([home.answer(3)], id: first.id, from: first.peer)
        #expect(home.care.report.repaired == 0)
        for wrong in [
            [], [home.answer(3), home.answer(4)], [home.answer(4)], [home.answer(3, certificateOf: 4)], [[1]],
        ] {
            home.care.pulse(peers: { peers }, at: now)
            now = now.advanced(byMilliseconds: WantedBlocks.patience)
            home.care.pulse(peers: { peers }, at: now)
            let request = try home.requests.take()
            home.care.take(wrong, id: request.id, from: request.peer)
            #expect(home.care.report.repaired == 0)
        }
        now = now.advanced(byMilliseconds: WantedBlocks.patience)
        home.care.pulse(peers: { peers }, at: now)
        let last = try home.requests.take()
        home.care.take([home.answer(3)], id: last.id, from: last.peer)
        #expect(home.care.report.repaired == 1)
        #expect(home.care.report.wanted == 0)
        #expect(try home.store.verification().damages == [])
        home.care.pulse(peers: { peers }, at: now.advanced(byMilliseconds: 60_000))
        #expect(home.requests.sent.withLock { $0.isEmpty })
    }

    @Test("a certificate with a signature missing is not taken")
    func unsigned() throws {
        let home = try Home()
        #expect(!home.care.mend(try home.flip("certificates", RecordKey(3))))
        home.care.pulse(peers: { peers }, at: Instant(milliseconds: 1000))
        let request = try home.requests.take()
        let commit = home.chain.commits[3]
        let few = try home.chain.world.certificate(of: commit.hash, at: 3, signers: [0, 1])
        home.care.take(
            [EncodedCertifiedBlock(block: commit.block, certificate: few.encoded).encoded], id: request.id,
            from: request.peer)
        #expect(home.care.report.repaired == 0)
        #expect(home.care.report.wanted == 1)
    }

    @Test("what the vote reads and other records know is repaired at once, and told")
    func repaired() throws {
        let home = try Home()
        #expect(home.care.mend(try home.flip("leaves", RecordKey(0))))
        #expect(home.care.isFitToVote)
        #expect(home.care.report.found == 1 && home.care.report.repaired == 1)
        let told = home.events.events(from: 0, max: 10).events.contains { event in
            if case .damaged(let record) = event.content { record.table == "leaves" } else { false }
        }
        #expect(told)
        #expect(try home.store.verification().damages == [])
    }

    @Test("an output whose block is damaged, too: nothing is signed until the block came again")
    func waiting() throws {
        let home = try Home()
        let position = try #require(home.chain.commits[4].created.first?.entry.position)
        _ = try home.flip("blocks", RecordKey(4))
        let failure = try home.flip("outputs", RecordKey(position))
        #expect(!home.care.mend(failure))
        #expect(!home.care.isFitToVote)
        home.care.pulse(peers: { peers }, at: Instant(milliseconds: 1000))
        let request = try home.requests.take()
        #expect(request.height == 4)
        home.care.take([home.answer(4)], id: request.id, from: request.peer)
        #expect(home.care.isFitToVote)
        #expect(try home.store.verification().damages == [])
    }

    @Test("what cannot be repaired and the vote reads ends the node, with the command to run")
    func impossible() async throws {
        let home = try Home()
        #expect(!home.care.mend(try home.flip("state", ChainTables.stateKey)))
        #expect(!home.care.isFitToVote)
        for await failure in home.events.failures {
            #expect(failure as? StoreFailure == StoreFailure(.corrupt, ""))
            #expect(
                "\(failure)".contains("timecoin-node db reindex --datadir \(home.chain.directory) --network"))
            break
        }
    }

    @Test("where old blocks were pruned the command to run is not one that needs them")
    func impossibleWhenPruned() async throws {
        let home = try Home()
        _ = try home.store.prune(blocksBelow: 1)
        #expect(!home.care.mend(try home.flip("state", ChainTables.stateKey)))
        for await failure in home.events.failures {
            let place = "--datadir \(home.chain.directory) --network local --replace"
            #expect(!"\(failure)".contains("reindex"))
            #expect("\(failure)".contains("timecoin-node restore \(place)"))
            #expect("\(failure)".contains("timecoin-node snapshot load \(place)"))
            break
        }
    }

    @Test("S9: the set of genesis, which is in the genesis file, is repaired")
    func setOfGenesis() throws {
        let home = try Home()
        let set = home.chain.genesisState.validators.hash
        #expect(home.care.mend(try home.flip("validator-sets", RecordKey(set))))
        #expect(try home.store.verification().damages == [])
    }

    @Test("a block is judged again after what it reads was repaired")
    func judgedAgain() async throws {
        let home = try Home()
        let chunk = RecordKey(0)
        _ = try home.flip("chunks", chunk)
        let verifier = BlockVerifier(store: home.store, chain: home.chain.genesis, proofs: ProofCache())
        let payment = try home.chain.world.payment(40)
        let admission = try home.chain.world.admission(payment)
        let state = home.chain.world.state
        let block = try #require(
            try home.chain.world.build([admission], at: state.nextBlockTime(at: state.header.time)))
        var failure: (any Error)?
        do {
            _ = try await verifier.judge(block.block, on: state)
        } catch {
            failure = error
        }
        #expect(home.care.mend(try #require(failure)))
        #expect((try await verifier.judge(block.block, on: state)).isAccepted)
    }
}

extension Result where Success == ExecutedBlock {
    fileprivate var isAccepted: Bool { if case .success = self { true } else { false } }
}
