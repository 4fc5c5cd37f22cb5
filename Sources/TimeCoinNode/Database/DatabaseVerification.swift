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
    ///   - chain: hash of the genesis block.
    ///   - validators: hash of the set of genesis: it decided the first block of a database that begins
    ///     later, too. `nil` where a block is trusted instead.
    /// - Throws: ``DatabaseFailure`` `damaged` with the first damages; `StoreFailure`.
    static func run(
        _ path: String, chain: Hash256, trusting validators: Hash256?, progress: ProgressSink
    ) throws -> VerifiedDatabase {
        let report = try report(path, chain, validators, progress)
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
        do {
            return VerificationSummary(
                try report(directory.chain, genesis.hash, genesis.state.validators.hash, progress))
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
        _ path: String, _ chain: Hash256, _ trusted: Hash256?, _ progress: ProgressSink
    ) throws(StoreFailure) -> DatabaseReport {
        var meters: [VerificationProgress.Phase: ProgressMeter] = [:]
        var finished: Set<VerificationProgress.Phase> = []
        // A phase begins where the one before has ended.
        var begun = progress.clock.moment.instant
        return try ChainStore.verify(path, chain: chain, trusting: trusted) { step in
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
