import TimeCoinCore

extension ConsensusMachine {
    /// L55: a higher round in which more than a third of the weight votes, or which has a polka or a
    /// round certificate.
    var skipTarget: Round? {
        var target = futureVotes.roundOfThird ?? 0
        if let polka = polkas.last { target = max(target, polka.certificate.round) }
        if let heardRound { target = max(target, heardRound.round) }
        return target > round ? target : nil
    }

    /// L55, L56.
    mutating func skip(_ effects: inout ConsensusEffects) -> Bool {
        guard let target = skipTarget else { return false }
        enter(target, &effects)
        return true
    }

    /// L11 to L13: begins a round with what was heard of it before.
    mutating func enter(_ next: Round, _ effects: inout ConsensusEffects) {
        // The polka of the round being left justifies whoever proposes its value again.
        effects.toSend += polkas.filter { $0.certificate.round == valid?.round }.map(\.certificate)
        enteredBy = justification(of: next)
        effects.toJustify = enteredBy?.certificate
        let previous = round
        round = next
        step = .propose
        elapsed = []
        unsigned = []
        awaitsValue = false
        rounds.removeAll {
            $0.number != previous && $0.number != locked?.round && $0.number != valid?.round
        }
        // Above all that are kept, so the last.
        rounds.append(promoted(to: next))
        if let heardRound, heardRound.round <= next { self.heardRound = nil }
        for type in [VoteType.prevote, .precommit] {
            for vote in rounds[current].tally(type).votes.compactMap({ $0 }) {
                findAmnesia(beside: vote, &effects)
            }
        }
        proposeIfOwn(&effects)
    }

    /// The votes that justify entering a round: those in it, or the precommits that end the one before.
    private func justification(of next: Round) -> VerifiedRoundCertificate? {
        if let heardRound, heardRound.round == next { return heardRound }
        let inRound = validators.members.indices.compactMap { index in
            [VoteType.precommit, .prevote].lazy
                .compactMap { futureVotes.vote($0, of: index) }.first { $0.vote.round == next }
        }
        let ending = next == round + 1 ? rounds[current].precommits.votes.compactMap { $0 } : []
        return VerifiedRoundCertificate(justifying: next, at: height, by: inRound, validators: validators)
            ?? VerifiedRoundCertificate(justifying: next, at: height, by: ending, validators: validators)
    }

    /// Moves what was heard of a future round into place: votes of a polka, single ones, and those of a round
    /// certificate.
    private mutating func promoted(to next: Round) -> RoundState {
        var state = RoundState(next, members: validators.members.count)
        let members = validators.members
        for polka in polkas where polka.certificate.round == next {
            for vote in polka.votes { state.add(vote, weight: members[vote.index].weight) }
        }
        futureVotes.leave(upTo: next, validators) { state.add($0, weight: members[$0.index].weight) }
        for vote in heardRound?.votes ?? [] where vote.vote.round == next {
            state.add(vote, weight: members[vote.index].weight)
        }
        for index in futureProposals.indices {
            guard let known = futureProposals[index], known.proposal.round <= next else { continue }
            futureProposals[index] = nil
            if known.proposal.round == next { state.proposals.append(known) }
        }
        return state
    }

    /// L14 to L19.
    mutating func proposeIfOwn(_ effects: inout ConsensusEffects) {
        guard let own, proposer(of: round) == own, rounds[current].proposals.isEmpty else { return }
        if let valid {
            // L15, L16
            let proposal = Proposal(height: height, round: round, value: valid.value, validRound: valid.round)
            emit(.proposal(proposal), &effects)
        } else {
            // L18
            awaitsValue = true
        }
    }
}
