import NIOCore
import Testing
import TimeCoinCore

@testable import TimeCoinNet

@Suite("Frames and greetings")
struct FrameTests {
    private let limits = FrameLimits([16: .init(.consensus, payloadMax: 1000)])

    @Test(
        "N3: a claim of 4 GiB, an unknown type, anything before the greeting: refused by the header alone"
    )
    func refusesByHeader() throws {
        let decoder = FrameDecoder(limits: limits, isGreeted: { true })
        var huge = ByteBuffer(bytes: [0xff, 0xff, 0xff, 0xff, 16])
        #expect(throws: FrameRefusal.tooLong(type: 16, claimed: .max, limit: 1000)) {
            try decoder.next(&huge)
        }
        var unknown = ByteBuffer(bytes: [1, 0, 0, 0, 99])
        #expect(throws: FrameRefusal.unknownType(99)) { try decoder.next(&unknown) }
        let strict = FrameDecoder(limits: limits, isGreeted: { false })
        var early = ByteBuffer(bytes: [1, 0, 0, 0, 16, 7])
        #expect(throws: FrameRefusal.unknownType(16)) { try strict.next(&early) }
    }

    @Test("N2: frames come out the same a byte at a time and all at once")
    func dripFeed() throws {
        let decoder = FrameDecoder(limits: limits, isGreeted: { true })
        var all = ByteBuffer()
        for length in [0, 1, 5, 999, 1000] {
            var frame = FrameDecoder.encode(type: 16, payload: [UInt8](repeating: 3, count: length))
            all.writeBuffer(&frame)
        }
        var dripped: [Int] = []
        var buffer = ByteBuffer()
        for byte in all.readableBytesView {
            buffer.writeInteger(byte)
            while let frame = try decoder.next(&buffer) { dripped.append(frame.payload.readableBytes) }
        }
        #expect(dripped == [0, 1, 5, 999, 1000])
        #expect(buffer.readableBytes == 0)
    }

    @Test("another protocol, network, genesis, and oneself are refused with the reason")
    func hello() throws {
        let own = Hello(network: "local", genesis: .zero, listenPort: 1, userAgent: "a")
        let key = try #require(SigningKey(seed: [UInt8](repeating: 1, count: 32))).publicKey
        let other = try #require(SigningKey(seed: [UInt8](repeating: 2, count: 32))).publicKey
        #expect(try own.accept(own.encoded, from: other, own: key) == own)
        let main = Hello(network: "main", genesis: .zero, listenPort: 1, userAgent: "a")
        #expect(throws: Hello.Refusal.otherNetwork("main")) {
            try own.accept(main.encoded, from: other, own: key)
        }
        let genesis = Blake2b.hash256(.block, [1])
        let fork = Hello(network: "local", genesis: genesis, listenPort: 1, userAgent: "a")
        #expect(throws: Hello.Refusal.otherGenesis(genesis)) {
            try own.accept(fork.encoded, from: other, own: key)
        }
        #expect(throws: Hello.Refusal.ownKey) { try own.accept(own.encoded, from: key, own: key) }
        for cut in own.encoded.indices {
            #expect(throws: Hello.Refusal.malformed) {
                try own.accept(Array(own.encoded.prefix(cut)), from: other, own: key)
            }
        }
    }
}

@Suite("Sessions")
struct SessionTests {
    @Test("N11: when both dial at once, in any order both keep the same one connection")
    func simultaneousDial() throws {
        let small = try #require(SigningKey(seed: [UInt8](repeating: 1, count: 32))).publicKey
        let large = try #require(SigningKey(seed: [UInt8](repeating: 2, count: 32))).publicKey
        let (one, two) = (min(small, large), max(small, large))
        for firstAtOne in [1, 2] as [UInt64] {
            for firstAtTwo in [1, 2] as [UInt64] {
                var atOne = SessionTable(own: one, sessionsMax: 10)
                var atTwo = SessionTable(own: two, sessionsMax: 10)
                // Connection 1 was dialled by the smaller key, connection 2 by the larger.
                for connection in [firstAtOne, 3 - firstAtOne] {
                    _ = atOne.greeted(two, connection: connection, isDialled: connection == 1)
                }
                for connection in [firstAtTwo, 3 - firstAtTwo] {
                    _ = atTwo.greeted(one, connection: connection, isDialled: connection == 2)
                }
                #expect(atOne.connection(of: two) == 1)
                #expect(atTwo.connection(of: one) == 1)
            }
        }
    }

