import CLMDB

/// One named table of an environment.
struct Table: Sendable {
    let name: String
    /// Under every checksum of the table, so that a record cannot pass for one of another table.
    let identifier: UInt8
    let handle: MDB_dbi
    let checksumKey: SipHash.Key

    /// Bytes of the checksum that precedes every payload.
    static let checksumBytes = 8

    /// SipHash-2-4 over one word (table, length of the key, length of the payload), the key and the payload,
    /// each filled up with zeros to whole words.
    func checksum(_ key: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) -> UInt64 {
        var hash = SipHash(checksumKey)
        hash.absorb(
            UInt64(identifier) | UInt64(truncatingIfNeeded: key.count) << 8
                | UInt64(truncatingIfNeeded: payload.count) << 24)
        hash.absorb(padding: key)
        hash.absorb(padding: payload)
        return hash.finish(0)
    }

    /// Whether sums say what the table holds.
    var isSummed: Bool { TableSums.covers(identifier) }

    func corrupt(_ key: RecordKey, _ message: String) -> StoreFailure {
        .corrupt(name, key.bytes, message)
    }
}
