public import Logging
import NIOCore
public import NIOPosix
import NIOSSL
import Synchronization
public import TimeCoinCore

/// What a node does with its peers' messages. Awaiting is the back-pressure: the next message of the same
/// peer and
/// class comes when the call has returned; other classes do not wait for it.
public protocol PeerMessageHandler: Sendable {
    func peerConnected(_ peer: PeerInfo) async
    func peerDisconnected(_ peer: PublicKey) async
    func received(type: UInt8, payload: [UInt8], from peer: PublicKey) async
}

/// A connected peer, for people.
public struct PeerInfo: Sendable, Hashable {
    public let key: PublicKey
    public let address: String
    /// Whether this node dialled.
    public let isDialled: Bool
    public let userAgent: String
    public let connectedAt: Timestamp
    public let bytesIn: UInt64
    public let bytesOut: UInt64
    /// `nil` before the first answer.
    public let pingMicroseconds: UInt64?
}

/// Where a node listens and whom it dials.
public struct NetworkConfiguration: Sendable {
    public var listen: PeerAddress
    public var peers: [PeerAddress]
    public var sessionsMax: Int
    public var network: String
    public var genesis: Hash256
    public var userAgent: String

    public init(
        listen: PeerAddress, peers: [PeerAddress], sessionsMax: Int = 125, network: String, genesis: Hash256,
        userAgent: String
    ) {
        self.listen = listen
        self.peers = peers
        self.sessionsMax = sessionsMax
        self.network = network
        self.genesis = genesis
        self.userAgent = userAgent
    }
}

/// Why nobody can connect to this node.
public struct ListenFailure: Error, Sendable, CustomStringConvertible {
    public let description: String
}

/// Listens, dials, keeps exactly one authenticated session a pair of nodes, and carries opaque messages.
///
/// Memory a peer is bounded by its inboxes (``Inbox``) and by ``Connection/outboundBytesMax``.
public final class PeerNetwork: Sendable {
    private struct State {
        var table: SessionTable
        var schedule: DialSchedule
        var sessions: [PublicKey: Session] = [:]
        var connections: [UInt64: Connection] = [:]
        var nextID: UInt64 = 1
        var bound: PeerAddress?
        var listening: Listening?
    }

    /// A listener that accepts already and serves nobody before ``PeerNetwork/run()``.
    private struct Listening {
        let channel: any Channel
        let arrivals: AsyncStream<Connection>
        let arrival: AsyncStream<Connection>.Continuation
    }

    private struct Session {
        let connection: Connection
        let hello: Hello
        let since: Timestamp
    }

    /// Connections that have not greeted yet, beyond the sessions.
    private static let pendingMax = 64
    private static let dialInterval = Duration.milliseconds(50)

    private let configuration: NetworkConfiguration
    private let identity: NodeIdentity
    private let limits: FrameLimits
    private let handler: any PeerMessageHandler
    private let logger: Logger
    private let group: MultiThreadedEventLoopGroup
    private let clock: @Sendable () -> Timestamp
    private let state: Mutex<State>

    /// - Parameter clock: the wall clock, for telling since when a peer is connected.
    public init(
        configuration: NetworkConfiguration, identity: NodeIdentity, limits: FrameLimits,
        handler: any PeerMessageHandler, logger: Logger, group: MultiThreadedEventLoopGroup,
        clock: @escaping @Sendable () -> Timestamp
    ) {
        self.configuration = configuration
        self.identity = identity
        self.limits = limits
        self.handler = handler
        self.logger = logger
        self.group = group
        self.clock = clock
        state = Mutex(
            State(
                table: SessionTable(own: identity.key, sessionsMax: configuration.sessionsMax),
                schedule: DialSchedule(
                    configuration.peers, jitterSeed: Hash256(identity.key.bytes)?.leadingWord ?? 0)))
    }

    /// The address that is really listened on, once bound.
    public var localAddress: PeerAddress? { state.withLock { $0.bound } }

    /// Begins to listen, so that a taken port is known before anything else starts; ``run()`` does it where
    /// nobody has.
    ///
    /// - Throws: when the address cannot be listened on.
    public func bind() async throws {
        let (arrivals, arrival) = AsyncStream.makeStream(
            of: Connection.self, bufferingPolicy: .bufferingOldest(PeerNetwork.pendingMax))
        let channel = try await listen(arrival)
        state.withLock { $0.listening = Listening(channel: channel, arrivals: arrivals, arrival: arrival) }
    }

