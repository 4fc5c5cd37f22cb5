import Foundation
import Logging
import TimeCoinStore

/// What becomes of a damaged directory on which nothing but convenience depends.
enum DamagedFiles {
    /// Added to the name of what was set aside; one of a kind is kept, the latest.
    static let suffix = ".damaged"

    /// Moves a directory out of the way and says so.
    ///
    /// - Throws: the failure itself when it is none of the content: another instance at work, a disk that
    ///   does not read or write; and what keeps the directory from being moved.
    static func setAside(_ path: String, after failure: StoreFailure, logger: Logger) throws {
        switch failure.code {
        case .corrupt, .formatTooNew, .formatTooOld: break
        default: throw failure
        }
        let target = path + suffix
        if FileManager.default.fileExists(atPath: target) {
            try FileManager.default.removeItem(atPath: target)
        }
        try FileManager.default.moveItem(atPath: path, toPath: target)
        logger.warning(
            "set aside what cannot be read, and began anew",
            metadata: ["path": "\(path)", "aside": "\(target)", "reason": "\(failure)"])
    }
}
