import Logging
import Synchronization
package import TimeCoinCore
import TimeCoinStore

/// Transactions that were handed in at this node and wait: the answer was that they were taken, so they
/// outlive the process.
///
/// Frames bear the second of the wall clock in which they were written. Not synced: they shall outlive a kill
/// of the process, and whoever hands in a transaction can do so again after a failure of the machine.
final class SubmissionLog: SubmissionRecording {
    private let file: Mutex<AppendOnlyFile>
    /// What was handed in before and may still wait, oldest first.
    let kept: [Resubmission]
    private let torn: AppendOnlyFile.TornTail?

    /// Opens the log, and reads it through; one that is damaged is set aside and begun anew: nothing but
    /// convenience depends on it.
    ///
    /// - Throws: ``StoreFailure`` for what keeps a new one from being written.
    convenience init(opening directory: String, at clock: Timestamp, logger: Logger) throws {
        do {
            try self.init(reading: directory, at: clock)
            if let torn {
                logger.warning(
                    "the end of what was handed in before is damaged and cut off",
                    metadata: ["path": "\(directory)", "bytes": "\(torn.bytes)"])
            }
        } catch let failure as StoreFailure {
            try DamagedFiles.setAside(directory, after: failure, logger: logger)
            try self.init(reading: directory, at: clock)
        }
    }

    private init(reading directory: String, at clock: Timestamp) throws {
        var options = AppendOnlyFile.Options()
        options.segmentBytes = 4 << 20
        options.segmentsMin = 1
        let file = try AppendOnlyFile(opening: directory, options: options)
        var kept: [Resubmission] = []
        try file.records { record in
            guard let checked = try? CheckedTransaction(decoding: record.payload) else { return }
            let (written, overflow) = record.height.multipliedReportingOverflow(by: 1000)
            let age = overflow ? 0 : clock.milliseconds - min(clock.milliseconds, written)
            kept.append(Resubmission(checked, age: age))
        }
        self.kept = kept
        torn = file.torn
        self.file = Mutex(file)
    }

    func append(_ transaction: [UInt8], at clock: Timestamp) throws {
        try file.withLock { file in
            _ = try file.append(transaction, height: max(file.lastHeight, clock.milliseconds / 1000))
        }
    }

    func prune(before clock: Timestamp) throws {
        try file.withLock { try $0.prune(below: clock.milliseconds / 1000) }
    }
}

/// The durable form of what was handed in.
package protocol SubmissionRecording: Sendable {
    func append(_ transaction: [UInt8], at clock: Timestamp) throws
    /// Lets go what was written before, as far as that is cheap.
    func prune(before clock: Timestamp) throws
}
