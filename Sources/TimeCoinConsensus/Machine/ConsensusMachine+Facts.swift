public import TimeCoinCore

extension ConsensusMachine {
    /// Adds an input to the facts, or says why not before anything changes.
    mutating func accept(_ input: ConsensusInput, _ effects: inout ConsensusEffects) -> ConsensusRefusal? {
        switch input {
        case .start:
            guard !hasStarted else { return .alreadyKnown }
            begin(&effects)
        case .proposal(let proposal, let isTimely): return accept(proposal, isTimely: isTimely, &effects)
        case .vote(let vote): return accept(vote, &effects)
        case .certificate(let certificate): return accept(certificate)
        case .roundCertificate(let certificate): return accept(certificate)
        case .built(let builtRound, let value):
            guard awaitsValue, builtRound == round else { return .unasked }
            awaitsValue = false
            // Built by this node's own rules, so it is valid by construction and was executed.
            record(value, isValid: true)
            emit(.proposal(Proposal(height: height, round: round, value: value, validRound: nil)), &effects)
        case .verdict(let value, let isValid):
            guard verdicts[value] == nil else { return .alreadyKnown }
            record(value, isValid: isValid)
        case .elapsed(let timeout):
            guard timers.contains(timeout) else { return .staleTimeout }
            elapsed.insert(TimeoutKinds(timeout.kind))
        }
        return nil
    }

    private mutating func record(_ value: Hash256, isValid: Bool) {
        if verdicts.count >= ConsensusMachine.verdictsMax {
            verdicts = verdicts.filter { verdict in
                rounds.contains { $0.proposals.contains { $0.proposal.value == verdict.key } }
            }
        }
        verdicts[value] = isValid
    }

    /// Why a proposal is of no use now, or `nil`: to be asked before anything is fetched or kept for it.
    public func refusal(of verified: VerifiedProposal) -> ConsensusRefusal? {
        let proposal = verified.proposal
        guard decision == nil else { return .alreadyDecided }
        guard proposal.height == height else { return .otherHeight }
        guard verified.signed.proposer == proposer(of: proposal.round) else { return .notProposer }
        if let validRound = proposal.validRound, validRound >= proposal.round { return .badValidRound }
        guard proposal.round <= round else {
            guard let held = futureProposals[verified.index] else { return nil }
            return held.proposal.round >= proposal.round ? .alreadyKnown : nil
        }
        guard let place = place(of: proposal.round) else { return .oldRound }
        for known in rounds[place].proposals.indices
        where rounds[place].proposals[known].proposal == proposal { return .alreadyKnown }
        return rounds[place].proposals.count < RoundState.proposalsMax ? nil : .conflicting
    }

    private mutating func accept(
        _ verified: VerifiedProposal, isTimely: Bool, _ effects: inout ConsensusEffects
    ) -> ConsensusRefusal? {
        if let refusal = refusal(of: verified) { return refusal }
        let proposal = verified.proposal
        let known = KnownProposal(verified: verified, isTimely: isTimely)
        guard let place = place(of: proposal.round) else {
            futureProposals[verified.index] = known
            return nil
        }
        if let first = rounds[place].proposals.first {
            blame(
                verified.index, proposal.round, 0, .proposals(first.verified.signed, verified.signed),
                &effects)
        }
        rounds[place].proposals.append(known)
        unsigned.removeAll { $0 == .proposal(proposal) }
        return nil
    }

    private mutating func accept(
        _ verified: VerifiedVote, _ effects: inout ConsensusEffects
    ) -> ConsensusRefusal? {
        let vote = verified.vote
        guard vote.height == height else { return .otherHeight }
        guard vote.round <= round else {
            if let held = futureVotes.vote(vote.type, of: verified.index), held.vote.round >= vote.round {
                guard held.vote.round == vote.round else { return .alreadyKnown }
                return accept(verified, beside: held, &effects)
            }
            futureVotes.take(verified, validators)
            return nil
        }
        guard let place = place(of: vote.round) else { return .oldRound }
        if let known = rounds[place].vote(vote.type, of: verified.index) {
            return accept(verified, beside: known, &effects)
        }
        rounds[place].add(verified, weight: validators.members[verified.index].weight)
        findAmnesia(beside: verified, &effects)
        // Another member's vote says the same and is not this member's.
        if verified.signed.member == own { unsigned.removeAll { $0 == .vote(vote) } }
        return nil
    }

