import TimeCoinCore

extension ConsensusMachine {
    /// L55: a higher round in which more than a third of the weight votes, or which has a polka or a
    /// round certificate.
    var skipTarget: Round? {
        var weights: [Round: UInt64] = [:]
        for index in validators.members.indices {
            let heard = Set(
                [VoteType.prevote, .precommit].compactMap { futureVotes[$0]?[index]?.vote.round })
            for number in heard {
                weights[number, default: 0] += validators.members[index].weight
            }
        }
        let voted = weights.filter { validators.isThird($0.value) }.keys.max()
        let certified = polkas.last.map(\.certificate.round).flatMap { $0 > round ? $0 : nil }
        let justified = heardRound.map(\.round).flatMap { $0 > round ? $0 : nil }
        return [voted, certified, justified].compactMap { $0 }.max()
    }

    mutating func skip(_ effects: inout ConsensusEffects) -> Bool {
        guard let target = skipTarget, target > round else { return false }
        enter(target, &effects)
        return true
    }

    /// L11: begins a round with what was heard of it before.
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
        let kept = Set([previous, locked?.round, valid?.round].compactMap { $0 })
        rounds = rounds.filter { kept.contains($0.key) }
        rounds[next] = promoted(to: next)
        for vote in heardRound?.votes ?? [] where vote.vote.round == next {
            rounds[next]?.add(vote, weight: validators.members[vote.index].weight)
        }
        if let heardRound, heardRound.round <= next { self.heardRound = nil }
        for type in [VoteType.prevote, .precommit] {
            for vote in rounds[next]?.tally(type).votes.compactMap({ $0 }) ?? [] {
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
                .compactMap { futureVotes[$0]?[index] }.first { $0.vote.round == next }
        }
        let ending = next == round + 1 ? rounds[round]?.precommits.votes.compactMap { $0 } ?? [] : []
        return VerifiedRoundCertificate(justifying: next, at: height, by: inRound, validators: validators)
            ?? VerifiedRoundCertificate(justifying: next, at: height, by: ending, validators: validators)
    }

    /// Moves what was heard of a future round into place.
    private mutating func promoted(to next: Round) -> RoundState {
        var state = RoundState(members: validators.members.count)
        for polka in polkas where polka.certificate.round == next {
            for vote in polka.votes {
                state.add(vote, weight: validators.members[vote.index].weight)
            }
        }
        for index in validators.members.indices {
            for type in [VoteType.prevote, .precommit] {
                guard let vote = futureVotes[type]?[index], vote.vote.round <= next else { continue }
                futureVotes[type]?[index] = nil
                if vote.vote.round == next { state.add(vote, weight: validators.members[index].weight) }
            }
            guard let proposal = futureProposals[index], proposal.proposal.round <= next else { continue }
            futureProposals[index] = nil
            if proposal.proposal.round == next {
                state.proposals.append(
                    RoundState.KnownProposal(verified: proposal, isTimely: futureTimely[index]))
            }
        }
        return state
    }

    /// L14 to L19.
    mutating func proposeIfOwn(_ effects: inout ConsensusEffects) {
        guard let own, proposer(of: round) == own else { return }
        guard rounds[round]?.proposals.isEmpty ?? true else { return }
        if let valid {
            let proposal = Proposal(height: height, round: round, value: valid.value, validRound: valid.round)
            emit(.proposal(proposal), &effects)
        } else {
            awaitsValue = true
        }
    }
}
