import Synchronization
import TimeCoinCore

/// What was found to be the present state since the database was opened: an older page can lie there whenever
/// a write was lost, so that what is asked for is looked at once, whole.
///
/// Afterwards this process alone writes it. What is taken back is asked again.
final class Confirmations: Sendable {
    private struct State {
        /// Ranges of sums, by table.
        var ranges: [UInt8: BitSet] = [:]
        var chunks = BitSet()
        var groups = BitSet()
        /// By tree and level.
        var nodes = [[BitSet]](repeating: Array(repeating: BitSet(), count: levels), count: 2)
    }

    /// Levels of a tree.
    static let levels = 64

    private let state = Mutex(State())

    func removeAll() { state.withLock { $0 = State() } }

    func hasRange(_ table: UInt8, _ range: Int) -> Bool {
        state.withLock { $0.ranges[table]?.contains(UInt64(range)) ?? false }
    }

    func addRange(_ table: UInt8, _ range: Int) {
        state.withLock { _ = $0.ranges[table, default: BitSet()].insert(UInt64(range)) }
    }

    /// Ranges of all tables that were read whole.
    var rangeCount: Int {
        state.withLock { $0.ranges.values.reduce(0) { $0 + $1.count } }
    }

    func hasChunk(_ index: UInt64) -> Bool { state.withLock { $0.chunks.contains(index) } }

    func addChunk(_ index: UInt64) { state.withLock { _ = $0.chunks.insert(index) } }

    func hasGroup(_ index: UInt64) -> Bool { state.withLock { $0.groups.contains(index) } }

    func addGroup(_ index: UInt64) { state.withLock { _ = $0.groups.insert(index) } }

    func hasNode(_ key: CommitmentNodeKey) -> Bool {
        guard key.level < Confirmations.levels else { return false }
        return state.withLock { $0.nodes[Confirmations.place(key.tree)][Int(key.level)].contains(key.index) }
    }

    func addNodes(_ keys: [CommitmentNodeKey]) {
        state.withLock { state in
            for key in keys where key.level < Confirmations.levels {
                state.nodes[Confirmations.place(key.tree)][Int(key.level)].insert(key.index)
            }
        }
    }

    private static func place(_ tree: CommitmentNodeKey.Tree) -> Int { tree == .outputs ? 0 : 1 }
}
