public import TimeCoinCore

/// One unchanging view of a stored chain.
///
/// It holds a snapshot of the database, so use it only inside the closure that got it, and briefly: while it
/// lives, no page that it sees can be reused. Every method throws ``StoreFailure``: `corrupt` with the
/// damaged keys, `io`, or `closed` after the snapshot ended. `nil` means that there is no such thing.
public protocol ChainReading: OutputSource, CommitmentNodes {
    /// `nil` before genesis is written.
    func tip() throws(StoreFailure) -> ChainTip?
    /// The encoded state after the tip; `nil` before genesis is written.
    func state() throws(StoreFailure) -> [UInt8]?
    /// From where on there is history.
    func base() throws(StoreFailure) -> HistoryBase
    func header(at height: Height) throws(StoreFailure) -> BlockHeader?
    func hash(at height: Height) throws(StoreFailure) -> Hash256?
    func height(of block: Hash256) throws(StoreFailure) -> Height?
    /// The encoded block.
    func block(at height: Height) throws(StoreFailure) -> [UInt8]?
    /// The encoded certificate; empty for genesis.
    func certificate(at height: Height) throws(StoreFailure) -> [UInt8]?
    func location(of transaction: Hash256) throws(StoreFailure) -> TransactionLocation?
    /// The place of an output in the output commitment, spent or not; `nil` for one that never was, and for
    /// spent ones from before the history.
    func position(of outPoint: OutPoint) throws(StoreFailure) -> UInt64?
    /// Unspent outputs in the order of their positions, at most `countMax`, those from a position on.
    func outputs(from position: UInt64, countMax: Int) throws(StoreFailure) -> [UnspentOutput]
    /// Leaves of the output commitment from position 64 × `group` on, 64 of them but for the last group;
    /// `nil` beyond the last, and where a group was pruned because all of it is spent.
    func leaves(group: UInt64) throws(StoreFailure) -> [Hash256]?
    /// Unspent outputs with this locking script in the order of their positions, at most `countMax`, those
    /// behind the position `last`; needs ``StoreOptions/addressIndex``, else throws `wrongOptions`.
    func unspent(
        locking: Script, after last: UInt64?, countMax: Int
    ) throws(StoreFailure) -> [UnspentOutput]
    /// Where the transactions stand that create or spend outputs with this locking script, oldest first, at
    /// most `countMax`, those behind `last`; needs ``StoreOptions/addressIndex``, else throws
    /// `wrongOptions`.
    func history(
        locking: Script, after last: TransactionLocation?, countMax: Int
    ) throws(StoreFailure) -> [TransactionLocation]
    /// The same, newest first: those before `first`, or the last ones.
    func history(
        locking: Script, before first: TransactionLocation?, countMax: Int
    ) throws(StoreFailure) -> [TransactionLocation]
    /// A set that decided some height, by its hash.
    func validatorSet(_ hash: Hash256) throws(StoreFailure) -> ValidatorSet?
    /// Heights from `height` on after which another set decides, at most `countMax`.
    func setChanges(from height: Height, countMax: Int) throws(StoreFailure) -> [Height]
    /// What takes back the block at a height; `nil` when it is no longer kept.
    func undo(at height: Height) throws(StoreFailure) -> UndoRecord?
}

extension ChainReading {
    /// Successive blocks with their certificates: at most `countMax`, and no more once they hold `bytesMax`
    /// bytes, but at least one if there is one.
    public func blocks(from height: Height, countMax: Int, bytesMax: Int) throws(StoreFailure)
        -> [StoredBlock]
    {
        var blocks: [StoredBlock] = []
        var bytes = 0
        var next = height
        while blocks.count < countMax, blocks.isEmpty || bytes < bytesMax {
            guard let block = try block(at: next), let certificate = try certificate(at: next) else { break }
            bytes += block.count + certificate.count
            guard blocks.isEmpty || bytes <= bytesMax else { break }
            blocks.append(StoredBlock(height: next, block: block, certificate: certificate))
            guard next < .max else { break }
            next += 1
        }
        return blocks
    }
}