    /// Serves until cancelled; then every socket is closed.
    ///
    /// - Throws: when the address cannot be listened on.
    public func run() async throws {
        if state.withLock({ $0.listening == nil }) { try await bind() }
        guard let listening = state.withLock({ $0.listening }) else { return }
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.dialForever(listening.arrival) }
                for await connection in listening.arrivals {
                    group.addTask { await self.serve(connection) }
                }
                self.closeAll()
            }
        } onCancel: {
            listening.channel.close(promise: nil)
            listening.arrival.finish()
            closeAll()
        }
    }

    // MARK: - Commands

    /// Whether the message is on its way; `false` without a session, or when the peer's queue refuses it.
    @discardableResult
    public func send(type: UInt8, payload: [UInt8], to peer: PublicKey) -> Bool {
        guard let limit = limits[type], let session = state.withLock({ $0.sessions[peer] }) else {
            return false
        }
        return session.connection.send(FrameDecoder.encode(type: type, payload: payload), limit.messageClass)
    }

    /// To every session but one. The frame is encoded once.
    public func broadcast(type: UInt8, payload: [UInt8], except: PublicKey? = nil) {
        guard let limit = limits[type] else { return }
        let sessions = state.withLock { $0.sessions }
        let frame = FrameDecoder.encode(type: type, payload: payload)
        for (key, session) in sessions where key != except {
            _ = session.connection.send(frame, limit.messageClass)
        }
    }

    public func disconnect(_ peer: PublicKey, reason: String) {
        guard let session = state.withLock({ $0.sessions[peer] }) else { return }
        session.connection.close(because: reason)
    }

    public var peers: [PeerInfo] {
        state.withLock { $0.sessions }.map { key, session in info(key, session) }.sorted { $0.key < $1.key }
    }

    private func info(_ key: PublicKey, _ session: Session) -> PeerInfo {
        let counters = session.connection.counters
        let ping = counters.pingMicroseconds.load(ordering: .relaxed)
        return PeerInfo(
            key: key, address: PeerNetwork.describe(session.connection),
            isDialled: session.connection.dialled != nil,
            userAgent: session.hello.userAgent, connectedAt: session.since,
            bytesIn: counters.bytesIn.load(ordering: .relaxed),
            bytesOut: counters.bytesOut.load(ordering: .relaxed),
            pingMicroseconds: ping == 0 ? nil : ping)
    }

    // MARK: - Connections

    private func listen(_ arrival: AsyncStream<Connection>.Continuation) async throws -> any Channel {
        let context = try identity.serverContext()
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 128)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let connection = self.register(channel, dialled: nil) else {
                        throw ChannelError.ioOnClosedChannel
                    }
                    try self.configure(connection) {
                        NIOSSLServerHandler(context: context, customVerificationCallback: $0)
                    }
                    if case .dropped = arrival.yield(connection) { channel.close(promise: nil) }
                }
            }
            .bind(host: configuration.listen.host, port: configuration.listen.port)
            .flatMapErrorThrowing { error in
                throw ListenFailure(description: "cannot listen on \(self.configuration.listen): \(error)")
            }.get()
        let address = PeerAddress(
            host: configuration.listen.host, port: channel.localAddress?.port ?? configuration.listen.port)
        state.withLock { $0.bound = address }
        logger.info("listening for peers", metadata: ["address": "\(address)"])
        return channel
    }

    private func dialForever(_ arrival: AsyncStream<Connection>.Continuation) async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let due = state.withLock { state in
                    state.schedule.due(at: PeerNetwork.now, connected: state.table.peers)
                }
                for address in due {
                    group.addTask { await self.dial(address, arrival) }
                }
                try? await Task.sleep(for: PeerNetwork.dialInterval)
            }
        }
    }

    private func dial(_ address: PeerAddress, _ arrival: AsyncStream<Connection>.Continuation) async {
        do {
            let context = try identity.clientContext()
            let connection = try await ClientBootstrap(group: group)
                .connectTimeout(.seconds(3))
                .channelOption(.socketOption(.tcp_nodelay), value: 1)
                .channelOption(.autoRead, value: false)
                .connect(host: address.host, port: address.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        guard let connection = self.register(channel, dialled: address) else {
                            throw ChannelError.ioOnClosedChannel
                        }
                        try self.configure(connection) {
                            try NIOSSLClientHandler(
                                context: context, serverHostname: nil, customVerificationCallback: $0)
                        }
                        return connection
                    }
                }
            if case .enqueued = arrival.yield(connection) { return }
            connection.close()
            throw ChannelError.ioOnClosedChannel
        } catch {
            state.withLock { $0.schedule.outcome(of: address, answered: nil, at: PeerNetwork.now) }
        }
    }

    /// `nil` when there are too many connections.
    private func register(_ channel: any Channel, dialled: PeerAddress?) -> Connection? {
        let connection = state.withLock { state -> Connection? in
            let most = configuration.sessionsMax + PeerNetwork.pendingMax
            guard dialled != nil || state.connections.count < most else { return nil }
            let connection = Connection(id: state.nextID, channel: channel, dialled: dialled)
            state.nextID += 1
            state.connections[connection.id] = connection
            return connection
        }
        if let connection {
            // Also for a channel that never became active, and so never became inactive.
            channel.closeFuture.whenComplete { _ in
                connection.ended()
                _ = self.state.withLock { $0.connections.removeValue(forKey: connection.id) }
            }
        }
        return connection
    }

    private func configure(
        _ connection: Connection,
        tls: (@escaping NIOSSLCustomVerificationCallback) throws -> some ChannelHandler
    ) throws {
        let shared = NIOLoopBound(ConnectionState(), eventLoop: connection.channel.eventLoop)
        let verify: NIOSSLCustomVerificationCallback = { certificates, promise in
            let key = NodeIdentity.key(of: certificates)
            // The callback may run on another thread than the handlers that read the key.
            promise.futureResult.eventLoop.execute {
                shared.value.key = key
                promise.succeed(key == nil ? .failed : .certificateVerified)
            }
        }
        let pipeline = connection.channel.pipeline.syncOperations
        let state = shared.value
        try pipeline.addHandler(try tls(verify))
        try pipeline.addHandler(
            ByteToMessageHandler(FrameDecoder(limits: limits, isGreeted: { state.isGreeted })))
        try pipeline.addHandler(
            ConnectionHandler(connection: connection, state: state, hello: ownHello.encoded, limits: limits))
    }

    private var ownHello: Hello {
        Hello(
            network: configuration.network, genesis: configuration.genesis,
            listenPort: UInt16(truncatingIfNeeded: localAddress?.port ?? 0),
            userAgent: configuration.userAgent)
    }

    // MARK: - Sessions

    private func serve(_ connection: Connection) async {
        var answered: PublicKey?
        do {
            let greeting = try await connection.greeting.futureResult.get()
            let hello = try ownHello.accept(greeting.hello, from: greeting.key, own: identity.key)
            answered = greeting.key
            settleDial(connection, answered: answered)
            await converse(connection, with: greeting.key, hello)
        } catch {
            logger.info(
                "closed a connection",
                metadata: ["peer": "\(PeerNetwork.describe(connection))", "reason": "\(error)"])
            connection.close()
            if case Hello.Refusal.ownKey = error, let address = connection.dialled {
                state.withLock { $0.schedule.isOwn(address) }
            } else if answered == nil {
                settleDial(connection, answered: nil)
            }
        }
    }

    private func settleDial(_ connection: Connection, answered: PublicKey?) {
        state.withLock { state in
            if let address = connection.dialled {
                state.schedule.outcome(of: address, answered: answered, at: PeerNetwork.now)
            } else if let answered {
                state.schedule.appeared(answered)
            }
        }
    }

    private func converse(_ connection: Connection, with key: PublicKey, _ hello: Hello) async {
        let session = Session(connection: connection, hello: hello, since: clock())
        let (verdict, replaced) = state.withLock { state -> (SessionTable.Verdict, Connection?) in
            let verdict = state.table.greeted(
                key, connection: connection.id, isDialled: connection.dialled != nil)
            switch verdict {
            case .adopt:
                state.sessions[key] = session
                return (verdict, nil)
            case .replace(let old):
                state.sessions[key] = session
                return (verdict, state.connections[old])
            case .refuse, .full: return (verdict, nil)
            }
        }
        replaced?.close(because: "another connection with the same peer stays")
        guard verdict != .refuse, verdict != .full else {
            connection.close()
            return
        }
        let start = PeerNetwork.now
        logger.info(
            "peer connected", metadata: ["peer": "\(key)", "address": "\(PeerNetwork.describe(connection))"])
        await handler.peerConnected(info(key, session))
        await withDiscardingTaskGroup { group in
            for messageClass in MessageClass.allCases {
                group.addTask {
                    while let frame = await connection.next(messageClass) {
                        await self.handler.received(
                            type: frame.type, payload: Array(frame.payload.readableBytesView), from: key)
                    }
                }
            }
        }
        let wasSession = state.withLock { state in
            let wasSession = state.table.closed(key, connection: connection.id)
            if wasSession { state.sessions[key] = nil }
            return wasSession
        }
        if let address = connection.dialled {
            let lasted = PeerNetwork.now.milliseconds - start.milliseconds
            state.withLock { state in
                if lasted < DialSchedule.sessionLeast, wasSession {
                    state.schedule.endedSoon(address, at: PeerNetwork.now)
                } else {
                    state.schedule.lasted(address)
                }
            }
        }
        if wasSession {
            let reason = connection.reason ?? "closed by the peer"
            logger.info("peer gone", metadata: ["peer": "\(key)", "reason": "\(reason)"])
            await handler.peerDisconnected(key)
        }
    }

    private func closeAll() {
        for connection in state.withLock({ $0.connections.values }) {
            connection.close()
        }
    }

    private static var now: Instant {
        Instant(milliseconds: NIODeadline.now().uptimeNanoseconds / 1_000_000)
    }

    private static func describe(_ connection: Connection) -> String {
        guard let address = connection.channel.remoteAddress, let ip = address.ipAddress,
            let port = address.port
        else { return connection.dialled?.description ?? "unknown" }
        return "\(ip):\(port)"
    }
}
