/// Everything that validation of the next block reads, but for the outputs themselves: their commitment is
/// here.
///
/// There is no hidden state: each part is under the state root, or is the parent's header.
public struct ChainState: Hashable, Sendable {
    /// Header of the block that made this state.
    public let header: BlockHeader
    public let headerHash: Hash256
    /// Hash of the genesis block: names the chain in everything that is signed.
    public let chain: Hash256
    /// Time of the genesis block, from which slots are counted.
    public let genesisTime: Timestamp
    public let commitment: OutputCommitment
    /// Unspent outputs.
    public let outputCount: UInt64
    public let registry: Registry
    public let accruals: Accruals
    public let supply: Supply
    /// Fixed at the start of a slot; proposers and rewards are drawn from it.
    public let seed: Hash256
    public let parameters: ChainParameters
    /// What votes have named since the last recovery from a fork; `nil` before any.
    public let recovery: Hash256?

    /// What names the chain in everything that members sign: the genesis block, or the last recovery. So
    /// what a member signed on a branch that was left never contradicts what it signs afterwards.
    public var votingChain: Hash256 { recovery ?? chain }
    public var height: Height { header.height }
    public var slot: Slot { header.slot }
    public var validators: ValidatorSet { registry.validators }
    public var growthPrice: Amount { Fees.growthPrice(outputCount: outputCount) }

    /// When a slot is due; slots never run ahead of the clock.
    public func dueTime(of slot: Slot) -> Timestamp {
        let (offset, overflow) = slot.multipliedReportingOverflow(by: parameters.slotMilliseconds)
        return genesisTime.advanced(byMilliseconds: overflow ? .max : offset)
    }

    /// The kind and slot that the next block must have at a header time.
    public func schedule(at time: Timestamp) -> (kind: BlockKind, slot: Slot) {
        time >= dueTime(of: slot + 1) ? (.scheduled, slot + 1) : (.payment, slot)
    }

    /// The earliest time, not before `clock`, that a block on this state may bear: after its parent's, and
    /// for a payment block a payment interval after it.
    public func nextBlockTime(at clock: Timestamp) -> Timestamp {
        let next = max(clock, header.time.advanced(byMilliseconds: 1))
        guard schedule(at: next).kind == .payment else { return next }
        return max(next, header.time.advanced(byMilliseconds: parameters.paymentIntervalMilliseconds))
    }

    /// The seed of a slot: nothing that a proposer could grind.
    static func seed(chain: Hash256, slot: Slot) -> Hash256 {
        var writer = ByteWriter(reserving: 40)
        writer.write(chain)
        writer.write(slot)
        return Blake2b.hash256(.slotSeed, writer.bytes)
    }

    public var roots: StateRoots {
        StateRoots(
            commitment: commitment.hash, registry: registry.hash, accruals: accruals.hash, supply: supply,
            outputCount: outputCount, seed: seed, recovery: recovery, parameters: parameters)
    }
}

/// The parts of a state root, so that a mismatch can name the first part that differs.
public struct StateRoots: Hashable, Sendable {
    public let parts: [(name: String, hash: Hash256)]

    init(
        commitment: Hash256, registry: Hash256, accruals: Hash256, supply: Supply, outputCount: UInt64,
        seed: Hash256, recovery: Hash256?, parameters: ChainParameters
    ) {
        var supplyWriter = ByteWriter()
        supply.encode(into: &supplyWriter)
        var counters = ByteWriter()
        counters.write(outputCount)
        counters.write(seed)
        if let recovery { counters.write(recovery) }
        var parameterWriter = ByteWriter()
        parameters.encode(into: &parameterWriter)
        parts = [
            ("output commitment", commitment),
            ("registry", registry),
            ("accruals", accruals),
            ("supply", Blake2b.hash256(.supply, supplyWriter.bytes)),
            ("counters", Blake2b.hash256(.counters, counters.bytes)),
            ("parameters", Blake2b.hash256(.parameters, parameterWriter.bytes)),
        ]
    }

    /// What the header commits to.
    public var root: Hash256 { StateRoots.root(of: parts.map(\.hash)) }

    static func root(of parts: [Hash256]) -> Hash256 {
        var writer = ByteWriter(reserving: parts.count * Hash256.byteCount)
        for part in parts {
            writer.write(part)
        }
        return Blake2b.hash256(.state, writer.bytes)
    }

    public static func == (left: StateRoots, right: StateRoots) -> Bool {
        left.parts.map(\.hash) == right.parts.map(\.hash)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(parts.map(\.hash))
    }
}
