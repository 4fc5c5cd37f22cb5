import TimeCoinCore

/// The two clocks of a simulated machine: both run from virtual time, each wrong in its own way.
struct SimulatedClock: Sendable {
    /// Where wall clocks stand when virtual time begins, milliseconds since 1970.
    static let epoch = TestChain.genesisTime.milliseconds
    private static let million: Int64 = 1_000_000

    private var anchor: UInt64 = 0
    private var instantAtAnchor: UInt64
    private var wallAtAnchor: Int64
    /// How much faster than virtual time both run, millionths.
    private(set) var drift: Int64 = 0
    /// How far the wall clock was set away from the truth, milliseconds.
    private var offset: Int64 = 0

    /// - Parameter number: monotonic clocks of different machines have nothing in common.
    init(number: Int) {
        instantAtAnchor = 1_000_000 + UInt64(truncatingIfNeeded: number) * 7_919_000
        wallAtAnchor = Int64(truncatingIfNeeded: SimulatedClock.epoch)
    }

    private func elapsed(at now: UInt64) -> Int64 {
        let span = Int64(truncatingIfNeeded: now - min(now, anchor))
        return span + span * drift / SimulatedClock.million
    }

    func instant(at now: UInt64) -> Instant {
        Instant(milliseconds: instantAtAnchor + UInt64(max(0, elapsed(at: now))))
    }

    func wall(at now: UInt64) -> Timestamp {
        Timestamp(milliseconds: UInt64(max(0, wallAtAnchor + elapsed(at: now) + offset)))
    }

    /// Virtual milliseconds until an instant, about; never less than one.
    func wait(until instant: Instant, at now: UInt64) -> UInt64 {
        let present = self.instant(at: now)
        return max(1, instant.milliseconds - min(instant.milliseconds, present.milliseconds))
    }

    mutating func setDrift(_ millionths: Int64, at now: UInt64) {
        let span = elapsed(at: now)
        instantAtAnchor += UInt64(max(0, span))
        wallAtAnchor += span
        anchor = now
        drift = millionths
    }

    mutating func jump(to offset: Int64) {
        self.offset = offset
    }

    /// Both run right again; the wall clock shows the truth.
    mutating func heal(at now: UInt64) {
        setDrift(0, at: now)
        offset = 0
        wallAtAnchor = Int64(truncatingIfNeeded: SimulatedClock.epoch + now)
    }
}
