import TimeCoinCore
import TimeCoinStore

/// What a verified database holds.
struct VerifiedDatabase: Hashable {
    let height: Height
    /// Hash of the tip.
    let hash: Hash256
    let stateRoot: Hash256
    /// Unspent outputs.
    let outputs: UInt64
}

/// Whether a database is what its certified tip says.
enum DatabaseVerification {
    /// Looks at every record, and recomputes from them what the certified header of the tip says.
    ///
    /// - Parameter chain: hash of the genesis block.
    /// - Throws: ``DatabaseFailure`` `damaged` with the first damages; `StoreFailure`.
    static func run(_ path: String, chain: Hash256, progress: ProgressSink) throws -> VerifiedDatabase {
        var meters: [VerificationProgress.Phase: ProgressMeter] = [:]
        let report = try ChainStore.verify(path, chain: chain) { step in
            var meter =
                meters[step.phase]
                ?? progress.meter("verify", unit: step.phase.rawValue, total: step.total)
            progress.advance(&meter, to: step.done)
            meters[step.phase] = meter
        }
        guard report.isSound, let height = report.height, let hash = report.hash,
            let root = report.stateRoot
        else {
            let told = report.damages.prefix(3).map { "\($0)" }.joined(separator: "; ")
            throw DatabaseFailure(
                .damaged, "\(path) is damaged: \(told.isEmpty ? "it has no chain" : told)",
                hint: report.damages.count > 3 ? "there are \(report.damages.count) damages" : nil)
        }
        return VerifiedDatabase(height: height, hash: hash, stateRoot: root, outputs: report.outputs)
    }
}
