import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Testing

@testable import TimeCoinCore
@testable import TimeCoinNet

/// Hands on what a network tells its node.
private struct Told: PeerMessageHandler {
    enum Event: Sendable, Equatable {
        case connected(PublicKey)
        case gone(PublicKey)
        case received(UInt8, [UInt8], PublicKey)
    }

    let events = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .bufferingOldest(1000))

    func peerConnected(_ peer: PeerInfo) async { events.continuation.yield(.connected(peer.key)) }
    func peerDisconnected(_ peer: PublicKey) async { events.continuation.yield(.gone(peer)) }
    func received(type: UInt8, payload: [UInt8], from peer: PublicKey) async {
        events.continuation.yield(.received(type, payload, peer))
    }

    func next() async -> Event? {
        for await event in events.stream { return event }
        return nil
    }
}

/// Hands on the lines that are logged.
private struct LineHandler: LogHandler {
    let lines: AsyncStream<String>.Continuation
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        lines.yield("\(event.message) \(event.metadata ?? [:])")
    }
}

/// A network on the loopback interface with everything that it tells.
private struct Peer {
    let identity: NodeIdentity
    let told = Told()
    let network: PeerNetwork
    private let lines: AsyncStream<String>

    init(
        _ seed: UInt8, genesis: Hash256 = .zero, peers: [PeerAddress] = [], group: MultiThreadedEventLoopGroup
    ) throws {
        identity = try NodeIdentity(seed: [UInt8](repeating: seed, count: 32))
        let (lines, continuation) = AsyncStream.makeStream(
            of: String.self, bufferingPolicy: .bufferingOldest(1000))
        self.lines = lines
        let listen = PeerAddress(host: "127.0.0.1", port: 0)
        network = PeerNetwork(
            configuration: NetworkConfiguration(
                listen: listen, peers: peers, network: "local", genesis: genesis, userAgent: "test"),
            identity: identity, limits: FrameLimits([16: .init(.consensus, payloadMax: 1000)]), handler: told,
            logger: Logger(label: "test") { _ in LineHandler(lines: continuation) }, group: group,
            clock: { Timestamp(milliseconds: 0) })
    }

    /// The first line from now on with this in it.
    func line(with text: String) async -> String? {
        for await line in lines where line.contains(text) { return line }
        return nil
    }

    /// Where it listens, as soon as it does.
    func address() async throws -> PeerAddress {
        _ = await line(with: "listening")
        return try #require(network.localAddress)
    }

    /// Connects with TLS and a certificate as any peer would, writes, and waits until the other side closes.
    static func connect(
        to address: PeerAddress, as seed: UInt8, group: MultiThreadedEventLoopGroup, write bytes: [UInt8]
    )
        async throws
    {
        let context = try NodeIdentity(seed: [UInt8](repeating: seed, count: 32)).clientContext()
        let channel = try await ClientBootstrap(group: group)
            .connect(host: address.host, port: address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(
                            context: context, serverHostname: nil,
                            customVerificationCallback: { _, promise in promise.succeed(.certificateVerified)
                            }))
                    return channel
                }
            }
        // The other side may close before everything is written.
        try? await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
        try await channel.closeFuture.get()
    }
}

@Suite("Peers on the loopback interface", .serialized)
struct PeerNetworkTests {
    private func serving(
        _ peers: [Peer], _ group: MultiThreadedEventLoopGroup, _ body: () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for peer in peers { tasks.addTask { try await peer.network.run() } }
            try await body()
            tasks.cancelAll()
            while await tasks.nextResult() != nil {}
        }
        try await group.shutdownGracefully()
    }

    @Test("two nodes find each other and pass messages both ways")
    func messages() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = try Peer(1, group: group)
        try await serving([server], group) {
            let client = try Peer(2, peers: [try await server.address()], group: group)
            await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await client.network.run() }
                #expect(await client.told.next() == .connected(server.identity.key))
                #expect(await server.told.next() == .connected(client.identity.key))
                #expect(client.network.send(type: 16, payload: [7], to: server.identity.key))
                #expect(await server.told.next() == .received(16, [7], client.identity.key))
                server.network.broadcast(type: 16, payload: [8])
                #expect(await client.told.next() == .received(16, [8], server.identity.key))
                tasks.cancelAll()
                while await tasks.nextResult() != nil {}
            }
            #expect(await server.told.next() == .gone(client.identity.key))
        }
    }

    @Test("another genesis: the connection is closed with a line that says so")
    func otherGenesis() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = try Peer(1, group: group)
        try await serving([server], group) {
            let stranger = Hello(
                network: "local", genesis: Blake2b.hash256(.block, [1]), listenPort: 1, userAgent: "stranger")
            try await Peer.connect(
                to: try await server.address(), as: 3, group: group,
                write: Array(
                    FrameDecoder.encode(type: FrameLimits.hello, payload: stranger.encoded).readableBytesView)
            )
            let line = try #require(await server.line(with: "closed a connection"))
            #expect(line.contains("\(Hello.Refusal.otherGenesis(Blake2b.hash256(.block, [1])))"), "\(line)")
            #expect(server.network.peers.isEmpty)
        }
    }

    @Test(
        "N3: a claim of 4 GiB, before the greeting and after: closed at once, with a line that says so",
        arguments: [false, true])
    func hugeClaim(greets: Bool) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = try Peer(1, group: group)
        try await serving([server], group) {
            let hello = Hello(network: "local", genesis: .zero, listenPort: 1, userAgent: "stranger")
            let greeting = FrameDecoder.encode(type: FrameLimits.hello, payload: hello.encoded)
                .readableBytesView
            let type = greets ? 16 : FrameLimits.hello
            try await Peer.connect(
                to: try await server.address(), as: 3, group: group,
                write: (greets ? Array(greeting) : []) + [0xff, 0xff, 0xff, 0xff, type])
            let line = try #require(await server.line(with: greets ? "peer gone" : "closed a connection"))
            #expect(line.contains("claims 4294967295 bytes"), "\(line)")
        }
    }
}
