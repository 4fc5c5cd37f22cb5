import NIOCore
import NIOHTTP1
import NIOPosix

/// Why a call got no answer from the node.
public struct ControlFailure: Error, Sendable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// Nobody listens.
        case unreachable
        /// The node went away during the call; whether it did what was asked is not known.
        case disconnected
        case timedOut
        /// What came was no answer to the call.
        case badAnswer
        /// The node answered, and said no.
        case refused(RPCError)
    }

    public let kind: Kind
    public let message: String
    public let hint: String?

    public var description: String { message }

    static func disconnected(_ message: String) -> ControlFailure {
        ControlFailure(
            kind: .disconnected, message: message, hint: "it may have stopped: its log says why")
    }

    public var exitCode: ExitCode {
        switch kind {
        case .unreachable, .disconnected: .unreachable
        case .timedOut: .timeout
        case .badAnswer: .internalError
        case .refused(let error): error.exitCode
        }
    }
}

/// Calls a node over its Unix socket: JSON-RPC 2.0 in HTTP/1.1, one connection a call.
public struct ControlClient: Sendable {
    /// Bytes of an answer at most.
    public static let answerBytesMax = 64 << 20

    private let path: String

    public init(socket path: String) {
        self.path = path
    }

    /// - Parameter timeout: seconds.
    public func call(
        _ method: String, _ parameters: JSONValue = .array([]), timeout: Int64 = 30
    ) async throws(ControlFailure) -> JSONValue {
        let request = RPCRequest(id: .integer(1), method: method, parameters: parameters)
        let answer = try await exchange(Array(request.json.compact.utf8), timeout: timeout)
        let json: JSONValue
        do {
            json = try JSONValue(parsing: answer)
        } catch {
            throw ControlFailure(kind: .badAnswer, message: "the answer is not JSON: \(error)", hint: nil)
        }
        if let error = json["error"], !error.isNull {
            let refusal = RPCError(json: error)
            throw ControlFailure(kind: .refused(refusal), message: refusal.description, hint: refusal.hint)
        }
        guard let result = json["result"] else {
            throw ControlFailure(
                kind: .badAnswer, message: "the answer has neither result nor error", hint: nil)
        }
        return result
    }

    private func exchange(_ body: [UInt8], timeout: Int64) async throws(ControlFailure) -> [UInt8] {
        let group = MultiThreadedEventLoopGroup.singleton
        let answer = group.any().makePromise(of: [UInt8].self)
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: group)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        try channel.pipeline.syncOperations.addHandler(
                            AnswerHandler(answer: answer, timeout: .seconds(timeout)))
                    }
                }
                .connect(unixDomainSocketPath: path).get()
        } catch {
            answer.fail(error)
            throw ControlFailure(
                kind: .unreachable, message: "no node answers at \(path)",
                hint: "start one with `timecoin-node run`, or name its socket with --socket")
        }
        let head = HTTPRequestHead(
            version: .http1_1, method: .POST, uri: "/",
            headers: [
                "Host": "node", "Content-Type": "application/json", "Content-Length": String(body.count),
                "Connection": "close",
            ])
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil)
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        do {
            return try await answer.futureResult.get()
        } catch let failure as ControlFailure {
            throw failure
        } catch {
            throw ControlFailure.disconnected("the connection broke: \(error)")
        }
    }
}

/// Collects one answer.
private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private static let closed = "the node closed the connection before it answered"

    private let answer: EventLoopPromise<[UInt8]>
    private let timeout: TimeAmount
    private var deadline: Scheduled<Void>?
    private var status: UInt = 200
    private var body: [UInt8] = []

    init(answer: EventLoopPromise<[UInt8]>, timeout: TimeAmount) {
        self.answer = answer
        self.timeout = timeout
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        let answer = answer
        deadline = context.eventLoop.scheduleTask(in: timeout) {
            answer.fail(
                ControlFailure(
                    kind: .timedOut, message: "the node did not answer in time", hint: "raise --timeout"))
            channel.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): status = head.status.code
        case .body(let buffer):
            guard body.count + buffer.readableBytes <= ControlClient.answerBytesMax else {
                fail("the answer is longer than \(ControlClient.answerBytesMax) bytes", context)
                return
            }
            body += buffer.readableBytesView
        case .end:
            guard status == 200 else {
                fail("the node answered with HTTP status \(status)", context)
                return
            }
            answer.succeed(body)
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error as? HTTPParserError {
        case nil: answer.fail(ControlFailure.disconnected("the connection broke: \(error)"))
        case .invalidEOFState: answer.fail(ControlFailure.disconnected(AnswerHandler.closed))
        default:
            fail("the answer is not HTTP: \(error)", context)
            return
        }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        answer.fail(ControlFailure.disconnected(AnswerHandler.closed))
    }

    private func fail(_ message: String, _ context: ChannelHandlerContext) {
        answer.fail(ControlFailure(kind: .badAnswer, message: message, hint: nil))
        context.close(promise: nil)
    }
}
