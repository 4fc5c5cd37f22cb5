import TimeCoinConsensus
import TimeCoinCore

/// After a fork: those who are left sign one branch, and decide on with the reduced set.
enum ForkRecovery {
    /// Heights that they decide.
    private static let heights: UInt64 = 2
    private static let stepsMax = 5000

    static func run(
        _ fork: ProvenFork, _ plan: ForkPlan, _ world: ForkHeight, _ outcome: inout ForkOutcome
    ) {
        guard let remaining = fork.remaining else { return }
        let isCorrect = remaining.members.map { member in
            world.validators.index(of: member.operatorKey).map { !plan.isBad[$0] } ?? false
        }
        let weight = zip(remaining.members, isCorrect).reduce(UInt64(0)) {
            $0 + ($1.1 ? $1.0.weight : 0)
        }
        guard remaining.isQuorum(weight) else {
            outcome.kinds.insert(.unrecoverable)
            return
        }
        guard let recovery = certify(fork, remaining, isCorrect, plan, world, &outcome) else { return }
        for offset in 1...heights {
            let height = ForkHeight(
                height: fork.height + offset, validators: recovery.validators, chain: recovery.votingChain,
                keys: world.keys, isCorrect: isCorrect,
                random: SimulationRandom(seed: plan.seed, .delays, Int(offset)))
            guard decide(height, &outcome) else { return }
            outcome.heightsAfter += 1
        }
        outcome.kinds.insert(.recovered)
    }

    /// The correct members sign one branch, each once; the certificate is verified from its bytes.
    private static func certify(
        _ fork: ProvenFork, _ remaining: ValidatorSet, _ isCorrect: [Bool], _ plan: ForkPlan,
        _ world: ForkHeight, _ outcome: inout ForkOutcome
    ) -> VerifiedRecovery? {
        let branches = fork.proof.branches
        let votes = branches.compactMap {
            RecoveryVote(fork, branch: $0, lastHeight: fork.height, lastHash: $0)
        }
        guard votes.count == 2 else { return ForkRun.fail("no vote on a complete proof", &outcome) }
        let (vote, other) = plan.seed.isMultiple(of: 2) ? (votes[0], votes[1]) : (votes[1], votes[0])
        var signed: [SignedRecoveryVote] = []
        for (place, member) in remaining.members.enumerated() where isCorrect[place] {
            guard let number = world.keys.keys.firstIndex(of: member.operatorKey) else { continue }
            var positions = SignerPositions()
            let bytes = vote.signedBytes(chain: world.chain)
            guard positions.answer(SignerPosition(vote), bytes: bytes) == .sign else {
                return ForkRun.fail("the record refuses a first recovery vote", &outcome)
            }
            let signature = world.keys.sign(bytes, by: number)
            positions.note(SignerRecord(position: SignerPosition(vote), bytes: bytes, signature: signature))
            guard
                positions.answer(SignerPosition(other), bytes: other.signedBytes(chain: world.chain))
                    == .refuse
            else { return ForkRun.fail("the record allows a vote for both branches", &outcome) }
            signed.append(
                SignedRecoveryVote(vote: vote, member: member.operatorKey, signature: signature))
        }
        let anchor = TrustAnchor(chain: world.chain, validators: world.validators.hash)
        guard let certificate = RecoveryCertificate(fork, vote, votes: signed, check: world.keys.check),
            let read = try? RecoveryCertificate(decoding: certificate.encoded),
            let recovery = try? read.verify(against: anchor, check: world.keys.check),
            recovery.validators == remaining
        else { return ForkRun.fail("the recovery does not verify", &outcome) }
        return recovery
    }

    /// A height of the remaining set, judged as any other.
    private static func decide(_ height: ForkHeight, _ outcome: inout ForkOutcome) -> Bool {
        height.start()
        var steps = 0
        while height.machines.contains(where: { $0.map { $0.decision == nil } ?? false }) {
            steps += 1
            guard steps < stepsMax, height.deliver() || height.elapse() else {
                outcome.violation = Violation(
                    law: .liveness, message: "the remaining members decide nothing", time: 0)
                return false
            }
        }
        height.judgeDecisions()
        var trace = TraceHash()
        trace.combine(outcome.trace)
        trace.combine(height.trace.value)
        outcome.trace = trace.value
        if let violation = height.monitor.violation {
            outcome.violation = violation
            return false
        }
        return true
    }
}
