/// Wall-clock time: milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// It appears in headers and in schedules. Elapsed time is measured with ``Instant``; the two never mix.
public struct Timestamp: Hashable, Sendable, Comparable {
    public let milliseconds: UInt64

    public init(milliseconds: UInt64) {
        self.milliseconds = milliseconds
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// Whole seconds, rounded down: the unit of lock times (BIP 113).
    public var seconds: UInt64 { milliseconds / 1000 }

    /// Saturates at the largest representable time.
    public func advanced(byMilliseconds delta: UInt64) -> Timestamp {
        let (sum, overflow) = milliseconds.addingReportingOverflow(delta)
        return Timestamp(milliseconds: overflow ? .max : sum)
    }
}

/// A point on this machine's monotonic clock, in milliseconds from an arbitrary start.
public struct Instant: Hashable, Sendable, Comparable {
    public let milliseconds: UInt64

    public init(milliseconds: UInt64) {
        self.milliseconds = milliseconds
    }

    public static func < (left: Instant, right: Instant) -> Bool { left.milliseconds < right.milliseconds }

    /// Saturates at the largest representable instant.
    public func advanced(byMilliseconds delta: UInt64) -> Instant {
        let (sum, overflow) = milliseconds.addingReportingOverflow(delta)
        return Instant(milliseconds: overflow ? .max : sum)
    }
}
