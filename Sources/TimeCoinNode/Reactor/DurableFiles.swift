import Synchronization
package import TimeCoinConsensus
package import TimeCoinCore
package import TimeCoinStore

/// The consensus journal as a file.
package final class StoredJournal: ConsensusJournaling {
    private let file: Mutex<ConsensusJournal>

    package init(
        opening directory: String, options: AppendOnlyFile.Options = AppendOnlyFile.Options(),
        files: any FileSystem = PosixFileSystem()
    ) throws {
        file = Mutex(try ConsensusJournal(opening: directory, options: options, files: files))
    }

    /// The height up to which nothing may be signed, because a complete last record was damaged and may have
    /// been
    /// a durable one; `nil` when the journal is whole, or torn as a crash tears it.
    package var damagedUpTo: Height? {
        file.withLock { journal in
            journal.torn.flatMap { $0.isProven ? nil : journal.lastHeight }
        }
    }

    /// The height of the last record; 0 before the first.
    var lastHeight: Height { file.withLock { $0.lastHeight } }

    package func append(_ entry: JournalEntry, height: Height) throws {
        try file.withLock { try $0.append(entry.encoded, height: height) }
    }

    package func sync() throws {
        try file.withLock { try $0.sync() }
    }

    package func prune(below height: Height) throws {
        try file.withLock { try $0.prune(below: height) }
    }

    /// What was kept of a height, oldest first.
    package func entries(of height: Height) throws -> [JournalEntry] {
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

/// The signer's record as a file.
package final class StoredSignRecord: SignRecording {
    /// The database beside it has the same.
    package let instance: UInt64
    private let state: Mutex<State>

    private struct State {
        let file: SignRecordFile
        var positions: SignerPositions
    }

    package init(opening directory: String, files: any FileSystem = PosixFileSystem()) throws {
        let file = try SignRecordFile(opening: directory, files: files)
        var positions = SignerPositions()
        for record in file.records {
            positions.note(try SignerRecord(decoding: record.payload))
        }
        instance = file.instance
        state = Mutex(State(file: file, positions: positions))
    }

    /// Creates the record of a member that never signed.
    ///
    /// - Parameter instance: of the database beside it; drawn where there is none yet.
    static func create(
        at directory: String, instance: UInt64 = UInt64.random(in: 1...UInt64.max)
    ) throws {
        _ = try SignRecordFile.create(in: directory, instance: instance)
    }

    package var positions: SignerPositions { state.withLock { $0.positions } }

    package func append(_ record: SignerRecord) throws {
        try state.withLock { state in
            try state.file.append(record.encoded, height: record.position.height)
            state.positions.note(record)
        }
    }
}