    @Test("N15: counters return to zero, and there are never more sessions than allowed")
    func limits() throws {
        let keys = try (1...4).map {
            try #require(SigningKey(seed: [UInt8](repeating: $0, count: 32))).publicKey
        }
        var table = SessionTable(own: keys[0], sessionsMax: 2)
        let verdicts = (1...3).map { table.greeted(keys[$0], connection: UInt64($0), isDialled: false) }
        #expect(verdicts == [.adopt, .adopt, .full])
        let closes = [table.closed(keys[1], connection: 9), table.closed(keys[1], connection: 1)]
        #expect(closes == [false, true])
        let again = table.greeted(keys[3], connection: 4, isDialled: false)
        // Strangers fill the table, and whom this node dials has its place all the same.
        let dialled = table.greeted(keys[1], connection: 5, isDialled: true)
        #expect([again, dialled] == [.adopt, .adopt])
    }

    @Test("backoff grows, ends, and starts anew when the node appears")
    func backoff() throws {
        let address = try #require(PeerAddress("127.0.0.1:5"))
        let key = try #require(SigningKey(seed: [UInt8](repeating: 1, count: 32))).publicKey
        var schedule = DialSchedule([address], jitterSeed: 0)
        var now = Instant(milliseconds: 1000)
        for _ in 0..<12 {
            let first = schedule.due(at: now, connected: [])
            let whileDialled = schedule.due(at: now, connected: [])
            schedule.outcome(of: address, answered: nil, at: now)
            let afterFailure = schedule.due(at: now, connected: [])
            #expect([first, whileDialled, afterFailure] == [[address], [], []])
            now = now.advanced(byMilliseconds: DialSchedule.delayMax * 2)
        }
        _ = schedule.due(at: now, connected: [])
        schedule.outcome(of: address, answered: key, at: now)
        let whileConnected = schedule.due(at: now.advanced(byMilliseconds: 60_000), connected: [key])
        let afterwards = schedule.due(at: now.advanced(byMilliseconds: 60_000), connected: [])
        #expect([whileConnected, afterwards] == [[], [address]])
    }

    @Test("a peer that hangs up at once is left alone for longer each time, until a session lasts")
    func hangsUp() throws {
        let address = try #require(PeerAddress("127.0.0.1:5"))
        let key = try #require(SigningKey(seed: [UInt8](repeating: 1, count: 32))).publicKey
        var schedule = DialSchedule([address], jitterSeed: 0)
        var now = Instant(milliseconds: 1000)
        var waits: [UInt64] = []
        for turn in 0..<4 {
            let start = now
            while schedule.due(at: now, connected: []).isEmpty { now = now.advanced(byMilliseconds: 10) }
            waits.append(now.milliseconds - start.milliseconds)
            schedule.outcome(of: address, answered: key, at: now)
            if turn < 3 { schedule.endedSoon(address, at: now) } else { schedule.lasted(address) }
        }
        #expect(waits[0] == 0 && waits[1] >= 100, "\(waits)")
        #expect(waits[2] >= 2 * waits[1] && waits[3] >= 2 * waits[2], "\(waits)")
        let afterLasting = schedule.due(at: now.advanced(byMilliseconds: 100), connected: [])
        #expect(afterLasting == [address])
    }

    @Test("the seen-filter is bounded and forgets the oldest first")
    func seen() {
        var filter = SeenFilter(generationMax: 100)
        for number in 0..<1000 as Range<UInt32> {
            let name = Blake2b.hash256(.block, withUnsafeBytes(of: number) { Array($0) })
            let isNew = filter.insert(name)
            let isNewAgain = filter.insert(name)
            #expect(isNew && !isNewAgain)
            #expect(filter.count <= 200)
        }
    }
}
