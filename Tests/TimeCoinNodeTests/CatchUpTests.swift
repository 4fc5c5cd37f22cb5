import Testing
import TimeCoinCore

@testable import TimeCoinNode

@Suite("Catching up")
struct CatchUpTests {
    private let now = Instant(milliseconds: 10_000)

    /// Certified blocks of heights 1 to 3.
    private func chain() throws -> [CertifiedBlock] {
        var world = try World()
        return try (1...3 as ClosedRange<Height>).map { height in
            let block = try #require(try world.build([], at: world.state.dueTime(of: height)))
            let certified = try CertifiedBlock(
                block.block,
                certificate: try world.certificate(of: block.block.hash, at: height, signers: [0, 1, 2]),
                validators: world.state.validators, chain: world.state.chain)
            try world.commit(block)
            return certified
        }
    }

    private func peers(_ count: UInt8) throws -> [PeerKey] {
        try (1...count).map {
            try #require(SigningKey(seed: [UInt8](repeating: $0, count: 32))).publicKey
        }
    }

    private func asked(_ catchUp: inout CatchUp, above tip: Height = 0) throws -> CatchUp.Request {
        let request = catchUp.request(above: tip, at: now, patience: 1000)
        return try #require(request)
    }

    @Test("blocks from the asked start on come out in their order, also when fewer come than were asked")
    func prefix() throws {
        let blocks = try chain()
        let peer = try peers(1)[0]
        var catchUp = CatchUp()
        catchUp.heard(peer, tip: 3)
        let request = try asked(&catchUp)
        #expect(request.start == 1 && request.count == 3 && request.peer == peer)
        catchUp.take(Array(blocks.prefix(2)), id: request.id, from: peer, above: 0)
        for height in 1...2 as ClosedRange<Height> {
            let next = catchUp.next(after: height - 1)
            #expect(next?.block.hash == blocks[Int(height) - 1].block.hash)
        }
        let none = catchUp.next(after: 2)
        #expect(none == nil)
        let start = try asked(&catchUp, above: 2).start
        #expect(start == 3)
    }

    @Test("an answer with a gap, of another start, too long or empty is dropped, and the claim with it")
    func badAnswers() throws {
        let blocks = try chain()
        let peer = try peers(1)[0]
        let answers = [
            (tip: Height(3), items: [blocks[1], blocks[2]], kept: 0),
            (tip: 3, items: [blocks[0], blocks[2]], kept: 1), (tip: 2, items: blocks, kept: 0),
            (tip: 3, items: [], kept: 0), (tip: 3, items: [blocks[0], blocks[0]], kept: 1),
        ]
        for (place, answer) in answers.enumerated() {
            var catchUp = CatchUp()
            catchUp.heard(peer, tip: answer.tip)
            let request = try asked(&catchUp)
            catchUp.take(answer.items, id: request.id, from: peer, above: 0)
            #expect(catchUp.best == 0, "answer \(place): the claim is gone")
            let heights = (0..<3).map { catchUp.next(after: $0)?.block.header.height }
            #expect(heights.compactMap { $0 }.count == answer.kept, "answer \(place)")
            #expect(heights[0] == (answer.kept > 0 ? 1 : nil), "answer \(place)")
        }
    }

    @Test("an answer of another number, or of a peer that was not asked, changes nothing")
    func unasked() throws {
        let blocks = try chain()
        let peers = try peers(2)
        var catchUp = CatchUp()
        catchUp.heard(peers[0], tip: 3)
        let request = try asked(&catchUp)
        catchUp.take(blocks, id: request.id + 1, from: peers[0], above: 0)
        catchUp.take(blocks, id: request.id, from: peers[1], above: 0)
        let none = catchUp.next(after: 0)
        #expect(none == nil && catchUp.expects(request.id, from: peers[0]))
        #expect(!catchUp.expects(request.id, from: peers[1]) && !catchUp.expects(9, from: peers[0]))
    }

    @Test("silence costs a peer its claim, and another is asked; nobody is asked twice at once")
    func silence() throws {
        let peers = try peers(2)
        var catchUp = CatchUp()
        for peer in peers { catchUp.heard(peer, tip: 500) }
        let first = try asked(&catchUp)
        #expect(first.count == CatchUp.window)
        let early = catchUp.request(above: 0, at: now.advanced(byMilliseconds: 999), patience: 1000)
        #expect(early == nil)
        let late = catchUp.request(above: 0, at: now.advanced(byMilliseconds: 1000), patience: 1000)
        let second = try #require(late)
        #expect(second.peer != first.peer && second.id != first.id)
        // Both were silent: nobody is left to ask.
        let last = catchUp.request(above: 0, at: now.advanced(byMilliseconds: 2000), patience: 1000)
        #expect(last == nil && !catchUp.isBusy)
    }

    @Test("K4: a single peer's claim does not move the tip that counts far")
    func claims() throws {
        let peers = try peers(4)
        var catchUp = CatchUp()
        for (peer, tip) in zip(peers, [7, 8, 9, 1_000_000] as [Height]) { catchUp.heard(peer, tip: tip) }
        #expect(catchUp.best == 9)
        catchUp.gone(peers[3])
        #expect(catchUp.best == 8)
    }
}
