import TimeCoinCore

/// What a waiting transaction takes of this machine's memory: not the bytes that it had on the wire, of which
/// many tiny outputs are a few each and here many more.
extension Mempool {
    /// The transaction itself, its places in the maps by identifier and in the order of payers, with the room
    /// that a map has free at worst (it doubles when three quarters are full). Unit: bytes.
    private static let entryBytes = 1200
    /// An input without its script, and its place in the map of spent outputs. Unit: bytes.
    private static let inputBytes = 64 + 208
    /// An output without its script. Unit: bytes.
    private static let outputBytes = 24
    /// A script beyond its bytes: its header, and what the allocator adds at most. Unit: bytes.
    private static let scriptBytes = 56
    /// A parent, noted at both ends. Unit: bytes.
    private static let parentBytes = 32 + 128

    /// At least what a waiting transaction makes the process allocate, and for none much more; measured, and
    /// held to by a test. Unit: bytes.
    static func memory(of transaction: Transaction, parents: Int) -> Int {
        var bytes = entryBytes + parents * parentBytes
        for input in transaction.inputs {
            bytes += inputBytes + memory(of: input.unlocking)
        }
        for output in transaction.outputs {
            bytes += outputBytes + memory(of: output.locking)
        }
        return bytes
    }

    /// An empty script is nothing but a reference.
    private static func memory(of script: Script) -> Int {
        script.bytes.isEmpty ? 0 : scriptBytes + script.bytes.count
    }
}
