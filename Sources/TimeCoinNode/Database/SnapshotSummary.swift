public import TimeCoinControl
public import TimeCoinCore
import TimeCoinStore

/// What a snapshot holds that was read whole and checked against its certified header.
public struct SnapshotSummary: Hashable, Sendable {
    public let height: Height
    /// Hash of the block after which the state is.
    public let hash: Hash256
    public let stateRoot: Hash256
    /// Unspent outputs.
    public let outputs: UInt64
    /// All money there is.
    public let supply: Amount
    public let segments: Int
    /// Bytes of the file.
    public let bytes: UInt64

    init(_ snapshot: VerifiedSnapshot, bytes: UInt64) {
        let state = snapshot.state
        height = state.height
        hash = state.headerHash
        stateRoot = state.header.stateRoot
        outputs = state.outputCount
        supply = state.supply.total ?? .zero
        segments = snapshot.segmentCount
        self.bytes = bytes
    }

    public var json: JSONValue {
        .object([
            "ok": .bool(true), "height": .integer(height), "hash": .string(hash.description),
            "stateroot": .string(stateRoot.description), "outputs": .integer(outputs),
            "supply": .string(supply.description), "segments": .integer(segments), "bytes": .integer(bytes),
        ])
    }

    public var text: String {
        "height      \(height)\nhash        \(hash)\nstate root  \(stateRoot)\noutputs     \(outputs)\n"
            + "supply      \(supply)\nsegments    \(segments), \(bytes) bytes"
    }
}
