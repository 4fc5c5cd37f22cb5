import TimeCoinCore

/// The tables of a chain's database.
struct ChainTables: Sendable {
    /// ``tipKey`` → tip, ``stateKey`` → encoded state, ``countsKey`` → counts, ``baseKey`` → from where
    /// on there is history, ``commitmentKey`` → roots of the output commitment.
    let state: Table
    /// Height → hash, header.
    let headers: Table
    /// Block hash → height.
    let heights: Table
    /// Height → encoded block.
    let blocks: Table
    /// Height → encoded certificate.
    let certificates: Table
    /// Height → undo record.
    let undo: Table
    /// Position → name and entry of an output; spent ones stay until their chunk is swept.
    let outputs: Table
    /// Transaction identifier → where it stands, positions of its outputs.
    let transactions: Table
    /// Tree, level, index → hash; of the mountain range from level 6 on.
    let nodes: Table
    /// Chunk index → spent bits.
    let chunks: Table
    /// Short hash of the locking script, position → nothing: unspent outputs.
    let addresses: Table
    /// Group index → up to 64 leaves of the mountain range.
    let leaves: Table
    /// Short hash of the locking script, height, index → nothing: transactions.
    let history: Table
    /// Hash of a validator set → encoded set.
    let validatorSets: Table
    /// Height after which another set decides → nothing.
    let setChanges: Table
    /// Chunks whose spent outputs are to be deleted → nothing.
    let sweeps: Table
    /// Table, key → what was found there when it was damaged.
    let quarantine: Table
    /// Table, range of its keys → sums of what it holds.
    let sums: Table

    static let tipKey = RecordKey(0)
    static let stateKey = RecordKey(1)
    static let countsKey = RecordKey(2)
    static let baseKey = RecordKey(3)
    static let commitmentKey = RecordKey(4)

    /// Names by identifier, from 1.
    private static let names = [
        "state", "headers", "heights", "blocks", "certificates", "undo", "outputs", "transactions", "nodes",
        "chunks", "addresses", "leaves", "history", "validator-sets", "set-changes", "sweeps", "quarantine",
        "sums",
    ]

    static func name(_ identifier: UInt8) -> String? {
        identifier > 0 && identifier <= names.count ? names[Int(identifier) - 1] : nil
    }

    init(_ environment: Environment, checksumKey key: SipHash.Key) throws(StoreFailure) {
        let tables = try environment.tables(
            ChainTables.names.enumerated().map { (name: $1, identifier: UInt8($0 + 1)) }, checksumKey: key)
        state = tables[0]
        headers = tables[1]
        heights = tables[2]
        blocks = tables[3]
        certificates = tables[4]
        undo = tables[5]
        outputs = tables[6]
        transactions = tables[7]
        nodes = tables[8]
        chunks = tables[9]
        addresses = tables[10]
        leaves = tables[11]
        history = tables[12]
        validatorSets = tables[13]
        setChanges = tables[14]
        sweeps = tables[15]
        quarantine = tables[16]
        sums = tables[17]
    }

    /// All tables.
    var all: [Table] { [state] + counted }

    /// All tables but the one that holds their counts.
    var counted: [Table] {
        [
            headers, heights, blocks, certificates, undo, outputs, transactions, nodes, chunks, addresses,
            leaves, history, validatorSets, setChanges, sweeps, quarantine,
            sums,
        ]
    }

    /// The short hash of a locking script under which the indexes of addresses list it; a reader compares
    /// the scripts.
    func scriptKey(_ script: Script) -> UInt64 {
        SipHash.hash(script.bytes, key: addresses.checksumKey)
    }
}