    /// A vote at a position that is taken: it counts for nothing, and is evidence once.
    private mutating func accept(
        _ verified: VerifiedVote, beside known: VerifiedVote, _ effects: inout ConsensusEffects
    ) -> ConsensusRefusal? {
        let vote = verified.vote
        guard known.vote != vote else { return .alreadyKnown }
        let isNew = blame(
            verified.index, vote.round, vote.type.rawValue, .votes(known.signed, verified.signed), &effects)
        return isNew ? nil : .conflicting
    }

    private mutating func accept(_ verified: VerifiedCertificate) -> ConsensusRefusal? {
        let certificate = verified.certificate
        guard certificate.height == height else { return .otherHeight }
        switch certificate.kind {
        case .commit:
            guard commits.isEmpty else { return .alreadyKnown }
            commits.append(verified)
        case .polka:
            guard !polkas.contains(where: { $0.certificate.round == certificate.round }) else {
                return .alreadyKnown
            }
            // Older than all that are kept: it would be forgotten at once, however often it came.
            guard polkas.count < ConsensusMachine.polkasMax
                || polkas.contains(where: { $0.certificate.round < certificate.round })
            else { return .oldRound }
            remember(verified)
        }
        return nil
    }

    private mutating func accept(_ certificate: VerifiedRoundCertificate) -> ConsensusRefusal? {
        guard certificate.height == height else { return .otherHeight }
        guard certificate.round > round else { return .oldRound }
        if let heardRound, heardRound.round >= certificate.round { return .alreadyKnown }
        heardRound = certificate
        return nil
    }

    mutating func remember(_ polka: VerifiedCertificate) {
        let place = polkas.firstIndex { $0.certificate.round > polka.certificate.round } ?? polkas.endIndex
        polkas.insert(polka, at: place)
        if polkas.count > ConsensusMachine.polkasMax { polkas.removeFirst() }
    }

    /// Compares a vote with the others of its member, as far as they are kept.
    mutating func findAmnesia(beside verified: VerifiedVote, _ effects: inout ConsensusEffects) {
        let isPrevote = verified.vote.type == .prevote
        for place in rounds.indices {
            let other = rounds[place].vote(isPrevote ? .precommit : .prevote, of: verified.index)
            guard let other else { continue }
            let (precommit, prevote) = isPrevote ? (other, verified) : (verified, other)
            guard precommit.vote.forgets(prevote.vote) else { continue }
            blame(
                verified.index, prevote.vote.round, ConsensusMachine.amnesiaBlame,
                .amnesia(precommit: precommit.signed, prevote: prevote.signed), &effects)
        }
    }

    /// Whether this was new evidence; each member is blamed once a position.
    @discardableResult
    private mutating func blame(
        _ index: Int, _ round: Round, _ type: UInt8, _ misbehaviour: Misbehaviour,
        _ effects: inout ConsensusEffects
    ) -> Bool {
        // A few positions are proof enough, and bound the memory; each member has its own, so that nobody
        // hides what others do.
        guard blamed.count(where: { $0.index == index }) < ConsensusMachine.blamesPerMember,
            blamed.insert(Blame(index: index, round: round, type: type)).inserted
        else { return false }
        effects.misbehaviour.append(misbehaviour)
        return true
    }

    mutating func emit(_ message: OwnMessage, _ effects: inout ConsensusEffects) {
        guard own != nil else { return }
        unsigned.append(message)
        effects.toSign.append(message)
    }
}
