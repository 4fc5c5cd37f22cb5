import TimeCoinCore
import TimeCoinStore

/// A database that is about to be replaced: while this lives no node can open it.
struct HeldDatabase {
    private let holder: any Sendable
    /// Of its tip; `nil` when it cannot be read, which may be why it is replaced.
    let height: Height?

    /// - Throws: ``DatabaseFailure`` `inUse`.
    init(_ directory: NodeDirectory, chain: Hash256) throws {
        (holder, height) = try HeldDatabase.hold(directory, chain)
    }

    private static func hold(
        _ directory: NodeDirectory, _ chain: Hash256
    ) throws -> (any Sendable, Height?) {
        do {
            let store = try ChainStore(
                opening: directory.chain, chain: chain, options: StoreOptions(), checking: false)
            return (store, try? store.snapshot { try $0.tip()?.height })
        } catch {
            guard error.code != .locked else { throw DatabaseFailure.inUse(directory) }
            return (try PosixFileSystem().lock(directory.chain), nil)
        }
    }
}
