import NIOCore
import NIOTLS
import Synchronization
import TimeCoinCore

/// What the handlers of one connection share on its event loop.
final class ConnectionState {
    var isGreeted = false
    var key: PublicKey?
}

/// Greets, answers pings, sorts frames into inboxes, and writes with one flush for all frames of a turn.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = Frame
    typealias OutboundOut = ByteBuffer

    /// Between two pings; a peer silent for three of them is gone.
    private static let pingInterval = TimeAmount.seconds(5)
    private static let greetingPatience = TimeAmount.seconds(5)
    private static let silentPingsMax = 3

    private let connection: Connection
    private let state: ConnectionState
    private let hello: [UInt8]
    private let limits: FrameLimits
    private var isFlushScheduled = false
    private var isPaused = false
    private var silentPings = 0
    private var greetingDeadline: Scheduled<Void>?
    private var pings: RepeatedTask?

    init(connection: Connection, state: ConnectionState, hello: [UInt8], limits: FrameLimits) {
        self.connection = connection
        self.state = state
        self.hello = hello
        self.limits = limits
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        greetingDeadline = context.eventLoop.scheduleTask(in: ConnectionHandler.greetingPatience) {
            channel.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted:
            write(FrameDecoder.encode(type: FrameLimits.hello, payload: hello), context)
            startPings(context)
        case let outbound as OutboundFrame:
            write(outbound.buffer, context)
        case is ReadOn:
            guard isPaused else { return }
            isPaused = false
            context.read()
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        silentPings = 0
        connection.counters.bytesIn.add(UInt64(frame.payload.readableBytes), ordering: .relaxed)
        switch frame.type {
        case FrameLimits.hello: greet(frame, context)
        case FrameLimits.ping:
            write(
                FrameDecoder.encode(type: FrameLimits.pong, payload: Array(frame.payload.readableBytesView)),
                context)
        case FrameLimits.pong: measure(frame)
        default:
            guard let limit = limits[frame.type], let inbox = connection.inboxes[limit.messageClass] else {
                return
            }
            if !inbox.push(frame) { isPaused = true }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !isPaused { context.read() }
        context.fireChannelReadComplete()
    }

    func channelActive(context: ChannelHandlerContext) {
        context.read()
        context.fireChannelActive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        connection.greeting.fail(error)
        connection.close(because: "\(error)")
    }

    func channelInactive(context: ChannelHandlerContext) {
        greetingDeadline?.cancel()
        pings?.cancel()
        context.fireChannelInactive()
    }

    private func greet(_ frame: Frame, _ context: ChannelHandlerContext) {
        guard !state.isGreeted, let key = state.key else {
            connection.close(because: "a second greeting")
            return
        }
        state.isGreeted = true
        greetingDeadline?.cancel()
        connection.greeting.succeed((key, Array(frame.payload.readableBytesView)))
    }

    private func write(_ buffer: ByteBuffer, _ context: ChannelHandlerContext) {
        let size = buffer.readableBytes
        let counters = connection.counters
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.whenComplete { _ in counters.outbound.subtract(size, ordering: .relaxed) }
        context.write(wrapOutboundOut(buffer), promise: written)
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.execute {
            let (handler, context) = bound.value
            handler.isFlushScheduled = false
            context.flush()
        }
    }

    private func startPings(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        pings = context.eventLoop.scheduleRepeatedTask(
            initialDelay: .milliseconds(200), delay: ConnectionHandler.pingInterval
        ) { _ in
            let (handler, context) = bound.value
            handler.silentPings += 1
            guard handler.silentPings <= ConnectionHandler.silentPingsMax else {
                handler.connection.close(because: "silence")
                return
            }
            let now = NIODeadline.now().uptimeNanoseconds
            let payload = withUnsafeBytes(of: now.littleEndian) { Array($0) }
            handler.write(FrameDecoder.encode(type: FrameLimits.ping, payload: payload), context)
        }
    }

    private func measure(_ frame: Frame) {
        guard
            let sent = frame.payload.getInteger(
                at: frame.payload.readerIndex, endianness: .little, as: UInt64.self)
        else { return }
        let now = NIODeadline.now().uptimeNanoseconds
        connection.counters.pingMicroseconds.store(now >= sent ? (now - sent) / 1000 : 0, ordering: .relaxed)
    }
}
