import Logging
import TimeCoinCore
import TimeCoinStore

/// A full disk, foreseen.
extension NodeShell {
    /// Looks now and then at the room that is left.
    mutating func lookAtDisk(at now: Instant) {
        guard let disk = parts.disk, fault == nil, diskLookAt <= now else { return }
        diskLookAt = now.advanced(byMilliseconds: DiskWatermark.interval)
        do {
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
