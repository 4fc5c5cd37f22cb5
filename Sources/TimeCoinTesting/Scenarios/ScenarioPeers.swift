import TimeCoinConsensus
import TimeCoinCore
import TimeCoinNode

/// The other members as a node's peers: they answer what it asks, and remember what it said.
struct ScenarioPeers {
    let world: ScenarioWorld
    let own: PublicKey
    /// Numbers of the members that are peers; a lone member has a stranger for one.
    let numbers: [Int]
    /// Contents of values that may be given away, by hash.
    private(set) var available: [Hash256: CheckedBlock] = [:]
    private var requested: Set<Hash256> = []
    /// The highest that the node said.
    private var highest: SignedPosition?

    init(of member: Int, _ own: PublicKey, in world: ScenarioWorld) {
        self.world = world
        self.own = own
        let others = world.setting.weights.indices.map { $0 + 1 }.filter { $0 != member }
        numbers = others.isEmpty ? [world.setting.weights.count + 1] : others
    }

    func keys() throws(ScenarioImpossible) -> [PublicKey] {
        var keys: [PublicKey] = []
        for number in numbers { keys.append(try ScenarioWorld.key(number).publicKey) }
        return keys
    }

    mutating func give(_ block: CheckedBlock) { available[block.hash] = block }

    /// What can be had for another node can be had for this one: content travels with the messages about it.
    mutating func give(from other: ScenarioPeers) { available.merge(other.available) { own, _ in own } }

    mutating func hear(_ message: WireMessage) {
        let position: SignedPosition? =
            switch message {
            case .vote(let signed): .vote(signed)
            case .proposal(let signed, _): .proposal(signed)
            default: nil
            }
        guard let position, position.signer == own else { return }
        if let highest, highest.position >= position.position { return }
        highest = position
    }

    /// What a peer answers to a letter.
    mutating func answer(
        _ message: WireMessage, by peer: PublicKey
    ) throws(ScenarioImpossible) -> WireMessage? {
        switch message {
        case .positionQuery(let key, let nonce):
            guard let number = world.number(of: peer) else { return nil }
            return .positionAnswer(
                PositionAnswer(
                    key: key, nonce: nonce, highest: highest, signedBy: try ScenarioWorld.key(number),
                    chain: world.chain))
        case .valueRequest(let hash):
            if let block = available[hash] { return .value(block.encoded) }
            requested.insert(hash)
            return nil
        default: return nil
        }
    }

    /// Contents that were asked for before there were any to give.
    mutating func lateAnswers() -> [WireMessage] {
        let ready = requested.filter { available[$0] != nil }.sorted()
        requested.subtract(ready)
        return ready.compactMap { available[$0].map { .value($0.encoded) } }
    }
}
