import TimeCoinCore

/// Records that were read lately, by table and height; the one that was not asked for the longest goes first.
struct BlockCache {
    enum Kind: Hashable {
        case block
        case certificate
    }

    struct Key: Hashable {
        let kind: Kind
        let height: Height
    }

    private struct Entry {
        let record: [UInt8]
        var older: Key?
        var newer: Key?
    }

    /// What all entries together cost at most. Unit: bytes.
    static let bytesMax = 32 << 20
    /// What an entry costs beside its record. Unit: bytes.
    static let entryBytes = 256

    private let bytesMax: Int
    private var entries: [Key: Entry] = [:]
    private var oldest: Key?
    private var newest: Key?
    private(set) var bytes = 0

    init(bytesMax: Int = BlockCache.bytesMax) {
        self.bytesMax = bytesMax
    }

    var count: Int { entries.count }

    mutating func record(_ key: Key) -> [UInt8]? {
        guard let entry = entries[key] else { return nil }
        if newest != key {
            unlink(key, entry)
            link(key, entry.record)
        }
        return entry.record
    }

    /// Keeps a record, unless it would leave room for few others.
    mutating func keep(_ record: [UInt8], _ key: Key) {
        guard entries[key] == nil, cost(record) <= bytesMax / 4 else { return }
        bytes += cost(record)
        link(key, record)
        while bytes > bytesMax, let oldest, let entry = entries[oldest] {
            unlink(oldest, entry)
            entries[oldest] = nil
            bytes -= cost(entry.record)
        }
    }

    mutating func removeAll() {
        self = BlockCache(bytesMax: bytesMax)
    }

    private func cost(_ record: [UInt8]) -> Int { record.count + BlockCache.entryBytes }

    private mutating func link(_ key: Key, _ record: [UInt8]) {
        entries[key] = Entry(record: record, older: newest, newer: nil)
        if let newest { entries[newest]?.newer = key } else { oldest = key }
        newest = key
    }

    private mutating func unlink(_ key: Key, _ entry: Entry) {
        if let older = entry.older { entries[older]?.newer = entry.newer } else { oldest = entry.newer }
        if let newer = entry.newer { entries[newer]?.older = entry.older } else { newest = entry.older }
    }
}
