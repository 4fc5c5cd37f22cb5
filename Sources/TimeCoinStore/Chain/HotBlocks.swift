import Synchronization
import TimeCoinCore

/// The blocks and certificates most asked for, for every reader of a store: peers that catch up ask for the
/// same heights one after the other, and everybody asks for the last ones.
///
/// What is written behind the tip never changes what stands below it. Whatever else changes the database runs
/// inside ``changing(_:)``, which forgets everything; a snapshot that may have begun before such a change
/// does not use the cache.
final class HotBlocks: Sendable {
    private struct State {
        var cache: BlockCache
        /// Changes of something below the tip: begun, and under way.
        var changes: UInt64 = 0
        var running = 0
    }

    private let state: Mutex<State>

    init(bytesMax: Int = BlockCache.bytesMax) {
        state = Mutex(State(cache: BlockCache(bytesMax: bytesMax)))
    }

    /// The number of changes so far; `nil` while one is under way.
    var stamp: UInt64? {
        state.withLock { $0.running == 0 ? $0.changes : nil }
    }

    /// Unit: bytes.
    var bytes: Int { state.withLock { $0.cache.bytes } }

    /// Runs what changes more than it appends.
    func changing<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        state.withLock { state in
            state.changes += 1
            state.running += 1
            state.cache.removeAll()
        }
        defer { state.withLock { $0.running -= 1 } }
        return try body()
    }

    /// What one snapshot may take from the cache, and put into it.
    struct View {
        fileprivate let blocks: HotBlocks
        fileprivate let stamp: UInt64
        /// Above it the snapshot has nothing, whatever others have read.
        fileprivate let tip: Height

        /// `nil` when something changed since the stamp was taken, before the snapshot began.
        init?(_ blocks: HotBlocks, since stamp: UInt64?, tip: Height) {
            guard let stamp, blocks.stamp == stamp else { return nil }
            self.blocks = blocks
            self.stamp = stamp
            self.tip = tip
        }

        func record(
            _ kind: BlockCache.Kind, at height: Height, read: () throws(StoreFailure) -> [UInt8]?
        ) throws(StoreFailure) -> [UInt8]? {
            guard height <= tip else { return try read() }
            let key = BlockCache.Key(kind: kind, height: height)
            let kept = blocks.state.withLock { $0.changes == stamp ? $0.cache.record(key) : nil }
            if let kept { return kept }
            guard let record = try read() else { return nil }
            blocks.state.withLock { state in
                if state.changes == stamp { state.cache.keep(record, key) }
            }
            return record
        }
    }
}
