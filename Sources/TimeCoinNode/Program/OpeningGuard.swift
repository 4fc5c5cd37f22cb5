import Foundation
import Logging
import TimeCoinStore

/// Notices a database that ends every process that opens it: a damaged page can crash the database engine,
/// which then cannot report it.
///
/// Each opening is counted in a file until it has finished, well or with an error. Where several in a row
/// have not, the database is opened in a process of its own first; when that crashes the database is put
/// aside. Nothing is deleted, and the operator is asked: the next start fetches the chain from the peers.
struct OpeningGuard {
    /// Openings that may end without an end before the next is tried elsewhere.
    static let attemptsMax: UInt64 = 2
    /// Databases put aside beside each other, at most.
    static let quarantinesMax = 1000

    private let directory: NodeDirectory
    private let trial: [String]?
    private let logger: Logger
    private let files = PosixFileSystem()

    private var counter: String { directory.root + "/opening" }

    /// - Parameter trial: a program and its arguments that open the database and end; `nil` tries nothing.
    init(_ directory: NodeDirectory, trial: [String]?, logger: Logger) {
        self.directory = directory
        self.trial = trial
        self.logger = logger
    }

    /// Opens, counted.
    ///
    /// Only one process at a time: another one's end would remove the count of an opening that goes on.
    ///
    /// - Throws: what `body` throws; `locked` while another process opens it; `corrupt` when the database was
    ///   put aside; ``TrialEnded``; faults of the disk.
    func open<Store>(_ body: () throws -> Store) throws -> Store {
        let lock = try files.lock(directory.root)
        defer { withExtendedLifetime(lock) {} }
        let isCounting = try files.names(in: directory.root)?.contains("opening") == true
        let unfinished = isCounting ? try files.size(of: counter) : 0
        if unfinished >= OpeningGuard.attemptsMax, let trial { try run(trial, after: unfinished) }
        let file = try files.open(counter, creating: true)
        try file.append([UInt8(ascii: ".")])
        try file.sync()
        try files.syncDirectory(directory.root)
        let result = Result { try body() }
        try forget()
        return try result.get()
    }

    private func forget() throws {
        guard try files.names(in: directory.root)?.contains("opening") == true else { return }
        try files.remove(counter)
        try files.syncDirectory(directory.root)
    }

    private func run(_ trial: [String], after unfinished: UInt64) throws {
        logger.error(
            "the last openings of the database did not end: it is tried in a process of its own",
            metadata: ["openings": "\(unfinished)"])
        guard case .signal(let signal) = try ChildProcess.run(trial) else { return }
        guard ChildProcess.crashSignals.contains(signal) else { throw TrialEnded(signal: signal) }
        let aside = try setAside()
        try forget()
        throw StoreFailure(
            .corrupt,
            "the database ends every process that opens it (signal \(signal)) and was put aside as "
                + "\(aside), nothing of it is deleted; restore a backup into \(directory.chain), or start "
                + "again: the node then fetches the chain from its peers")
    }

    private func setAside() throws -> String {
        let names = Set(try files.names(in: directory.root) ?? [])
        for number in 1...OpeningGuard.quarantinesMax where !names.contains("chain.quarantine-\(number)") {
            let aside = directory.root + "/chain.quarantine-\(number)"
            try files.rename(directory.chain, to: aside)
            try files.syncDirectory(directory.root)
            return aside
        }
        throw StoreFailure(
            .exists, "\(directory.root) holds \(OpeningGuard.quarantinesMax) databases put aside")
    }
}

/// The trial of a database was ended from outside, by the kernel for want of memory or by somebody: that
/// says nothing about the database, and the next start tries it again.
public struct TrialEnded: Error, CustomStringConvertible {
    let signal: Int32

    public var description: String {
        "the process that tried to open the database was ended from outside (signal \(signal)), for want of "
            + "memory or by somebody; the database stays where it is: start again"
    }
}
