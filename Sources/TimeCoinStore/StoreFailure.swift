import TimeCoinCore

/// A fault of the store. Two failures are equal when their codes are: messages are for people.
public struct StoreFailure: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Hashable, Sendable {
        /// The operating system refused a read, a write or a sync.
        case io
        /// The disk, or the map of the database, has no room.
        case full
        /// A record fails its checksum, is missing where it must be, or contradicts another.
        case corrupt
        /// Another instance has the directory open.
        case locked
        /// An earlier write failed, so nothing is written any more by this instance.
        case latched
        /// A newer program wrote this.
        case formatTooNew = "format-too-new"
        /// A program too old for this one wrote this.
        case formatTooOld = "format-too-old"
        /// The database belongs to a chain with another genesis.
        case wrongChain = "wrong-chain"
        /// The database was created with other options.
        case wrongOptions = "wrong-options"
        /// The directory lies on a network file system.
        case networkFileSystem = "network-file-system"
        /// Nothing of this kind was ever created here.
        case missing
        /// Something of this kind exists already.
        case exists
        /// A block does not follow the tip.
        case wrongHeight = "wrong-height"
        /// A block spends an output that is not there.
        case missingOutput = "missing-output"
        /// A block creates an output that is there.
        case duplicateOutput = "duplicate-output"
        /// The parts of a block to be written contradict each other.
        case invalidCommit = "invalid-commit"
        /// The undo record of the tip is not kept, or the tip is genesis.
        case noUndo = "no-undo"
        /// A record is larger than its limit.
        case tooLarge = "too-large"
        /// A height lies below the one before.
        case outOfOrder = "out-of-order"
        /// A reader was used after its snapshot ended.
        case closed
    }

    /// Names a damaged record.
    public struct DamagedRecord: Hashable, Sendable, CustomStringConvertible {
        /// The table of a database, or the path of a file.
        public let table: String
        /// The key, or the offset as eight big-endian bytes.
        public let key: [UInt8]

        public init(table: String, key: [UInt8]) {
            self.table = table
            self.key = key
        }

        public var description: String { "\(table)/\(Hexadecimal.encode(key))" }
    }

    public let code: Code
    public let message: String
    /// With ``Code/corrupt``: what is damaged.
    public let damaged: [DamagedRecord]
    public let cause: (any Error)?

    public init(_ code: Code, _ message: String, damaged: [DamagedRecord] = [], cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.damaged = damaged
        self.cause = cause
    }

    static func corrupt(_ table: String, _ key: [UInt8], _ message: String) -> StoreFailure {
        let record = DamagedRecord(table: table, key: key)
        return StoreFailure(.corrupt, "\(record): \(message)", damaged: [record])
    }

    public var description: String {
        guard let cause else { return "\(code.rawValue): \(message)" }
        return "\(code.rawValue): \(message) (\(cause))"
    }
}

extension StoreFailure: Equatable {
    public static func == (left: StoreFailure, right: StoreFailure) -> Bool { left.code == right.code }
}
