import NIOCore
import Synchronization
import TimeCoinCore

/// One connection to a peer, dialled or accepted: both kinds are served by the same code.
final class Connection: Sendable {
    let id: UInt64
    let channel: any Channel
    /// The address that was dialled, or `nil` for an accepted connection.
    let dialled: PeerAddress?
    /// The peer's proven key and its greeting.
    let greeting: EventLoopPromise<(key: PublicKey, hello: [UInt8])>
    let inboxes: [MessageClass: Inbox]
    let counters = Counters()
    private let firstReason = Mutex<String?>(nil)

    /// Bytes on their way to a peer at which it counts as too slow.
    static let outboundBytesMax = 32_000_000
    /// Bytes on their way at which transactions are no longer added.
    static let outboundTransactionBytesMax = 2_000_000

    init(id: UInt64, channel: any Channel, dialled: PeerAddress?) {
        self.id = id
        self.channel = channel
        self.dialled = dialled
        greeting = channel.eventLoop.makePromise()
        inboxes = Dictionary(uniqueKeysWithValues: MessageClass.allCases.map { ($0, Inbox($0)) })
    }

    final class Counters: Sendable {
        let bytesIn = Atomic<UInt64>(0)
        let bytesOut = Atomic<UInt64>(0)
        let outbound = Atomic<Int>(0)
        /// Microseconds of the last ping, 0 before the first answer.
        let pingMicroseconds = Atomic<UInt64>(0)
    }

    /// Whether the message was taken. A full transaction queue drops it; any other means that the peer is
    /// too slow,
    /// and ends the connection.
    func send(_ frame: ByteBuffer, _ messageClass: MessageClass) -> Bool {
        let size = frame.readableBytes
        let pending = counters.outbound.load(ordering: .relaxed)
        if messageClass == .transactions, pending > Connection.outboundTransactionBytesMax { return false }
        guard pending <= Connection.outboundBytesMax else {
            close(because: "it reads too slowly")
            return false
        }
        counters.outbound.add(size, ordering: .relaxed)
        counters.bytesOut.add(UInt64(size), ordering: .relaxed)
        channel.pipeline.fireUserInboundEventTriggered(OutboundFrame(buffer: frame))
        return true
    }

    /// The next message of a class; reading goes on when there is room again.
    func next(_ messageClass: MessageClass) async -> Frame? {
        guard let inbox = inboxes[messageClass] else { return nil }
        let frame = await inbox.next()
        // One socket carries all classes: it is read on only when none of them is full.
        if frame != nil, messageClass != .transactions,
            inboxes.allSatisfy({ $0.key == .transactions || $0.value.hasRoom })
        {
            channel.pipeline.fireUserInboundEventTriggered(ReadOn())
        }
        return frame
    }

    /// Why this side ended it, or `nil` when the other did.
    var reason: String? { firstReason.withLock { $0 } }

    func close(because reason: String? = nil) {
        firstReason.withLock { $0 = $0 ?? reason }
        channel.close(promise: nil)
    }

    /// The channel is closed: whoever waits for a greeting or a message learns it.
    func ended() {
        greeting.fail(ChannelError.eof)
        for inbox in inboxes.values {
            inbox.close()
        }
    }
}

/// A frame to write, handed to the connection's event loop.
struct OutboundFrame: Sendable {
    let buffer: ByteBuffer
}

/// An inbox has room again.
struct ReadOn: Sendable {}
