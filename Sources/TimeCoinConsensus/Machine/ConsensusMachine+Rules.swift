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
        for number in rounds.keys.sorted() {
            guard let state = rounds[number], let value = state.precommits.quorumValue(validators),
                !commits.contains(where: { $0.certificate.value == value }),
                let commit = VerifiedCertificate(
                    .commit, of: state.precommits.votes(for: value), validators: validators)
            else { continue }
            commits.append(commit)
        }
        for commit in commits {
            switch verdicts[commit.certificate.value] {
            case true:
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
        guard let state = rounds[0] else { return false }
        let isProposed = state.proposals.contains { verdicts[$0.proposal.value] == true }
        let isVoted = validators.isThird(max(state.prevotes.weight, state.precommits.weight))
        guard isProposed || isVoted || skipTarget != nil || polkas.last != nil else { return false }
        begin(&effects)
        return true
    }

    mutating func begin(_ effects: inout ConsensusEffects) {
        hasStarted = true
        proposeIfOwn(&effects)
    }

    /// Packs a polka of the current round as soon as there is one.
    private mutating func gatherPolka() {
        guard let state = rounds[round], let value = state.prevotes.quorumValue(validators),
            !polkas.contains(where: { $0.certificate.round == round }),
            let polka = VerifiedCertificate(
                .polka, of: state.prevotes.votes(for: value), validators: validators)
        else { return }
        remember(polka)
    }

    private func hasPolka(_ value: Hash256, in round: Round) -> Bool {
        if polkas.contains(where: { $0.certificate.round == round && $0.certificate.value == value }) {
            return true
        }
        return rounds[round]?.prevotes.quorumValue(validators) == value
    }

    /// L36: proposal and polka of this round; lock and precommit while in step prevote, and in any case it
    /// is the
    /// valid value.
    private mutating func lock(_ effects: inout ConsensusEffects) -> Bool {
        guard step != .propose, let state = rounds[round] else { return false }
        for known in state.proposals {
            let value = known.proposal.value
            guard verdicts[value] == true, hasPolka(value, in: round),
                valid?.round != round || step == .prevote
            else { continue }
            valid = ValidValue(value: value, round: round)
            if step == .prevote {
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
        guard step == .propose, let state = rounds[round] else { return false }
        for known in state.proposals {
            let proposal = known.proposal
            let isAllowed: Bool
            if let validRound = proposal.validRound {
                // L28
                guard hasPolka(proposal.value, in: validRound) else { continue }
                isAllowed = locked.map { $0.round <= validRound || $0.value == proposal.value } ?? true
            } else {
                // L22; a fresh proposal is also judged by its time, once, at first receipt.
                isAllowed = known.isTimely && (locked.map { $0.value == proposal.value } ?? true)
            }
            let verdict = verdicts[proposal.value]
            guard verdict != nil || !isAllowed else { continue }
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
        guard step == .prevote, let state = rounds[round], validators.isQuorum(state.prevotes.weight(of: nil))
        else { return false }
        step = .precommit
        emit(vote(.precommit, nil), &effects)
        return true
    }

    /// L57, L61, L65.
    private mutating func timeOut(_ effects: inout ConsensusEffects) -> Bool {
        if step == .propose, elapsed.contains(.propose) {
            step = .prevote
            emit(vote(.prevote, nil), &effects)
            return true
        }
        if step == .prevote, elapsed.contains(.prevote) {
            step = .precommit
            emit(vote(.precommit, nil), &effects)
            return true
        }
        guard elapsed.contains(.precommit) else { return false }
        enter(round + 1, &effects)
        return true
    }

    /// Ends a step whose outcome the missing votes cannot change.
    private mutating func endEarly(_ effects: inout ConsensusEffects) -> Bool {
        guard parameters.earlyEnd, let state = rounds[round] else { return false }
        if step == .prevote, state.prevotes.isHopeless(validators) {
            step = .precommit
            emit(vote(.precommit, nil), &effects)
            return true
        }
        guard step == .precommit, state.precommits.weight == validators.totalWeight,
            state.precommits.quorumValue(validators) == nil
        else { return false }
        enter(round + 1, &effects)
        return true
    }

    private func vote(_ type: VoteType, _ value: Hash256?, validRound: Round? = nil) -> OwnMessage {
        .vote(Vote(type: type, height: height, round: round, value: value, validRound: validRound))
    }
}
