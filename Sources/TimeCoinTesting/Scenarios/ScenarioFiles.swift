import Synchronization
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinNode
import TimeCoinStore

/// The writes of a node that a scenario counts: an input of the machine is one, a signature another.
final class ScenarioWrites: Sendable {
    private let left = Mutex<Int?>(nil)

    /// The n-th write from now on fails; `nil` for none.
    func fail(at number: Int?) {
        left.withLock { $0 = number }
    }

    func pass() throws(StoreFailure) {
        let fails = left.withLock { left in
            guard let count = left else { return false }
            left = count > 1 ? count - 1 : nil
            return count <= 1
        }
        if fails { throw StoreFailure(.io, "a write fails") }
    }
}

/// The shipping journal, of which a write may fail.
final class ScenarioJournal: ConsensusJournaling {
    private let journal: StoredJournal
    private let writes: ScenarioWrites

    init(_ journal: StoredJournal, _ writes: ScenarioWrites) {
        self.journal = journal
        self.writes = writes
    }

    func append(_ entry: JournalEntry, height: Height) throws {
        if case .record = entry { try writes.pass() }
        try journal.append(entry, height: height)
    }

    func sync() throws { try journal.sync() }
    func prune(below height: Height) throws { try journal.prune(below: height) }
}

/// The shipping record of signatures, of which a write may fail.
final class ScenarioSignRecord: SignRecording {
    private let record: StoredSignRecord
    private let writes: ScenarioWrites

    init(_ record: StoredSignRecord, _ writes: ScenarioWrites) {
        self.record = record
        self.writes = writes
    }

    var positions: SignerPositions { record.positions }

    func append(_ record: SignerRecord) throws {
        try writes.pass()
        try self.record.append(record)
    }
}
