public import TimeCoinCore

/// What a verification of a whole database found.
public struct DatabaseReport: Hashable, Sendable {
    /// A record that is not what it must be.
    public struct Damage: Hashable, Sendable, CustomStringConvertible {
        public let record: StoreFailure.DamagedRecord
        public let reason: String
        /// A height at which what is needed for a repair is likely to be found.
        public let near: Height?

        public init(record: StoreFailure.DamagedRecord, reason: String, near height: Height? = nil) {
            self.record = record
            self.reason = reason
            near = height
        }

        public var description: String { "\(record): \(reason)" }
    }

    /// Damages that a report lists at most; the verification ends there.
    public static let damagesMax = 1000

    public internal(set) var height: Height?
    public internal(set) var hash: Hash256?
    /// Recomputed from the records.
    public internal(set) var stateRoot: Hash256?
    /// Unspent outputs, counted.
    public internal(set) var outputs: UInt64 = 0
    /// Their values added, and everything else that the state holds: all money there is.
    public internal(set) var supply: Amount?
    /// The recovery that the database goes on from without being led there by those that were followed.
    public internal(set) var unfollowedRecovery: Hash256?
    /// Records looked at.
    public internal(set) var records: UInt64 = 0
    public internal(set) var damages: [Damage] = []

    /// Whether everything is as the certified header says.
    public var isSound: Bool { damages.isEmpty }

    init() {}
}

/// How far a verification has come.
public struct VerificationProgress: Hashable, Sendable {
    public enum Phase: String, Hashable, Sendable, CaseIterable {
        case blocks
        case outputs
        case transactions
        case indexes
    }

    public let phase: Phase
    public let done: UInt64
    public let total: UInt64
}
