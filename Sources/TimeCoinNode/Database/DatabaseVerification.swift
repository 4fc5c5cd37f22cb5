import Foundation
import TimeCoinControl
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
public enum DatabaseVerification {
    /// Looks at every record, and recomputes from them what the certified header of the tip says.
    ///
    /// - Parameters:
    ///   - path: of a database of this node, wherever it lies.
    ///   - isTrusted: a block of it is trusted, and not the set of genesis, which else decided the first
    ///     block of a database that begins later, too.
    /// - Throws: ``DatabaseFailure``: `damaged` with the first damages, `refused` for a recovery that is not
    ///   followed here; `StoreFailure`.
    static func run(
        _ path: String, in directory: NodeDirectory, isTrusted: Bool = false, progress: ProgressSink
    ) throws -> VerifiedDatabase {
        let genesis = try directory.readGenesis()
        let recoveries = try RecoveryDirectory(directory).recoveries(genesis: genesis.state)
        let trusted = isTrusted ? nil : genesis.state.validators.hash
        let report = try report(path, genesis.hash, trusted, recoveries, progress)
        if let recovery = report.unfollowedRecovery {
            throw RecoveryDirectory.unfollowed(recovery, path, directory)
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

    /// Verifies the database of a stopped node, in this process: a damaged page can end it by a signal.
    ///
    /// - Returns: what was found, damage included.
    /// - Throws: ``DatabaseFailure``: `missing`, `inUse`; `StoreFailure` for faults of the disk, and where
    ///   the database is not of this node or this program.
    public static func report(
        of directory: NodeDirectory, progress: ProgressSink
    ) throws -> VerificationSummary {
        let genesis = try directory.readGenesis()
        try DatabaseSwap.settle(directory)
        guard NodeDatabase.exists(directory.chain) else { throw DatabaseFailure.noDatabase(directory.chain) }
        let recoveries = try RecoveryDirectory(directory).recoveries(genesis: genesis.state)
        do throws(StoreFailure) {
            let report = try report(
                directory.chain, genesis.hash, genesis.state.validators.hash, recoveries, progress)
            return VerificationSummary(report, of: directory)
        } catch {
            switch error.code {
            case .locked: throw DatabaseFailure.inUse(directory)
            case .corrupt: return VerificationSummary(unreadable: error)
            default: throw error
            }
        }
    }

    /// Runs a program that calls ``report(of:progress:)`` and shows what it gives.
    ///
    /// - Parameter words: the program's path, and its arguments.
    /// - Returns: the status with which it ended, or what is known of a database that ended it.
    /// - Throws: ``DatabaseFailure`` `interrupted` for a signal that has nothing to do with the database.
    public static func runApart(_ words: [String]) throws -> (status: Int32, crash: VerificationSummary?) {
        switch try ChildProcess.run(words) {
        case .status(let status): return (status, nil)
        case .signal(let signal):
            guard ChildProcess.crashSignals.contains(signal) else {
                throw DatabaseFailure(
                    .interrupted, "the verification was ended by signal \(signal)", hint: "call it again")
            }
            return (ExitCode.ioError.rawValue, VerificationSummary(crashedBy: signal))
        }
    }

    private static func report(
        _ path: String, _ chain: Hash256, _ trusted: Hash256?, _ recoveries: [VerifiedRecovery],
        _ progress: ProgressSink
    ) throws(StoreFailure) -> DatabaseReport {
        var meters: [VerificationProgress.Phase: ProgressMeter] = [:]
        var finished: Set<VerificationProgress.Phase> = []
        // A phase begins where the one before has ended.
        var begun = progress.clock.moment.instant
        return try ChainStore.verify(path, chain: chain, trusting: trusted, following: recoveries) { step in
            guard !finished.contains(step.phase) else { return }
            var meter =
                meters[step.phase]
                ?? ProgressMeter("verify", unit: step.phase.rawValue, total: step.total, at: begun)
            progress.advance(&meter, to: step.done)
            meters[step.phase] = meter
            guard step.done >= step.total else { return }
            finished.insert(step.phase)
            begun = progress.clock.moment.instant
            progress.finish(meter)
        }
    }
}
