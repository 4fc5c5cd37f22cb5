public import TimeCoinCore
import TimeCoinStore

/// What a verified database holds.
public struct VerifiedDatabase: Hashable, Sendable {
    public let height: Height
    /// Hash of the tip.
    public let hash: Hash256
    public let stateRoot: Hash256
    /// Unspent outputs.
    public let outputs: UInt64
    /// All the money that exists or was burned.
    public let supply: Amount
    public let instance: UInt64
}

/// Whether a database is what its certified tip says.
public enum DatabaseVerification {
    /// Opens a database, which checks tip, last blocks and counts; then the state that is stored must give
    /// the state root of the tip's header, and the tip its certificate.
    ///
    /// - Parameter chain: hash of the genesis block.
    /// - Throws: ``DatabaseFailure`` `damaged` with what contradicts; `StoreFailure`.
    static func run(_ path: String, chain: Hash256) throws -> VerifiedDatabase {
        let store = try ChainStore(opening: path, chain: chain)
        return try store.snapshot { reader in
            guard let tip = try reader.tip(), let bytes = try reader.state(),
                let header = try reader.header(at: tip.height)
            else { throw DatabaseFailure(.damaged, "\(path) has no chain") }
            let state = try ChainState(decoding: bytes)
            let root = state.roots.root
            guard root == header.stateRoot, state.headerHash == tip.hash, header.hash == tip.hash else {
                throw DatabaseFailure(
                    .damaged,
                    "\(path): the state root of block \(tip.height) is \(header.stateRoot), what is "
                        + "stored gives \(root)")
            }
            guard state.commitment.leafCount == tip.leafCount, state.outputCount == tip.outputCount else {
                throw DatabaseFailure(.damaged, "\(path): the counts of the tip are not those of the state")
            }
            guard try tip.height == 0 || UncertifiedBlocks.isCertified(state, in: reader) else {
                throw DatabaseFailure(
                    .damaged, "\(path): block \(tip.height) has no valid commit certificate",
                    hint: "take it back with `timecoin-node db rollback`")
            }
            return VerifiedDatabase(
                height: tip.height, hash: tip.hash, stateRoot: root, outputs: tip.outputCount,
                supply: state.supply.total ?? .zero, instance: store.instance)
        }
    }
}
