import TimeCoinNode
import TimeCoinStore

/// Where a simulated node keeps its durable files.
enum SimulatedFiles {
    static let journal = "journal"
    static let record = "signer"

    /// Segments small enough that a run fills several. Unit: bytes.
    private static let segmentBytes: UInt64 = 24 << 10

    /// The empty record of a member that never signed.
    static func create(on disk: SimulatedDisk, number: Int) {
        try? disk.createDirectory(record)
        try? SignRecordFile.create(in: record, instance: UInt64(number) + 1, files: disk)
        try? disk.createDirectory(journal)
    }

    static func journal(on disk: SimulatedDisk) throws -> StoredJournal {
        var options = AppendOnlyFile.Options()
        options.segmentBytes = segmentBytes
        options.segmentsMin = 2
        return try StoredJournal(opening: journal, options: options, files: disk)
    }
}
