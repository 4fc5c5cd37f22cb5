import TimeCoinCore
import TimeCoinNode
import TimeCoinStore

/// What the nodes of a run with content share: their genesis, payments to come, and what bad proposers made.
final class NodeChain {
    private let chain: TestChain
    /// Members by place in the set.
    let keys: SimulatedKeys
    let proofs = ProofCache()
    private var made: [Hash256: CheckedBlock] = [:]
    private var nextAllocation = 0
    private(set) var ledger: NodeLedger

    private static let allocations = 400
    /// Blocks of bad proposers that are remembered.
    private static let madeMax = 64

    var genesis: Genesis { chain.genesis }

    init?(_ plan: SimulationPlan, _ keys: SimulatedKeys) {
        var parameters = ChainParameters.local(
            slotMilliseconds: 2000, paymentIntervalMilliseconds: plan.seed % 3 * 40)
        parameters.payoutThreshold = Amount(units: 50 * Amount.unitsPerTime) ?? .zero
        // The set orders by key; weights are given by place.
        let weights = (0..<plan.weights.count).map { number -> UInt64 in
            let key = TestChain.key(UInt8(truncatingIfNeeded: number + 1))?.publicKey
            return keys.keys.firstIndex { $0 == key }.map { plan.weights[$0] } ?? 1
        }
        guard
            let chain = TestChain(
                weights: weights, allocations: NodeChain.allocations, parameters: parameters)
        else { return nil }
        self.chain = chain
        self.keys = keys
        ledger = NodeLedger(chain.genesis)
    }

    /// A store that holds the genesis.
    func makeStore() -> MemoryChainStore {
        let store = MemoryChainStore(chain: genesis.hash)
        try? store.commit([BlockCommit(genesis.block, change: genesis.change, certificate: [])])
        return store
    }

    /// The next payment; now and then one that spends again what another spends.
    func payment(_ random: inout SimulationRandom) -> CheckedTransaction? {
        let isDouble = nextAllocation > 0 && random.chance(permille: 100)
        let number = isDouble ? random.below(nextAllocation) : nextAllocation
        if !isDouble { nextAllocation += 1 }
        guard let allocation = chain.allocation(number),
            let amount = Amount(units: 100_000_000 + random.below(1_000_000_000)),
            let fee = Amount(units: 5000 + random.below(20_000)),
            let receiver = random.pick(chain.members),
            let payment = chain.payment(
                of: allocation.outPoint, worth: allocation.entry.output.value, paying: amount,
                to: receiver.publicKey, fee: fee)
        else { return nil }
        return try? CheckedTransaction(checking: payment)
    }

    /// A node commits a block.
    func committed(_ bytes: [UInt8], _ state: ChainState) -> (law: Violation.Law, message: String)? {
        ledger.take(bytes, state)
    }

    /// A node commits a block on its way to the tip, in one with others: somebody has been there before.
    func passed(_ bytes: [UInt8], at height: Height) -> (law: Violation.Law, message: String)? {
        ledger.pass(bytes, at: height)
    }

    // MARK: - Bad proposers

    func block(_ hash: Hash256) -> CheckedBlock? { made[hash] }

    func compact(_ value: Hash256) -> CompactBlock? { made[value].map(CompactBlock.init) }

    /// A block of a bad proposer on the tip of whoever stands below a height: without the payments that wait,
    /// or with a header that lies.
    func badValue(
        _ world: SimulationWorld, by number: Int, at height: Height, isCensoring: Bool,
        _ random: inout SimulationRandom
    ) -> Hash256? {
        let hosts = world.seats.compactMap { $0.host as? NodeHost }.filter { $0.tip + 1 == height }
        guard let host = random.pick(hosts) else { return nil }
        let clock = Timestamp(milliseconds: SimulatedClock.epoch + world.now + random.below(300))
        guard let block = host.assemble(by: keys.keys[number], at: clock, isEmpty: isCensoring) else {
            return nil
        }
        if isCensoring { world.counts[.censored] += 1 }
        var bad = block
        if random.chance(permille: 300), let lie = NodeChain.lie(block, &random) {
            bad = lie
            world.counts[.invalidValue] += 1
        }
        if made.count >= NodeChain.madeMax { made = [:] }
        made[bad.hash] = bad
        return bad.hash
    }

    /// The same block with one part of its header changed.
    private static func lie(_ block: CheckedBlock, _ random: inout SimulationRandom) -> CheckedBlock? {
        let header = block.header
        let kind = random.below(4) as UInt64
        let changed = BlockHeader(
            kind: header.kind, height: header.height, slot: header.slot, previous: header.previous,
            time: kind == 0 ? header.time.advanced(byMilliseconds: 100_000_000) : header.time,
            transactionRoot: header.transactionRoot, witnessRoot: header.witnessRoot,
            stateRoot: kind == 1 ? header.previous : header.stateRoot, validators: header.validators,
            nextValidators: kind == 2 ? header.stateRoot : header.nextValidators,
            evidenceRoot: header.evidenceRoot,
            attestationRoot: kind == 3 ? header.stateRoot : header.attestationRoot, proposer: header.proposer)
        return try? CheckedBlock(header: changed, transactions: block.transactions)
    }
}

extension SimulationWorld {
    /// Hands a payment to one or two nodes.
    func pay() {
        var random = SimulationRandom(seed: plan.seed, .payments, Int(truncatingIfNeeded: now))
        if let payment = nodes?.payment(&random) {
            counts[.payment] += 1
            for _ in 0...random.below(2) {
                let seat = seats[random.below(seats.count)]
                if let host = seat.host as? NodeHost { call(seat) { host.submit(payment) } }
            }
        }
        queue.push(.payment, at: now + 100 + random.below(900))
    }
}
