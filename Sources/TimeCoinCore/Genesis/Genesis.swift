/// What a chain begins with. Its block's hash names the chain.
public struct Genesis: Sendable {
    public struct Allocation: Hashable, Sendable {
        public let locking: Script
        public let amount: Amount

        public init(locking: Script, amount: Amount) {
            self.locking = locking
            self.amount = amount
        }
    }

    /// Why there can be no chain with this beginning.
    public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        public let description: String
    }

    public let block: CheckedBlock
    public let change: StateChange

    public var hash: Hash256 { block.hash }
    public var state: ChainState { change.state }

    /// Outputs that a genesis allocates at most; their transaction must fit in a block.
    public static let allocationsMax = 10_000

    public init(
        parameters: ChainParameters, time: Timestamp, members: [Registry.Entry], allocations: [Allocation]
    ) throws(Failure) {
        let registry = try Genesis.registry(members)
        let allocation = try Genesis.transaction(allocations)
        let outputs = allocation.transaction.outputs.enumerated().map { index, output in
            let outPoint = OutPoint(transaction: allocation.txid, index: UInt32(truncatingIfNeeded: index))
            let entry = OutputEntry(
                output: output, height: 0, slot: 0, time: time, kind: .coinbase, position: UInt64(index))
            return (outPoint: outPoint, entry: entry)
        }
        guard let allocated = Amount.sum(outputs.lazy.map(\.entry.output.value)),
            let update = try? OutputCommitment.empty.updated(
                appending: outputs.map { $0.entry.leaf(for: $0.outPoint) }, spending: [], nodes: NoNodes())
        else {
            throw Failure(description: "the allocations add up to more than can exist")
        }
        // The seed of the first slots cannot name the block that commits to it, so it names what the block
        // holds.
        var seedWriter = ByteWriter()
        parameters.encode(into: &seedWriter)
        seedWriter.write(time.milliseconds)
        seedWriter.write(registry.hash)
        let seed = Blake2b.hash256(.slotSeed, seedWriter.bytes)
        let supply = Supply(allocated: allocated)
        let roots = StateRoots(
            commitment: update.commitment.hash, registry: registry.hash, accruals: Accruals().hash,
            supply: supply,
            outputCount: UInt64(outputs.count), seed: seed, recovery: nil, parameters: parameters)
        let header = Genesis.header(
            time: time, roots: BlockRoots(of: [allocation]), stateRoot: roots.root, registry: registry)
        do {
            block = try CheckedBlock(header: header, transactions: [allocation])
        } catch {
            throw Failure(description: "\(error)")
        }
        let state = ChainState(
            header: header, headerHash: block.hash, chain: block.hash, genesisTime: time,
            commitment: update.commitment, outputCount: UInt64(outputs.count), registry: registry,
            accruals: Accruals(), supply: supply, seed: seed, parameters: parameters,
            recovery: nil)
        change = StateChange(
            state: state, created: outputs, spent: [], nodes: update.nodes, chunks: update.chunks)
    }

    private static func registry(_ members: [Registry.Entry]) throws(Failure) -> Registry {
        do {
            return try Registry(members)
        } catch {
            throw Failure(description: "validators: \(error)")
        }
    }

    private static func transaction(_ allocations: [Allocation]) throws(Failure) -> CheckedTransaction {
        guard allocations.count <= allocationsMax else {
            throw Failure(description: "\(allocations.count) allocations, at most \(allocationsMax)")
        }
        guard allocations.allSatisfy({ !$0.locking.isDataCarrier }) else {
            throw Failure(description: "an allocation pays to a data carrier, where it would be lost")
        }
        let transaction = Transaction(
            version: 1, kind: .coinbase, inputs: [],
            outputs: allocations.map { TransactionOutput(value: $0.amount, locking: $0.locking) },
            payload: CoinbasePayload(height: 0, slot: 0).encoded)
        do {
            return try CheckedTransaction(checking: transaction)
        } catch {
            throw Failure(description: "allocations: \(error)")
        }
    }

    private static func header(
        time: Timestamp, roots: BlockRoots, stateRoot: Hash256, registry: Registry
    ) -> BlockHeader {
        BlockHeader(
            kind: .scheduled, height: 0, slot: 0, previous: .zero, time: time,
            transactionRoot: roots.transactions,
            witnessRoot: roots.witnesses, stateRoot: stateRoot, validators: registry.validators.hash,
            nextValidators: registry.validators.hash, evidenceRoot: BlockRoots.empty,
            attestationRoot: BlockRoots.empty, proposer: registry.entries[0].operatorKey)
    }
}

/// The commitment of nothing.
private struct NoNodes: CommitmentNodes {
    func node(_ key: CommitmentNodeKey) throws -> Hash256? { nil }
    func chunk(_ index: UInt64) throws -> SpentChunk? { nil }
}
