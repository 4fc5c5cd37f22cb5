import TimeCoinCore

/// The key of a record: at most 48 bytes, held in place so that building one allocates nothing. Numbers are
/// big endian, so that the order of keys is the order of numbers.
struct RecordKey {
    private var words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0)
    private(set) var count = 0

    /// Unit: bytes.
    static let bytesMax = 48

    /// A number: a height, an index, or a name of a few letters.
    init(_ number: UInt64) {
        append(number)
    }

    init(_ hash: Hash256) {
        append(hash)
    }

    /// An entry of the index of unspent outputs: the script's short hash, then the position.
    init(script: UInt64, position: UInt64) {
        append(script)
        append(position)
    }

    /// An entry of the history of addresses: the script's short hash, then the transaction's place.
    init(script: UInt64, _ location: TransactionLocation) {
        append(script)
        append(location.height)
        append(location.index)
    }

    /// Sums of a table.
    init(_ table: UInt8, _ part: UInt8) {
        append(table)
        append(part)
    }

    init(_ node: CommitmentNodeKey) {
        append(node.tree.rawValue)
        append(node.level)
        append(node.index)
    }

    /// `nil` for more bytes than any key has.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count <= RecordKey.bytesMax else { return nil }
        withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: bytes) }
        count = bytes.count
    }

    /// `nil` for more bytes than any key has.
    init?(_ bytes: [UInt8]) {
        guard let key = bytes.withUnsafeBytes({ RecordKey($0) }) else { return nil }
        self = key
    }

    /// The key under which the quarantine keeps what lies under a key of a table; `nil` for keys that no
    /// table has.
    init?(quarantining table: Table, _ key: RecordKey) {
        guard key.count < RecordKey.bytesMax else { return nil }
        append(table.identifier)
        key.withUnsafeBytes { append(raw: $0) }
    }

    private mutating func append(_ hash: Hash256) {
        hash.withUnsafeBytes { append(raw: $0) }
    }

    private mutating func append(_ integer: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: integer.bigEndian) { append(raw: $0) }
    }

    /// Callers append at most 48 bytes in all; what is beyond is cut.
    private mutating func append(raw bytes: UnsafeRawBufferPointer) {
        let offset = count
        let taken = min(bytes.count, RecordKey.bytesMax - offset)
        withUnsafeMutableBytes(of: &words) { target in
            UnsafeMutableRawBufferPointer(rebasing: target[offset...])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<taken]))
        }
        count += taken
    }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        Swift.withUnsafeBytes(of: words) { body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }

    var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    /// The number that the key begins with.
    var leadingNumber: UInt64 { UInt64(bigEndian: words.0) }

    /// The only number that the key is.
    var number: UInt64? { count == 8 ? leadingNumber : nil }

    /// The hash that the key is.
    var hash: Hash256? { count == Hash256.byteCount ? Hash256(bytes) : nil }

    /// The node of the output commitment that the key names.
    var node: CommitmentNodeKey? {
        let bytes = bytes
        guard bytes.count == 10, let tree = CommitmentNodeKey.Tree(rawValue: bytes[0]), bytes[1] < 64 else {
            return nil
        }
        let index = bytes[2...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return CommitmentNodeKey(tree: tree, level: bytes[1], index: index)
    }

    /// The position that an entry of the index of unspent outputs ends with.
    var position: UInt64? { count == 16 ? UInt64(bigEndian: words.1) : nil }

    /// The place that an entry of the history of addresses ends with.
    var location: TransactionLocation? {
        guard count == 20 else { return nil }
        return TransactionLocation(
            height: UInt64(bigEndian: words.1),
            index: UInt32(truncatingIfNeeded: UInt64(bigEndian: words.2) >> 32))
    }
}

extension RecordKey: Comparable {
    /// The order of LMDB: bytes from the left, a prefix first.
    static func < (left: RecordKey, right: RecordKey) -> Bool {
        left.withUnsafeBytes { left in right.withUnsafeBytes { left.lexicographicallyPrecedes($0) } }
    }

    static func == (left: RecordKey, right: RecordKey) -> Bool {
        left.withUnsafeBytes { left in right.withUnsafeBytes { left.elementsEqual($0) } }
    }
}
