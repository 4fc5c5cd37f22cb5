/// Where a scrub goes on: the first key of a table that was not looked at.
public struct ScrubPlace: Hashable, Sendable {
    /// The identifier of the table.
    public let table: UInt8
    public let key: [UInt8]
}

/// A step of a scrub: some records looked at.
public struct ScrubStep: Hashable, Sendable {
    /// Records looked at, those that other records lead to included.
    public internal(set) var records = 0
    public internal(set) var damages: [DatabaseReport.Damage] = []
    /// Where to go on; `nil` when every record was looked at.
    public internal(set) var next: ScrubPlace?
}

extension ChainStore {
    /// The table of a place.
    public static func tableName(_ place: ScrubPlace) -> String? { ChainTables.name(place.table) }

    /// Looks at the next records: at the checksum of each, whether it can be decoded, and whether it agrees
    /// with those that it belongs to.
    ///
    /// It takes a short snapshot; between two steps the chain may change in any way.
    ///
    /// - Parameters:
    ///   - place: where the last step has ended; `nil` begins a pass.
    ///   - records: at most about so many records; a block counts as much as it has transactions.
    /// - Throws: ``StoreFailure`` for faults of the disk; damage is in the step.
    public func scrub(from place: ScrubPlace?, records: Int) throws(StoreFailure) -> ScrubStep {
        do {
            return try reading { reader in
                var scrub = Scrub(reader, room: max(1, records))
                return try scrub.run(from: place)
            }
        } catch let failure as StoreFailure {
            throw failure
        } catch {
            throw StoreFailure(.corrupt, "the scrub failed", cause: error)
        }
    }
}

/// The tables in the order in which a scrub looks at them: that of their identifiers.
enum ScrubbedTable: UInt8 {
    case state = 1
    case headers
    case heights
    case blocks
    case certificates
    case undo
    case outputs
    case transactions
    case nodes
    case chunks
    case addresses
    case leaves
    case history
    case validatorSets
    case setChanges
    case sweeps
    case quarantine
    case sums
}
