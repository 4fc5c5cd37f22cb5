import TimeCoinCore
import TimeCoinStore

/// A database that is about to be replaced: while this lives no node can open it.
struct HeldDatabase {
    private let holder: any Sendable
    /// Of its tip; `nil` when it cannot be read, which may be why it is replaced.
    let height: Height?

    /// - Parameter trial: a program and its arguments that open the database and end; where that dies of it,
    ///   the database is not opened here. `nil` tries nothing.
    /// - Throws: ``DatabaseFailure`` `inUse`; `interrupted` when the trial was ended from outside.
    init(_ directory: NodeDirectory, chain: Hash256, trial: [String]?) throws {
        if let trial, case .signal(let signal) = try ChildProcess.run(trial) {
            guard ChildProcess.crashSignals.contains(signal) else {
                throw DatabaseFailure(
                    .interrupted, "the trial opening was ended by signal \(signal)", hint: "call it again")
            }
            do {
                (holder, height) = (try PosixFileSystem().lock(directory.chain), nil)
            } catch {
                guard error.code != .locked else { throw DatabaseFailure.inUse(directory) }
                throw error
            }
            return
        }
        (holder, height) = try HeldDatabase.hold(directory, chain)
    }

    private static func hold(
        _ directory: NodeDirectory, _ chain: Hash256
    ) throws -> (any Sendable, Height?) {
        do {
            let store = try ChainStore(
                opening: directory.chain, chain: chain, options: StoreOptions(), checking: false)
            return (store, try? store.snapshot { try $0.tip()?.height })
        } catch {
            guard error.code != .locked else { throw DatabaseFailure.inUse(directory) }
            return (try PosixFileSystem().lock(directory.chain), nil)
        }
    }
}
