package import TimeCoinConsensus
package import TimeCoinCore

/// What the journal keeps of a height.
package enum JournalEntry: Sendable {
    case record(JournalRecord)
    /// The bytes of a block that may be locked or decided.
    case value([UInt8])

    private static let recordTag: UInt8 = 1
    private static let valueTag: UInt8 = 2

    package var encoded: [UInt8] {
        switch self {
        case .record(let record): [JournalEntry.recordTag] + record.encoded
        case .value(let bytes): [JournalEntry.valueTag] + bytes
        }
    }

    package init?(decoding bytes: [UInt8]) {
        switch bytes.first {
        case JournalEntry.recordTag:
            guard let record = try? JournalRecord(decoding: Array(bytes.dropFirst())) else { return nil }
            self = .record(record)
        case JournalEntry.valueTag: self = .value(Array(bytes.dropFirst()))
        default: return nil
        }
    }
}

/// Where the journal goes.
package protocol ConsensusJournaling: AnyObject, Sendable {
    func append(_ entry: JournalEntry, height: Height) throws
    /// Everything appended is durable on return.
    func sync() throws
    /// Lets go what is of lower heights, as far as that is cheap.
    func prune(below height: Height) throws
}
