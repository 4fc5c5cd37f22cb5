import TimeCoinConsensus
import TimeCoinCore

/// More than f members gone bad, who know everything that is said and act as one.
///
/// They never name a polka that there is not: who did would be asked for it for ever, and could be blamed by
/// nobody without it.
struct ForkTraitors {
    private let plan: ForkPlan
    private let members: [Int]
    private var random: SimulationRandom
    private var values: [Round: Hash256] = [:]
    private var proposed: Set<[UInt64]> = []
    private var voted: Set<[UInt64]> = []
    private var entered: Set<[UInt64]> = []

    init(_ plan: ForkPlan) {
        self.plan = plan
        members = plan.isBad.indices.filter { plan.isBad[$0] }
        random = SimulationRandom(seed: plan.seed, .byzantine, 7)
    }

    /// Whatever they have to do towards one group now.
    mutating func act(towards group: Int, _ world: ForkHeight) {
        let targets = plan.groups.indices.filter { !plan.isBad[$0] && plan.groups[$0] == group }
        guard let round = targets.compactMap({ world.machines[$0]?.round }).max() else { return }
        propose(round, group, targets, world)
        let known = world.proposals.last { known in
            known.proposal.proposal.round == round && targets.contains { known.reached.contains($0) }
        }
        if let known, voted.insert([UInt64(round), UInt64(group)]).inserted {
            vote(for: known.proposal.proposal, targets, world)
        }
    }

    /// Votes nil where a group waits for more, so that its round passes.
    mutating func push(_ group: Int, _ world: ForkHeight) {
        let targets = plan.groups.indices.filter { !plan.isBad[$0] && plan.groups[$0] == group }
        guard let round = targets.compactMap({ world.machines[$0]?.round }).max() else { return }
        guard entered.insert([UInt64(round), UInt64(group)]).inserted else {
            // Votes of more than a third in the next round take everybody there.
            return say(.prevote, round + 1, nil, nil, to: targets, world)
        }
        say(.prevote, round, nil, nil, to: targets, world)
        say(.precommit, round, nil, nil, to: targets, world)
    }

    private mutating func propose(_ round: Round, _ group: Int, _ targets: [Int], _ world: ForkHeight) {
        guard let proposer = world.proposer(of: round), plan.isBad[proposer],
            proposed.insert([UInt64(round), UInt64(group)]).inserted
        else { return }
        let polka = random.chance(permille: 600) ? random.pick(world.prevotes.polkas) : nil
        // Now and then as if it were new, so that nobody has to be shown the polka.
        let isHidden = random.chance(permille: 400)
        if let polka, !isHidden, polka.certificate.round < round {
            world.send(.certificate(polka), to: targets)
            let again = Proposal(
                height: world.height, round: round, value: polka.certificate.value,
                validRound: polka.certificate.round)
            if let signed = world.sign(again, by: proposer) {
                world.send(.proposal(signed, isTimely: true), to: targets)
            }
            return
        }
        let value = isHidden ? polka?.certificate.value : plan.isEquivocating ? nil : values[round]
        let fresh = value ?? world.freshValue(by: proposer)
        values[round] = fresh
        let proposal = Proposal(height: world.height, round: round, value: fresh, validRound: nil)
        if let signed = world.sign(proposal, by: proposer) {
            world.send(.proposal(signed, isTimely: true), to: targets)
        }
    }

    private mutating func vote(for proposal: Proposal, _ targets: [Int], _ world: ForkHeight) {
        let named = validRound(for: proposal, world)
        let round = proposal.round
        let members = participants(targets, world)
        switch random.pick([ForkHelp.decide, .decide, .lock, .refuse, .conceal]) ?? .refuse {
        case .decide:
            say(.prevote, round, proposal.value, named, to: targets, by: members, world)
            say(.precommit, round, proposal.value, nil, to: targets, by: members, world)
        case .lock:
            say(.prevote, round, proposal.value, named, to: targets, by: members, world)
            say(.precommit, round, proposal.value, nil, to: [], by: members, world)
        case .refuse: break
        case .conceal:
            say(.prevote, round, proposal.value, named, to: [], by: members, world)
            say(.precommit, round, proposal.value, nil, to: [], by: members, world)
        }
    }

    /// What their prevotes name: mostly what the proposal says, else nothing, or another polka of the value.
    private mutating func validRound(for proposal: Proposal, _ world: ForkHeight) -> Round? {
        let known = world.prevotes.polkas.map(\.certificate)
            .filter { $0.value == proposal.value && $0.round < proposal.round }.map(\.round)
        switch random.below(10) as UInt64 {
        case 0, 1: return nil
        case 2, 3: return random.pick(known)
        default: return proposal.validRound.map { known.contains($0) ? $0 : nil } ?? known.last
        }
    }

    /// All of them, or now and then as few as make a quorum with the group: who need not sign cannot be
    /// blamed.
    private mutating func participants(_ targets: [Int], _ world: ForkHeight) -> [Int] {
        guard random.chance(permille: 400) else { return members }
        func weight(_ places: [Int]) -> UInt64 {
            places.reduce(0) { $0 + world.validators.members[$1].weight }
        }
        let needed = weight(targets)
        var chosen = members
        for member in members where random.chance(permille: 500) {
            let rest = chosen.filter { $0 != member }
            if world.validators.isQuorum(needed + weight(rest)) { chosen = rest }
        }
        return chosen
    }

    private func say(
        _ type: VoteType, _ round: Round, _ value: Hash256?, _ named: Round?, to targets: [Int],
        by members: [Int]? = nil, _ world: ForkHeight
    ) {
        for member in members ?? self.members {
            let vote = Vote(
                type: type, height: world.height, round: round, value: value,
                validRound: value == nil ? nil : named)
            if let signed = world.sign(vote, by: member) { world.send(.vote(signed), to: targets) }
        }
    }
}
