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
    func header(at height: Height) throws(StoreFailure) -> BlockHeader?
    func hash(at height: Height) throws(StoreFailure) -> Hash256?
    func height(of block: Hash256) throws(StoreFailure) -> Height?
    /// The encoded block.
    func block(at height: Height) throws(StoreFailure) -> [UInt8]?
    /// The encoded certificate; empty for genesis.
    func certificate(at height: Height) throws(StoreFailure) -> [UInt8]?
    func location(of transaction: Hash256) throws(StoreFailure) -> TransactionLocation?
    /// Unspent outputs with this locking script in order of their names, at most `countMax`, those after
    /// `last`; needs ``StoreOptions/addressIndex``, else throws `wrongOptions`.
    func unspent(locking: Script, after last: OutPoint?, countMax: Int) throws(StoreFailure)
        -> [UnspentOutput]
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
