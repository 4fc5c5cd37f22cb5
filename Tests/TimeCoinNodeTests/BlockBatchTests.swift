import Synchronization
import Testing
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

@Suite("Blocks that are written together")
struct BlockBatchTests {
    /// Shows a second more each time that it is read.
    private func hastyClock(_ state: ChainState) -> NodeClock {
        let seconds = Counter()
        return NodeClock {
            Moment(instant: Instant(milliseconds: seconds.next() * 1000), clock: state.header.time)
        }
    }

    /// Shows the same time, however long it takes.
    private func stillClock(_ state: ChainState) -> NodeClock {
        NodeClock { Moment(instant: Instant(milliseconds: 0), clock: state.header.time) }
    }

    private final class Counter: Sendable {
        private let value = Mutex<UInt64>(0)
        func next() -> UInt64 {
            value.withLock {
                $0 += 1
                return $0
            }
        }
    }

    private func heights(_ batch: BlockBatch) -> [Height] { batch.judged.map(\.block.block.header.height) }

    @Test("S2: of many blocks one write takes its limit, in their order, and the store has them all then")
    func limit() async throws {
        let source = try DatabaseWorld(blocks: 20)
        defer { source.end() }
        let node = try source.world.atGenesis
        var batch = BlockBatch(try source.certified(), on: node.state)
        var inTurn = batch
        try await batch.judge(node.verifier, clock: stillClock(node.state))
        try inTurn.judgeInTurn(node.verifier)
        let expected = Array(1...Height(PendingChain.blocksMax))
        #expect(heights(batch) == expected && heights(inTurn) == expected)
        #expect(batch.next == nil)
        #expect(batch.commits.map(\.certificate) == Array(source.certificates.prefix(expected.count)))
        try node.store.commit(batch.commits)
        let state = try node.store.snapshot { try $0.state() }
        #expect(state == source.blocks[expected.count - 1].change.state.encoded)
    }

    @Test("what was judged is not held back when the rest takes long: after its time the next write begins")
    func time() async throws {
        let source = try DatabaseWorld(blocks: 5)
        defer { source.end() }
        let node = try source.world.atGenesis
        var batch = BlockBatch(try source.certified(), on: node.state)
        try await batch.judge(node.verifier, clock: hastyClock(node.state))
        #expect(heights(batch) == [1])
    }

    @Test("a bad block ends the batch: the good ones before it are kept, nothing behind it is judged")
    func badBlock() async throws {
        let source = try DatabaseWorld(blocks: 6)
        defer { source.end() }
        let node = try source.world.atGenesis
        var items = try source.certified()
        items[3] = try source.invalid(at: 4)
        for isInTurn in [false, true] {
            var batch = BlockBatch(items, on: node.state)
            if isInTurn {
                try batch.judgeInTurn(node.verifier)
            } else {
                try await batch.judge(node.verifier, clock: stillClock(node.state))
            }
            #expect(heights(batch) == [1, 2, 3])
            #expect(batch.commits.map(\.height) == [1, 2, 3])
            #expect(batch.next == nil)
        }
        var first = BlockBatch([try source.invalid(at: 1)] + items.dropFirst(), on: node.state)
        try first.judgeInTurn(node.verifier)
        #expect(first.judged.isEmpty && first.commits.isEmpty && first.next == nil)
    }
}

extension DatabaseWorld {
    /// The blocks as a peer sends them, verified.
    func certified() throws -> [CertifiedBlock] {
        try zip(blocks, certificates).map { try certified($0.block, certificate: $1) }
    }

    private func certified(_ block: CheckedBlock, certificate: [UInt8]) throws -> CertifiedBlock {
        try CertifiedBlock(
            block, certificate: try Certificate(decoding: certificate),
            validators: world.state.validators, chain: world.chain.genesis.hash)
    }

    /// A block whose header names another state than it leads to, and that was certified all the same.
    func invalid(at height: Height) throws -> CertifiedBlock {
        let block = blocks[Int(height) - 1].block
        let lie = try world.unchecked(
            block.transactions, like: block.header, stateRoot: block.header.previous)
        let certificate = try world.certificate(of: lie.hash, at: height, signers: [0, 1, 2])
        return try certified(lie, certificate: certificate.encoded)
    }
}
