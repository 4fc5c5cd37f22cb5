import DequeModule
import NIOCore
import Synchronization

/// Messages of one class from one peer that wait to be handled, in order.
///
/// Bounded: when it is full, transactions are dropped (others have them too), and for every other class the
/// socket is
/// read no further until there is room, so that the sender feels it.
final class Inbox: Sendable {
    private struct State {
        var frames = Deque<Frame>()
        var bytes = 0
        var waiter: CheckedContinuation<Frame?, Never>?
        var isClosed = false
        var dropped: UInt64 = 0
    }

    static let framesMax = 256
    /// Bytes at which a queue is full; one more frame of the largest kind may be beyond it.
    static let bytesMax = 4_000_000

    private let dropsWhenFull: Bool
    private let state = Mutex(State())

    init(_ messageClass: MessageClass) {
        dropsWhenFull = messageClass == .transactions
    }

    var dropped: UInt64 { state.withLock { $0.dropped } }

    /// Whether reading may go on.
    func push(_ frame: Frame) -> Bool {
        let (waiter, mayGoOn) = state.withLock { state -> (CheckedContinuation<Frame?, Never>?, Bool) in
            guard !state.isClosed else { return (nil, true) }
            if let waiter = state.waiter {
                state.waiter = nil
                return (waiter, true)
            }
            if dropsWhenFull, Inbox.isFull(state) {
                state.dropped += 1
                return (nil, true)
            }
            state.frames.append(frame)
            state.bytes += frame.payload.readableBytes
            return (nil, dropsWhenFull || !Inbox.isFull(state))
        }
        waiter?.resume(returning: frame)
        return mayGoOn
    }

    /// The next message, or `nil` once the connection is gone. One caller at a time.
    func next() async -> Frame? {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state -> Frame?? in
                if let frame = state.frames.popFirst() {
                    state.bytes -= frame.payload.readableBytes
                    return .some(frame)
                }
                if state.isClosed { return .some(nil) }
                state.waiter = continuation
                return nil
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }

    /// Whether there is room again.
    var hasRoom: Bool {
        state.withLock { $0.frames.count < Inbox.framesMax / 2 && $0.bytes < Inbox.bytesMax / 2 }
    }

    func close() {
        let waiter = state.withLock { state in
            state.isClosed = true
            state.frames.removeAll()
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: nil)
    }

    private static func isFull(_ state: State) -> Bool {
        state.frames.count >= framesMax || state.bytes >= bytesMax
    }
}
