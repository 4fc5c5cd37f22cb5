import TimeCoinConsensus
import TimeCoinCore

/// Makes forks by more than f members, and judges who is blamed and whether the rest goes on.
public enum ForkRun {
    /// Steps of a height at most.
    private static let stepsMax = 3000
    /// Pairs of certificates that are looked at in one run at most.
    private static let pairsMax = 6
    /// Members of a network.
    public static let membersRange = ForkPlan.membersRange

    /// All seeds of a range, some at a time; outcomes are handed on in the order of the seeds.
    ///
    /// - Parameter body: told each outcome; returning false ends the run after it.
    public static func campaign(
        seeds: ClosedRange<UInt64>, nodes: Int?, workers: Int, _ body: (ForkOutcome) -> Bool
    ) async {
        await SeedCampaign.run(seeds: seeds, workers: workers, { replay(seed: $0, nodes: nodes) }, body)
    }

    /// One seed; `nil` when the options make no network.
    public static func replay(seed: UInt64, nodes: Int? = nil) -> ForkOutcome? {
        guard let plan = ForkPlan(seed: seed, nodes: nodes),
            let keys = SimulatedKeys(count: plan.weights.count, isReal: plan.isReal),
            let validators = try? ValidatorSet(
                zip(keys.keys, plan.weights).map { Member(operatorKey: $0, weight: $1) })
        else { return nil }
        var outcome = ForkOutcome(seed: seed)
        outcome.nodes = plan.weights.count
        let world = ForkHeight(
            height: 1 + seed % 1000, validators: validators, chain: Blake2b.hash256(.block, [7]), keys: keys,
            isCorrect: plan.isBad.map { !$0 }, random: SimulationRandom(seed: seed, .network, 7))
        play(plan, world)
        outcome.violation = world.monitor.violation
        outcome.trace = world.trace.value
        judge(plan, world, &outcome)
        return outcome
    }

    private static func play(_ plan: ForkPlan, _ world: ForkHeight) {
        var traitors = ForkTraitors(plan)
        var crossing = SimulationRandom(seed: plan.seed, .partitions, 7)
        world.passes = { from, to in
            plan.groups[from] == plan.groups[to] || crossing.chance(permille: plan.crossing)
        }
        world.start()
        for _ in 0..<stepsMax {
            let open = world.machines.compactMap { $0 }.filter { $0.decision == nil }
            if open.isEmpty || open.contains(where: { $0.round > plan.roundsMax }) { break }
            for group in 0..<2 { traitors.act(towards: group, world) }
            if world.deliver() || world.elapse() { continue }
            for group in 0..<2 { traitors.push(group, world) }
        }
    }

    // MARK: - Blame

    private static func judge(_ plan: ForkPlan, _ world: ForkHeight, _ outcome: inout ForkOutcome) {
        let commits = world.commits
        var pairs: [(VerifiedCertificate, VerifiedCertificate)] = []
        for (place, one) in commits.enumerated() {
            for other in commits.dropFirst(place + 1)
            where other.certificate.value != one.certificate.value && pairs.count < pairsMax {
                pairs.append((one, other))
            }
        }
        guard !pairs.isEmpty else { return }
        outcome.hasForked = true
        let decided = Set(world.decisions.map(\.value))
        if decided.count > 1 { outcome.kinds.insert(.decidedTwice) }
        var chosen: ProvenFork?
        for (one, other) in pairs {
            if ![one, other].allSatisfy({ decided.contains($0.certificate.value) }) {
                outcome.kinds.insert(.concealedCommit)
            }
            guard let fork = blame(one, other, plan, world, &outcome) else { return }
            chosen = chosen ?? fork
        }
        if let chosen { ForkRecovery.run(chosen, plan, world, &outcome) }
    }

    /// Who is to blame for one pair: at first by what correct members publish, then by all that there is.
    private static func blame(
        _ one: VerifiedCertificate, _ other: VerifiedCertificate, _ plan: ForkPlan, _ world: ForkHeight,
        _ outcome: inout ForkOutcome
    ) -> ProvenFork? {
        let isOneRound = one.certificate.round == other.certificate.round
        outcome.kinds.insert(isOneRound ? .oneRound : .acrossRounds)
        let published = world.isCorrect.indices.filter { world.isCorrect[$0] }
            .flatMap { world.heard[$0].polkas }
        let all = world.prevotes.polkas
        guard let first = proven(one, other, published, plan, world, &outcome) else { return nil }
        if !first.isComplete {
            let known = Set(all.map { WantedPolka(round: $0.certificate.round, value: $0.certificate.value) })
            guard !first.wanted.isEmpty, known.isSuperset(of: first.wanted) else {
                return fail("wants \(first.wanted) and blames \(first.weight)", &outcome)
            }
            outcome.kinds.insert(.latePolka)
        }
        guard let fork = proven(one, other, published + all, plan, world, &outcome) else { return nil }
        guard fork.isComplete else {
            return fail("only \(fork.weight) of \(world.validators.totalWeight) is to blame", &outcome)
        }
        classify(fork, plan, world, &outcome)
        return fork
    }

    private static func proven(
        _ one: VerifiedCertificate, _ other: VerifiedCertificate, _ polkas: [VerifiedCertificate],
        _ plan: ForkPlan, _ world: ForkHeight, _ outcome: inout ForkOutcome
    ) -> ProvenFork? {
        let anchor = TrustAnchor(chain: world.chain, validators: world.validators.hash)
        guard let proof = ForkProof(one, other, polkas: polkas, validators: world.validators),
            let read = try? ForkProof(decoding: proof.encoded),
            let fork = try? read.verify(against: anchor, check: world.keys.check)
        else { return fail("the proof does not verify", &outcome) }
        for evidence in fork.blamed {
            let place = world.validators.index(of: evidence.misbehaviour.member)
            guard let place, plan.isBad[place] else {
                return fail("correct member \(place ?? -1) is blamed: \(evidence.misbehaviour)", &outcome)
            }
        }
        return fork
    }

    private static func classify(
        _ fork: ProvenFork, _ plan: ForkPlan, _ world: ForkHeight, _ outcome: inout ForkOutcome
    ) {
        for evidence in fork.blamed {
            switch evidence.misbehaviour {
            case .amnesia: outcome.kinds.insert(.amnesia)
            case .votes(let vote, _) where vote.vote.type == .prevote: outcome.kinds.insert(.twoPrevotes)
            case .votes, .proposals: break
            }
        }
        if fork.blamed.count < plan.isBad.count(where: { $0 }) { outcome.kinds.insert(.unblamed) }
        let (first, second) = (fork.proof.first, fork.proof.second)
        guard first.round < second.round else { return }
        let both = Set(first.signers).intersection(second.signers)
        if both.contains(where: { !plan.isBad[$0] }) { outcome.kinds.insert(.movedLock) }
    }

    static func fail<Value>(_ message: String, _ outcome: inout ForkOutcome) -> Value? {
        if outcome.violation == nil {
            outcome.violation = Violation(law: .evidence, message: message, time: 0)
        }
        return nil
    }
}
