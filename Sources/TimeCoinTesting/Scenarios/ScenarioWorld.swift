import TimeCoinConsensus
import TimeCoinCore

/// A scenario asks for something that cannot be: which, and what would be possible.
struct ScenarioImpossible: Error, Hashable, Sendable {
    let reason: String
    /// Whether it can be with a machine alone, and only a whole node cannot play it.
    var isOfNode = false
}

/// The members of a scenario with keys for all, and a seed under which they propose in the wanted order.
struct ScenarioWorld: Sendable {
    let setting: Scenario.Setting
    let set: ValidatorSet
    let chain: Hash256
    let seed: Hash256
    /// What the names of values stand for; a name that is not here stands for its own hash.
    private let values: [String: Hash256]

    /// Members and strangers at most.
    static let memberMax = 300
    /// Seeds that are tried for an order of proposers.
    private static let seedsMax: UInt64 = 200_000
    /// Sets up to this size propose in the order of their numbers where a scenario does not say otherwise.
    private static let orderedMembersMax = 6

    init(_ scenario: Scenario) throws(ScenarioImpossible) {
        setting = scenario.setting
        var members: [Member] = []
        for (index, weight) in setting.weights.enumerated() {
            members.append(
                Member(operatorKey: try ScenarioWorld.key(index + 1).publicKey, weight: weight))
        }
        do {
            set = try ValidatorSet(members)
        } catch {
            throw ScenarioImpossible(reason: "weights do not make a validator set: \(error)")
        }
        values = [:]
        chain = Blake2b.hash256(.block, Array("scenario".utf8))
        seed = try ScenarioWorld.seed(
            set, setting.height,
            proposing: ScenarioWorld.schedule(scenario).mapValues { number in
                guard members.indices.contains(number - 1) else { return nil }
                return members[number - 1].operatorKey
            })
    }

    /// The world of a whole node: members, chain and seed are those of a genesis block.
    init(_ setting: Scenario.Setting, on state: ChainState, values: [String: Hash256]) {
        self.setting = setting
        self.values = values
        set = state.validators
        chain = state.votingChain
        seed = state.seed
    }

    /// Who shall propose when: as set, as the steps say, else in the order of the numbers.
    static func schedule(_ scenario: Scenario) -> [Round: Int] {
        var schedule: [Round: Int] = [:]
        for (round, member) in scenario.setting.proposers.enumerated() { schedule[Round(round)] = member }
        for case .enter(let round, let member?) in scenario.steps.flatMap(\.inputs) {
            schedule[round] = member
        }
        if schedule.isEmpty, scenario.setting.weights.count <= orderedMembersMax {
            for index in scenario.setting.weights.indices { schedule[Round(index)] = index + 1 }
        }
        if schedule[0] == nil, !schedule.values.contains(1) { schedule[0] = 1 }
        return schedule
    }

    private static func seed(
        _ set: ValidatorSet, _ height: Height, proposing keys: [Round: PublicKey?]
    ) throws(ScenarioImpossible) -> Hash256 {
        let order = keys.sorted { $0.key < $1.key }
        for number in 0..<seedsMax {
            var writer = ByteWriter(reserving: 8)
            writer.write(number)
            let seed = Blake2b.hash256(.slotSeed, writer.bytes)
            let fits = order.allSatisfy {
                set.proposer(height: height, round: $0.key, seed: seed).operatorKey == $0.value
            }
            if fits { return seed }
        }
        throw ScenarioImpossible(
            reason: "no seed gives this order of proposers; say less with 'proposers …'; in sets of n ≤ 7 "
                + "any n rounds have n different proposers, and round n has that of round 0")
    }

    /// The key of a member or stranger.
    static func key(_ number: Int) throws(ScenarioImpossible) -> SigningKey {
        let bytes = [UInt8(number & 255), UInt8(number >> 8 & 255)]
        guard let key = SigningKey(seed: bytes + [UInt8](repeating: 7, count: 30)) else {
            throw ScenarioImpossible(reason: "no key for v\(number)")
        }
        return key
    }

    func number(of key: PublicKey) -> Int? {
        (1...ScenarioWorld.memberMax).first { (try? ScenarioWorld.key($0))?.publicKey == key }
    }

    func hash(_ value: String) -> Hash256 {
        values[value] ?? Blake2b.hash256(.block, Array(value.utf8))
    }

    func proposer(_ round: Round) -> Int? {
        number(of: set.proposer(height: setting.height, round: round, seed: seed).operatorKey)
    }

    /// - Parameter member: `nil` for an observer.
    func machine(_ member: Int?) throws(ScenarioImpossible) -> ConsensusMachine {
        var own: PublicKey?
        if let member { own = try ScenarioWorld.key(member).publicKey }
        return ConsensusMachine(
            height: setting.height, validators: set, seed: seed, chain: chain, own: own,
            parameters: ConsensusParameters(
                propose: 3000, prevote: 1000, precommit: 1000, increment: 500, earlyEnd: setting.earlyEnd))
    }

    func vote(_ message: ScenarioMessage, in current: Round) throws(ScenarioImpossible) -> SignedVote {
        guard let member = message.member else { throw ScenarioImpossible(reason: "a vote of nobody") }
        let vote = Vote(
            type: message.kind == .prevote ? .prevote : .precommit, height: message.height ?? setting.height,
            round: message.round ?? current, value: message.value.map(hash),
            validRound: message.validRound)
        return SignedVote(
            vote: vote, member: try ScenarioWorld.key(member).publicKey,
            signature: try signature(message, by: member, over: vote.signedBytes(chain: chain), in: current))
    }

    func proposal(_ message: ScenarioMessage, in current: Round) throws(ScenarioImpossible) -> SignedProposal
    {
        let round = message.round ?? current
        guard let value = message.value, let member = message.member ?? proposer(round) else {
            throw ScenarioImpossible(reason: "a proposal of nobody")
        }
        let proposal = Proposal(
            height: message.height ?? setting.height, round: round, value: hash(value),
            validRound: message.validRound)
        return SignedProposal(
            proposal: proposal, proposer: try ScenarioWorld.key(member).publicKey,
            signature: try signature(
                message, by: member, over: proposal.signedBytes(chain: chain), in: current))
    }

    /// Signs as the message says: another's key, another statement, or a signature of nothing.
    private func signature(
        _ message: ScenarioMessage, by member: Int, over bytes: [UInt8], in current: Round
    ) throws(ScenarioImpossible) -> Signature {
        var bytes = bytes
        if let other = message.signedInstead.first {
            if other.kind == .proposal {
                bytes = try proposal(other, in: current).proposal.signedBytes(chain: chain)
            } else {
                bytes = try vote(other, in: current).vote.signedBytes(chain: chain)
            }
        }
        if message.hasBrokenSignature { bytes.append(0) }
        return try ScenarioWorld.key(message.signer ?? member).sign(bytes)
    }
}
