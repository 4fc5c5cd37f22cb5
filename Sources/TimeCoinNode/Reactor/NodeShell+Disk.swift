import Logging
import TimeCoinCore
import TimeCoinStore

/// A full disk, foreseen.
extension NodeShell {
    /// Commits that the oldest snapshot in use may lie behind before it is told. Unit: commits.
    private static let snapshotLagMax: UInt64 = 100

    /// Looks now and then at the room that is left, and at who keeps pages from being used again.
    mutating func lookAtDisk(at now: Instant) {
        guard let disk = parts.disk, fault == nil, diskLookAt <= now else { return }
        diskLookAt = now.advanced(byMilliseconds: DiskWatermark.interval)
        do {
            if let lag = try parts.store.oldestSnapshotLag(), lag > NodeShell.snapshotLagMax {
                parts.logger.warning(
                    "a snapshot of the database is in use for long: it grows meanwhile",
                    metadata: ["commits": "\(lag)"])
            }
            let space = try disk.files.space(at: disk.path)
            switch diskWatermark.take(space) {
            case nil: break
            case .enough: deliver(.diskRoom(isLow: false))
            case .low: deliver(.diskRoom(isLow: true))
            case .empty:
                throw StoreFailure(
                    .full,
                    "\(space.free) bytes are free where \(disk.path) lies: stopped before a write fails; "
                        + "make room and start again")
            }
        } catch {
            parts.logger.critical("stopped signing and writing: \(error)")
            fail(error)
        }
    }
}
