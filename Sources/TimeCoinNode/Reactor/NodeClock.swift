import Dispatch
import Foundation
import TimeCoinCore

/// The machine's clocks, the only place where they are read.
package struct NodeClock: Sendable {
    private let read: @Sendable () -> Moment

    package init(_ read: @escaping @Sendable () -> Moment) {
        self.read = read
    }

    var moment: Moment { read() }

    /// What a call gives, and how long it took, in microseconds.
    static func timed<Value, Failure: Error>(
        _ body: () throws(Failure) -> Value
    ) throws(Failure) -> (value: Value, microseconds: UInt64) {
        let start = DispatchTime.now().uptimeNanoseconds
        let value = try body()
        return (value, (DispatchTime.now().uptimeNanoseconds - start) / 1000)
    }

    static let system = NodeClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Moment(
            instant: Instant(milliseconds: DispatchTime.now().uptimeNanoseconds / 1_000_000),
            clock: Timestamp(milliseconds: UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000))
    }
}
