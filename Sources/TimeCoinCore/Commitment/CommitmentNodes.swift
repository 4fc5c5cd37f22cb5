/// Names a node of one of the two trees of the output commitment: level 0 are leaves, and node `index` of a
/// level
/// covers leaves `index << level ..< (index + 1) << level`.
public struct CommitmentNodeKey: Hashable, Sendable, Comparable {
    public enum Tree: UInt8, Hashable, Sendable {
        /// The mountain range over every output ever created.
        case outputs = 0
        /// The tree over the chunks of the spent bitmap.
        case spent = 1
    }

    public let tree: Tree
    public let level: UInt8
    public let index: UInt64

    public init(tree: Tree, level: UInt8, index: UInt64) {
        self.tree = tree
        self.level = level
        self.index = index
    }

    /// Ten bytes whose order is the order of keys: tree, level, index big endian.
    public var bytes: [UInt8] {
        [tree.rawValue, level] + withUnsafeBytes(of: index.bigEndian) { Array($0) }
    }

    public static func < (left: CommitmentNodeKey, right: CommitmentNodeKey) -> Bool {
        (left.tree.rawValue, left.level, left.index) < (right.tree.rawValue, right.level, right.index)
    }
}

/// Which of 2,048 successive outputs are spent.
public struct SpentChunk: Hashable, Sendable {
    public private(set) var bytes: [UInt8]

    public static let positions: UInt64 = 2048
    public static let byteCount = 256
    public static let empty = SpentChunk(zeros: ())

    private init(zeros: Void) {
        bytes = [UInt8](repeating: 0, count: SpentChunk.byteCount)
    }

    /// `nil` unless there are exactly 256 bytes.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == SpentChunk.byteCount else { return nil }
        self.bytes = bytes
    }

    /// Whether the output at this place of the chunk is spent; a place is taken modulo 2,048.
    public func isSpent(_ position: UInt64) -> Bool {
        let place = Int(position % SpentChunk.positions)
        return bytes[place >> 3] & (1 << UInt8(place & 7)) != 0
    }

    mutating func mark(_ position: UInt64) {
        let place = Int(position % SpentChunk.positions)
        bytes[place >> 3] |= 1 << UInt8(place & 7)
    }

    var hash: Hash256 { Blake2b.hash256(.spentChunk, bytes) }
}

/// Where the nodes of an output commitment are kept.
public protocol CommitmentNodes {
    /// `nil` when there is no such node; throws only for faults of this machine.
    func node(_ key: CommitmentNodeKey) throws -> Hash256?
    /// `nil` when nothing in the chunk is spent.
    func chunk(_ index: UInt64) throws -> SpentChunk?
}
