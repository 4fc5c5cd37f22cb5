import Synchronization
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinStore

/// The consensus journal as a file.
final class StoredJournal: ConsensusJournaling {
    private let file: Mutex<ConsensusJournal>

    init(opening directory: String) throws {
        file = Mutex(try ConsensusJournal(opening: directory))
    }

    /// The height up to which nothing may be signed, because a complete last record was damaged and may have
    /// been
    /// a durable one; `nil` when the journal is whole, or torn as a crash tears it.
    var damagedUpTo: Height? {
        file.withLock { journal in
            journal.torn.flatMap { $0.isProven ? nil : journal.lastHeight }
        }
    }

    func append(_ entry: JournalEntry, height: Height) throws {
        try file.withLock { try $0.append(entry.encoded, height: height) }
    }

    func sync() throws {
        try file.withLock { try $0.sync() }
    }

    func prune(below height: Height) throws {
        try file.withLock { try $0.prune(below: height) }
    }

    /// What was kept of a height, oldest first.
    func entries(of height: Height) throws -> [JournalEntry] {
        try file.withLock { journal in
            var entries: [JournalEntry] = []
            try journal.replay(fromHeight: height) { frame in
                if frame.height == height, let entry = JournalEntry(decoding: frame.payload) {
                    entries.append(entry)
                }
            }
            return entries
        }
    }
}

/// Transactions that were handed in at this node and wait: the answer was that they were taken, so they
/// outlive the process.
///
/// Frames bear the second of the wall clock in which they were written. Not synced: they shall outlive a kill
/// of the process, and whoever hands in a transaction can do so again after a failure of the machine.
final class SubmissionLog: SubmissionRecording {
    private let file: Mutex<AppendOnlyFile>

    init(opening directory: String) throws {
        var options = AppendOnlyFile.Options()
        options.segmentBytes = 4 << 20
        options.segmentsMin = 1
        file = Mutex(try AppendOnlyFile(opening: directory, options: options))
    }

    func append(_ transaction: [UInt8], at clock: Timestamp) throws {
        try file.withLock { file in
            _ = try file.append(transaction, height: max(file.lastHeight, clock.milliseconds / 1000))
        }
    }

    func prune(before clock: Timestamp) throws {
        try file.withLock { try $0.prune(below: clock.milliseconds / 1000) }
    }

    /// What was handed in and may still wait, oldest first.
    func transactions() throws -> [CheckedTransaction] {
        try file.withLock { file in
            var found: [CheckedTransaction] = []
            try file.records { record in
                if let checked = try? CheckedTransaction(decoding: record.payload) { found.append(checked) }
            }
            return found
        }
    }
}

/// The durable form of what was handed in.
protocol SubmissionRecording: Sendable {
    func append(_ transaction: [UInt8], at clock: Timestamp) throws
    /// Lets go what was written before, as far as that is cheap.
    func prune(before clock: Timestamp) throws
}

/// The signer's record as a file.
final class StoredSignRecord: SignRecording {
    private let state: Mutex<State>

    private struct State {
        let file: SignRecordFile
        var positions: SignerPositions
    }

    init(opening directory: String) throws {
        let file = try SignRecordFile(opening: directory)
        var positions = SignerPositions()
        for record in file.records {
            positions.note(try SignerRecord(decoding: record.payload))
        }
        state = Mutex(State(file: file, positions: positions))
    }

    /// Creates the record of a member that never signed.
    static func create(at directory: String) throws {
        _ = try SignRecordFile.create(in: directory, instance: UInt64.random(in: 1...UInt64.max))
    }

    var positions: SignerPositions { state.withLock { $0.positions } }

    func append(_ record: SignerRecord) throws {
        try state.withLock { state in
            try state.file.append(record.encoded, height: record.position.height)
            state.positions.note(record)
        }
    }
}
