public import TimeCoinControl
package import TimeCoinCore

/// How far a long command has come.
public struct ProgressReport: Hashable, Sendable {
    /// What is done, in a word.
    public let action: String
    /// What is counted.
    public let unit: String
    public let done: UInt64
    /// `nil` where the end is not known.
    public let total: UInt64?
    /// Tenths of a unit a second, on average since the start; `nil` before there is an average.
    public let tenthsPerSecond: UInt64?
    /// Unit: seconds.
    public let secondsLeft: UInt64?

    public var json: JSONValue {
        .object([
            "action": .string(action), "unit": .string(unit), "done": .integer(done),
            "total": total.map { .integer($0) } ?? .null,
            "persecond": tenthsPerSecond.map { .number("\($0 / 10).\($0 % 10)") } ?? .null,
            "secondsleft": secondsLeft.map { .integer($0) } ?? .null,
        ])
    }

    /// As a node has written it; `nil` where something is missing.
    init?(_ json: JSONValue) {
        guard let action = json["action"]?.string, let unit = json["unit"]?.string,
            let done = json["done"]?.integer.flatMap({ UInt64(exactly: $0) })
        else { return nil }
        self.action = action
        self.unit = unit
        self.done = done
        total = json["total"]?.integer.flatMap { UInt64(exactly: $0) }
        // One digit behind the point.
        tenthsPerSecond = (json["persecond"]?.token?.filter { $0 != "." }).flatMap { UInt64($0) }
        secondsLeft = json["secondsleft"]?.integer.flatMap { UInt64(exactly: $0) }
    }

    init(
        action: String, unit: String, done: UInt64, total: UInt64?, tenthsPerSecond: UInt64?,
        secondsLeft: UInt64?
    ) {
        self.action = action
        self.unit = unit
        self.done = done
        self.total = total
        self.tenthsPerSecond = tenthsPerSecond
        self.secondsLeft = secondsLeft
    }

    public var sentence: String {
        let goal = total.map { " of \($0)" } ?? ""
        let rate = tenthsPerSecond.map { ", \($0 / 10).\($0 % 10) a second" } ?? ""
        let left = secondsLeft.map { ", \(ProgressReport.duration($0)) left" } ?? ""
        return "\(action): \(done)\(goal) \(unit)\(rate)\(left)"
    }

    private static func duration(_ seconds: UInt64) -> String {
        seconds < 120
            ? "\(seconds) s" : seconds < 7200 ? "\(seconds / 60) min" : "\(seconds / 3600) h"
    }
}

/// Decides when there is something to tell: at most once an interval, and at the end.
package struct ProgressMeter: Sendable {
    /// Between two reports. Unit: milliseconds.
    package static let interval: UInt64 = 1000

    private let action: String
    private let unit: String
    private let first: UInt64
    private let total: UInt64?
    private let started: Instant
    private var told: Instant
    private var done: UInt64

    /// - Parameters:
    ///   - first: what was done before: it does not count for the rate.
    ///   - total: `nil` where the end is not known.
    package init(_ action: String, unit: String, from first: UInt64 = 0, total: UInt64?, at now: Instant) {
        self.action = action
        self.unit = unit
        self.first = first
        self.total = total
        started = now
        told = now
        done = first
    }

    /// - Returns: what to tell, if it is time to.
    package mutating func advance(to done: UInt64, at now: Instant) -> ProgressReport? {
        self.done = done
        guard told.advanced(byMilliseconds: ProgressMeter.interval) <= now else { return nil }
        told = now
        return report(at: now)
    }

    /// The last word.
    package func finish(at now: Instant) -> ProgressReport { report(at: now) }

    private func report(at now: Instant) -> ProgressReport {
        let elapsed = now.milliseconds - min(now.milliseconds, started.milliseconds)
        let (scaled, overflow) = (done - min(done, first)).multipliedReportingOverflow(by: 10_000)
        let rate = elapsed == 0 || overflow ? nil : scaled / elapsed
        var left: UInt64?
        if let total, let rate, rate > 0 {
            let (tenths, overflow) = (total - min(total, done)).multipliedReportingOverflow(by: 10)
            left = overflow ? nil : tenths / rate
        }
        return ProgressReport(
            action: action, unit: unit, done: done, total: total, tenthsPerSecond: rate, secondsLeft: left)
    }
}

/// Where the progress of a command goes, and by which clock it is told.
public struct ProgressSink: Sendable {
    let clock: NodeClock
    let tell: @Sendable (ProgressReport) -> Void

    package init(clock: NodeClock, _ tell: @escaping @Sendable (ProgressReport) -> Void) {
        self.clock = clock
        self.tell = tell
    }

    /// Nobody listens.
    public static let silent = ProgressSink(clock: .system) { _ in }

    /// Lines on standard error: sentences, or one JSON object each.
    public static func standardError(json: Bool) -> ProgressSink {
        ProgressSink(clock: .system) { report in
            StandardStreams.note(json ? report.json.compact : report.sentence)
        }
    }

    func meter(_ action: String, unit: String, from first: UInt64 = 0, total: UInt64?) -> ProgressMeter {
        ProgressMeter(action, unit: unit, from: first, total: total, at: clock.moment.instant)
    }

    func advance(_ meter: inout ProgressMeter, to done: UInt64) {
        if let report = meter.advance(to: done, at: clock.moment.instant) { tell(report) }
    }

    func finish(_ meter: ProgressMeter) { tell(meter.finish(at: clock.moment.instant)) }
}
