import TimeCoinConsensus
import TimeCoinCore
import TimeCoinNode
import TimeCoinStore

/// The chain of a scenario that a whole node plays: a genesis block under which its members propose in the
/// wanted order, and a block on it for each of its values.
struct ScenarioChain {
    let genesis: Genesis
    let world: ScenarioWorld
    let blocks: [String: CheckedBlock]
    private let times: [String: Timestamp]

    /// Genesis times that are tried for an order of proposers.
    private static let genesesMax: UInt64 = 20_000
    /// Values of a scenario at most: each has its own time, and all of them must be timely.
    private static let valuesMax = 40
    /// Between the times of two values, milliseconds.
    private static let valueInterval: UInt64 = 10
    /// Of the first two steps of a round, milliseconds: so long that nothing elapses but what a scenario lets
    /// elapse.
    private static let timeout: UInt64 = 10_000_000_000
    /// Of the third step, milliseconds: as long, or so short that it elapses before the others, as one or the
    /// other is what a scenario tells.
    static let precommitTimeouts: [UInt64] = [timeout, timeout / 10]

    /// - Parameter precommit: one of ``precommitTimeouts``.
    init(_ scenario: Scenario, precommit: UInt64) throws(ScenarioImpossible) {
        let setting = scenario.setting
        genesis = try ScenarioChain.genesis(scenario, precommit: precommit)
        let state = genesis.state
        let bare = ScenarioWorld(setting, on: state, values: [:])
        let values = ScenarioValues(scenario, proposer: bare.proposer)
        guard values.names.count <= ScenarioChain.valuesMax else {
            throw ScenarioImpossible(
                reason: "more than \(ScenarioChain.valuesMax) values", isOfNode: true)
        }
        let verifier = BlockVerifier(store: ScenarioChain.store(genesis), chain: genesis.hash)
        var blocks: [String: CheckedBlock] = [:]
        var times: [String: Timestamp] = [:]
        for (index, name) in values.names.enumerated() {
            let makers = (values.makers[name] ?? []).filter { setting.weights.indices.contains($0 - 1) }
            guard makers.count <= 1 else {
                throw ScenarioImpossible(
                    reason: "two members propose one value anew: a block has one proposer", isOfNode: true)
            }
            let maker = try ScenarioWorld.key(makers.first ?? bare.proposer(0) ?? 1).publicKey
            let time = state.dueTime(of: 1).advanced(
                byMilliseconds: UInt64(index) * ScenarioChain.valueInterval)
            times[name] = time
            blocks[name] = try ScenarioChain.block(
                on: state, verifier, at: time, by: maker, isValid: !values.invalid.contains(name))
        }
        self.blocks = blocks
        self.times = times
        world = ScenarioWorld(setting, on: state, values: blocks.mapValues(\.hash))
    }

    /// When round 0 begins.
    var due: Timestamp { genesis.state.dueTime(of: 1) }

    func makeStore() -> MemoryChainStore { ScenarioChain.store(genesis) }

    /// What the node builds when it shall propose the value.
    func assembly(_ value: String, by maker: PublicKey, _ verifier: BlockVerifier) throws -> BlockAssembly {
        try verifier.build(on: genesis.state, at: times[value] ?? due, proposer: maker, candidates: [])
    }

    private static func store(_ genesis: Genesis) -> MemoryChainStore {
        let store = MemoryChainStore(chain: genesis.hash)
        try? store.commit([BlockCommit(genesis.block, change: genesis.change, certificate: [])])
        return store
    }

    private static func block(
        on state: ChainState, _ verifier: BlockVerifier, at time: Timestamp, by maker: PublicKey,
        isValid: Bool
    ) throws(ScenarioImpossible) -> CheckedBlock {
        let assembly = try? verifier.build(on: state, at: time, proposer: maker, candidates: [])
        guard let block = assembly?.block?.block else { throw ScenarioImpossible(reason: "no block") }
        guard !isValid else { return block }
        let header = block.header
        let changed = BlockHeader(
            kind: header.kind, height: header.height, slot: header.slot, previous: header.previous,
            time: header.time, transactionRoot: header.transactionRoot, witnessRoot: header.witnessRoot,
            stateRoot: header.previous, validators: header.validators, nextValidators: header.nextValidators,
            evidenceRoot: header.evidenceRoot, attestationRoot: header.attestationRoot,
            proposer: header.proposer)
        guard let bad = try? CheckedBlock(header: changed, transactions: block.transactions) else {
            throw ScenarioImpossible(reason: "no invalid block")
        }
        return bad
    }

    /// The first genesis whose seed gives the order of proposers: the time decides the seed.
    private static func genesis(
        _ scenario: Scenario, precommit: UInt64
    ) throws(ScenarioImpossible) -> Genesis {
        var parameters = ChainParameters.local(
            slotMilliseconds: 600_000, paymentIntervalMilliseconds: 1000)
        parameters.proposeTimeoutMilliseconds = timeout
        parameters.prevoteTimeoutMilliseconds = timeout
        parameters.precommitTimeoutMilliseconds = precommit
        var members: [Registry.Entry] = []
        for (index, weight) in scenario.setting.weights.enumerated() {
            let key = try ScenarioWorld.key(index + 1).publicKey
            members.append(Registry.Entry(operatorKey: key, weight: weight, payout: Script.keyHash(of: key)))
        }
        var order: [Round: PublicKey] = [:]
        for (round, number) in ScenarioWorld.schedule(scenario) {
            order[round] = try ScenarioWorld.key(number).publicKey
        }
        for number in 0..<genesesMax {
            let time = TestChain.genesisTime.advanced(byMilliseconds: number)
            let genesis: Genesis
            do {
                genesis = try Genesis(parameters: parameters, time: time, members: members, allocations: [])
            } catch {
                throw ScenarioImpossible(reason: "no genesis: \(error)", isOfNode: true)
            }
            let state = genesis.state
            let fits = order.allSatisfy {
                state.validators.proposer(height: 1, round: $0.key, seed: state.seed).operatorKey == $0.value
            }
            if fits { return genesis }
        }
        throw ScenarioImpossible(reason: "no genesis gives this order of proposers", isOfNode: true)
    }
}
