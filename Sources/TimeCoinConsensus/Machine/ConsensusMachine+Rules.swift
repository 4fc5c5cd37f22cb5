import TimeCoinCore

extension ConsensusMachine {
    /// Applies the rules until none fires: decide, lock, the rest in the paper's order.
    mutating func evaluate(_ effects: inout ConsensusEffects) {
        while decision == nil {
            if decide(&effects) { break }
            guard hasStarted || startsByItself(&effects) else { break }
            gatherPolka()
            if lock(&effects) || prevoteProposal(&effects) || precommitNil(&effects) || skip(&effects) {
                continue
            }
            if timeOut(&effects) || endEarly(&effects) { continue }
            break
        }
    }

    /// L49: more than two thirds precommitted a valid value in any round.
    private mutating func decide(_ effects: inout ConsensusEffects) -> Bool {
        for state in rounds.indices {
            guard let value = rounds[state].precommits.quorumValue(validators),
                !commits.contains(where: { $0.certificate.value == value }),
                let commit = VerifiedCertificate(
                    .commit, of: rounds[state].precommits.votes(for: value), validators: validators)
            else { continue }
            commits.append(commit)
        }
        for commit in commits {
            switch verdicts[commit.certificate.value] {
            case true:
                // L51
                decision = Decision(
                    value: commit.certificate.value, round: commit.certificate.round, certificate: commit)
                unsigned = []
                return true
            case false: effects.certifiedInvalid = commit.certificate.value
            case nil: break
            }
        }
        return false
    }

    /// Round 0 also begins on a valid proposal for it, or on votes of more than a third.
    private mutating func startsByItself(_ effects: inout ConsensusEffects) -> Bool {
        guard round == 0 else { return false }
        let isProposed = rounds[current].proposals.contains { verdicts[$0.proposal.value] == true }
        let voted = max(rounds[current].prevotes.weight, rounds[current].precommits.weight)
        guard isProposed || validators.isThird(voted) || skipTarget != nil || polkas.last != nil else {
            return false
        }
        begin(&effects)
        return true
    }

    /// L10: round 0.
    mutating func begin(_ effects: inout ConsensusEffects) {
        hasStarted = true
        proposeIfOwn(&effects)
    }

    /// L36, L44: packs a polka of the current round as soon as there is one.
    private mutating func gatherPolka() {
        guard let value = rounds[current].prevotes.quorumValue(validators),
            !polkas.contains(where: { $0.certificate.round == round }),
            let polka = VerifiedCertificate(
                .polka, of: rounds[current].prevotes.votes(for: value), validators: validators)
        else { return }
        remember(polka)
    }

    private func hasPolka(_ value: Hash256, in round: Round) -> Bool {
        if polkas.contains(where: { $0.certificate.round == round && $0.certificate.value == value }) {
            return true
        }
        return place(of: round).map { rounds[$0].prevotes.quorumValue(validators) == value } ?? false
    }

    /// L36: proposal and polka of this round; lock and precommit while in step prevote, and in any case it is
    /// the valid value.
    private mutating func lock(_ effects: inout ConsensusEffects) -> Bool {
        guard step != .propose, valid?.round != round || step == .prevote else { return false }
        for known in rounds[current].proposals {
            let value = known.proposal.value
            guard hasPolka(value, in: round), verdicts[value] == true else { continue }
            // L42, L43
            valid = ValidValue(value: value, round: round)
            if step == .prevote {
                // L38 to L41
                locked = valid
                step = .precommit
                emit(vote(.precommit, value), &effects)
            }
            return true
        }
        return false
    }

    /// L22 and L28: the answer to the round's proposal.
    private mutating func prevoteProposal(_ effects: inout ConsensusEffects) -> Bool {
        guard step == .propose else { return false }
        for known in rounds[current].proposals {
            let proposal = known.proposal
            let isAllowed: Bool
            if let validRound = proposal.validRound {
                // L28, L29
                guard hasPolka(proposal.value, in: validRound) else { continue }
                isAllowed = locked.map { $0.round <= validRound || $0.value == proposal.value } ?? true
            } else {
                // L22, L23; a fresh proposal is also judged by its time, once, at first receipt.
                isAllowed = known.isTimely && (locked.map { $0.value == proposal.value } ?? true)
            }
            let verdict = verdicts[proposal.value]
            guard verdict != nil || !isAllowed else { continue }
            // L24 to L27, L30 to L33
            step = .prevote
            let value = isAllowed && verdict == true ? proposal.value : nil
            let justifying = value.flatMap { justification(of: $0, proposal) }
            emit(vote(.prevote, value, validRound: justifying), &effects)
            return true
        }
        return false
    }

    /// The latest polka that this member knows to justify its prevote. A lock that has moved counts too, also
    /// where the proposal does not say so: without it the prevote would look as if an earlier lock were
    /// forgotten.
    private func justification(of value: Hash256, _ proposal: Proposal) -> Round? {
        guard let locked, locked.value == value else { return proposal.validRound }
        return max(locked.round, proposal.validRound ?? locked.round)
    }

    /// L44: a polka for nil.
    private mutating func precommitNil(_ effects: inout ConsensusEffects) -> Bool {
        guard step == .prevote, validators.isQuorum(rounds[current].prevotes.nilWeight) else { return false }
        // L45, L46
        step = .precommit
        emit(vote(.precommit, nil), &effects)
        return true
    }

    /// L57, L61, L65.
    private mutating func timeOut(_ effects: inout ConsensusEffects) -> Bool {
        // L57 to L60
        if step == .propose, elapsed.contains(.propose) {
            step = .prevote
            emit(vote(.prevote, nil), &effects)
            return true
        }
        // L61 to L64
        if step == .prevote, elapsed.contains(.prevote) {
            step = .precommit
            emit(vote(.precommit, nil), &effects)
            return true
        }
        // L65 to L67
        // Only members beyond a third can bring anybody to the last round there is; nobody leaves it.
        guard elapsed.contains(.precommit), round < Round.max else { return false }
        enter(round + 1, &effects)
        return true
    }

    /// Ends a step whose outcome the missing votes cannot change: L61 and L65 without the wait. Where many
    /// rounds fail, haste does not help, and rounds that pass at the speed of messages make all later
    /// timeouts long: then the precommit timeout is waited for.
    private mutating func endEarly(_ effects: inout ConsensusEffects) -> Bool {
        guard parameters.earlyEnd else { return false }
        if step == .prevote, rounds[current].prevotes.isHopeless(validators) {
            step = .precommit
            emit(vote(.precommit, nil), &effects)
            return true
        }
        guard round < ConsensusMachine.hastyRoundsMax, step == .precommit,
            rounds[current].precommits.weight == validators.totalWeight,
            rounds[current].precommits.quorumValue(validators) == nil
        else { return false }
        enter(round + 1, &effects)
        return true
    }

    private func vote(_ type: VoteType, _ value: Hash256?, validRound: Round? = nil) -> OwnMessage {
        .vote(Vote(type: type, height: height, round: round, value: value, validRound: validRound))
    }
}
