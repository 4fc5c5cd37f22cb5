import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import TimeCoinControl

/// Answers calls.
protocol CallAnswering: Sendable {
    func answer(_ request: RPCRequest) async -> Result<JSONValue, RPCError>
    /// The answers of a request have left: what must not come before them may be done.
    func delivered()
}

/// JSON-RPC 2.0 over HTTP/1.1 on a Unix socket that only its owner may use.
struct ControlServer: Sendable {
    /// Bytes of a request at most.
    static let requestBytesMax = 8 << 20
    /// Bytes of a too long request that are read and thrown away, so that its sender gets to read the answer.
    static let drainedBytesMax = 64 << 20
    /// Connections at once; further ones are closed.
    static let connectionsMax = 256
    /// A connection without a request for so long is closed.
    static let idleMax = TimeAmount.minutes(5)

    typealias Inbound = HTTPServerRequestPart

    let path: String
    let answering: any CallAnswering
    let group: MultiThreadedEventLoopGroup

    /// Serves until cancelled.
    func run() async throws {
        // Whoever holds the data directory's lock owns the socket; one left behind by a crash is in the way.
        unlink(path)
        let server = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 128)
            .bind(unixDomainSocketPath: path) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        IdleStateHandler(allTimeout: ControlServer.idleMax))
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                        withPipeliningAssistance: true)
                    try channel.pipeline.syncOperations.addHandler(IdleConnectionHandler())
                    return try NIOAsyncChannel<Inbound, HTTPServerResponsePart>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(
                            inboundType: Inbound.self, outboundType: HTTPServerResponsePart.self))
                }
            }
        guard chmod(path, 0o600) == 0 else { throw KeyFailure.io("cannot set the mode of \(path)") }
        defer { unlink(path) }
        try await server.executeThenClose { connections in
            let open = OpenConnections()
            try await withThrowingDiscardingTaskGroup { group in
                for try await connection in connections {
                    let place = open.count.add(1, ordering: .relaxed).newValue
                    group.addTask {
                        defer { open.count.subtract(1, ordering: .relaxed) }
                        guard place <= ControlServer.connectionsMax else {
                            try? await connection.channel.close()
                            return
                        }
                        await serve(connection)
                    }
                }
            }
        }
    }

    private func serve(_ connection: NIOAsyncChannel<Inbound, HTTPServerResponsePart>) async {
        // A connection that breaks concerns nobody but its client.
        try? await connection.executeThenClose { inbound, _ in
            let channel = connection.channel
            var head: HTTPRequestHead?
            var body: [UInt8] = []
            var drained = 0
            for try await part in inbound {
                switch part {
                case .head(let next):
                    head = next
                    body = []
                    drained = 0
                case .body(let buffer):
                    if drained == 0, body.count + buffer.readableBytes <= ControlServer.requestBytesMax {
                        body += buffer.readableBytesView
                    } else {
                        body = []
                        drained += buffer.readableBytes
                        guard drained <= ControlServer.drainedBytesMax else { return }
                    }
                case .end:
                    guard let request = head else { return }
                    guard drained == 0 else {
                        try await respond(
                            .payloadTooLarge, "the request is too long", channel, keepAlive: false)
                        return
                    }
                    let keepAlive = request.isKeepAlive
                    if request.method == .POST {
                        // Also when the client has gone and there is nobody to answer.
                        defer { answering.delivered() }
                        if let answer = await answer(body) {
                            try await respond(.ok, answer, channel, keepAlive: keepAlive)
                        } else {
                            try await respond(.noContent, "", channel, keepAlive: keepAlive)
                        }
                    } else {
                        try await respond(
                            .methodNotAllowed, "send calls with POST", channel, keepAlive: keepAlive)
                    }
                    if !keepAlive { return }
                }
            }
        }
    }

    /// Returns when the kernel has the whole answer: closing before that would cut a long one short.
    private func respond(
        _ status: HTTPResponseStatus, _ text: String, _ channel: any Channel, keepAlive: Bool
    ) async throws {
        let body = ByteBuffer(string: text.isEmpty ? "" : text + "\n")
        var headers: HTTPHeaders = [
            "Content-Type": status == .ok ? "application/json" : "text/plain",
            "Content-Length": String(body.readableBytes),
        ]
        if !keepAlive { headers.add(name: "Connection", value: "close") }
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        channel.write(HTTPServerResponsePart.head(head), promise: nil)
        channel.write(HTTPServerResponsePart.body(.byteBuffer(body)), promise: nil)
        try await channel.writeAndFlush(HTTPServerResponsePart.end(nil))
    }

    /// The answer to one call or to a batch of at most ``RPCRequest/batchMax``; `nil` to notifications alone.
    func answer(_ body: [UInt8]) async -> String? {
        let json: JSONValue
        do {
            json = try JSONValue(parsing: body)
        } catch {
            let failure = RPCError(.parse, "parse-error", "the request is not JSON: \(error)")
            return RPCResponse.json(id: nil, .failure(failure)).compact
        }
        guard case .array(let items) = json else { return await answer(call: json)?.compact }
        guard (1...RPCRequest.batchMax).contains(items.count) else {
            let failure = RPCError(
                .invalidRequest, "batch-size",
                "a batch has 1 to \(RPCRequest.batchMax) calls, this one \(items.count)")
            return RPCResponse.json(id: nil, .failure(failure)).compact
        }
        var answers: [JSONValue] = []
        for item in items {
            if let answer = await answer(call: item) { answers.append(answer) }
        }
        return answers.isEmpty ? nil : JSONValue.array(answers).compact
    }

    private func answer(call json: JSONValue) async -> JSONValue? {
        do {
            let request = try RPCRequest(json: json)
            let result = await answering.answer(request)
            // A call without an id is a notification: it is done, and nothing is said.
            return request.id.map { RPCResponse.json(id: $0, result) }
        } catch {
            let id: JSONValue? =
                switch json["id"] {
                case .string, .number: json["id"]
                default: nil
                }
            return RPCResponse.json(id: id, .failure(error))
        }
    }
}

/// How many connections are open.
private final class OpenConnections: Sendable {
    let count = Atomic<Int>(0)
}

/// Closes a connection on which nothing happens and nobody waits for an answer.
private final class IdleConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart

    /// Requests without their answers.
    private var open = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .end = unwrapInboundIn(data) { open += 1 }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { open -= 1 }
        context.write(data, promise: promise)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent {
            guard open == 0 else { return }
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }
}
