import TimeCoinCore

/// The tables of a chain's database.
struct ChainTables: Sendable {
    /// ``tipKey`` → tip, ``stateKey`` → encoded state.
    let state: Table
    /// Height → slot, hash, header.
    let headers: Table
    /// Block hash → height.
    let heights: Table
    /// Height → encoded block.
    let blocks: Table
    /// Height → encoded certificate.
    let certificates: Table
    /// Height → undo record.
    let undo: Table
    /// Outpoint → output entry.
    let outputs: Table
    /// Transaction identifier → height, index.
    let transactions: Table
    /// Tree, level, index → hash.
    let nodes: Table
    /// Chunk index → spent bits.
    let chunks: Table
    /// Short hash of the locking script, outpoint → nothing.
    let addresses: Table

    static let tipKey = RecordKey(0)
    static let stateKey = RecordKey(1)

    init(_ environment: Environment, checksumKey key: SipHash.Key) throws(StoreFailure) {
        state = try environment.table("state", 1, checksumKey: key)
        headers = try environment.table("headers", 2, checksumKey: key)
        heights = try environment.table("heights", 3, checksumKey: key)
        blocks = try environment.table("blocks", 4, checksumKey: key)
        certificates = try environment.table("certificates", 5, checksumKey: key)
        undo = try environment.table("undo", 6, checksumKey: key)
        outputs = try environment.table("outputs", 7, checksumKey: key)
        transactions = try environment.table("transactions", 8, checksumKey: key)
        nodes = try environment.table("nodes", 9, checksumKey: key)
        chunks = try environment.table("chunks", 10, checksumKey: key)
        addresses = try environment.table("addresses", 11, checksumKey: key)
    }

    /// The short hash of a locking script under which the address index lists it; a reader compares the
    /// scripts.
    func scriptKey(_ script: Script) -> UInt64 {
        SipHash.hash(script.bytes, key: addresses.checksumKey)
    }
}
