import Synchronization
import TimeCoinCore
import TimeCoinStore

/// The backup that a running node makes: one at a time, and how far it has come, for whoever asks.
final class BackupRun: Sendable {
    private enum Phase {
        case idle
        /// The file grows under this path.
        case copying(String, ProgressMeter)
        case verifying(ProgressReport?)
    }

    private let phase = Mutex(Phase.idle)

    /// - Returns: `false` while there is another.
    func begin(copyingTo path: String, bytes: UInt64, by clock: NodeClock) -> Bool {
        let meter = ProgressMeter("backup", unit: "bytes", total: bytes, at: clock.moment.instant)
        return phase.withLock { phase in
            guard case .idle = phase else { return false }
            phase = .copying(path, meter)
            return true
        }
    }

    func end() { phase.withLock { $0 = .idle } }

    /// Where the verification of the copy tells how far it is.
    func verification(by clock: NodeClock) -> ProgressSink {
        ProgressSink(clock: clock) { report in self.phase.withLock { $0 = .verifying(report) } }
    }

    /// `nil` where no backup is made.
    func progress(at now: Instant) -> ProgressReport? {
        phase.withLock { phase in
            switch phase {
            case .idle: return nil
            case .verifying(let report): return report
            case .copying(let path, var meter):
                // Free pages are left out, so that it may stay below the bytes of the database.
                let done = (try? PosixFileSystem().size(of: path)) ?? 0
                return meter.advance(to: done, at: now) ?? meter.finish(at: now)
            }
        }
    }
}
