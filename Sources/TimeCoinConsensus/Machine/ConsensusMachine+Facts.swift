public import TimeCoinCore

extension ConsensusMachine {
    /// Adds an input to the facts, or refuses it before anything changes.
    mutating func accept(
        _ input: ConsensusInput, _ effects: inout ConsensusEffects
    ) throws(ConsensusRefusal) {
        switch input {
        case .start:
            guard !hasStarted else { throw .alreadyKnown }
            begin(&effects)
        case .proposal(let proposal, let isTimely): try accept(proposal, isTimely: isTimely, &effects)
        case .vote(let vote): try accept(vote, &effects)
        case .certificate(let certificate): try accept(certificate)
        case .roundCertificate(let certificate): try accept(certificate)
        case .built(let builtRound, let value):
            guard awaitsValue, builtRound == round else { throw .unasked }
            awaitsValue = false
            // Built by this node's own rules, so it is valid by construction and was executed.
            record(value, isValid: true)
            emit(.proposal(Proposal(height: height, round: round, value: value, validRound: nil)), &effects)
        case .verdict(let value, let isValid):
            guard verdicts[value] == nil else { throw .alreadyKnown }
            record(value, isValid: isValid)
        case .elapsed(let timeout):
            guard timeout.round == round, timers.contains(timeout) else { throw .staleTimeout }
            elapsed.insert(timeout.kind)
        }
    }

    private mutating func record(_ value: Hash256, isValid: Bool) {
        if verdicts.count >= ConsensusMachine.verdictsMax {
            let needed = Set(rounds.values.flatMap { $0.proposals.map(\.proposal.value) })
            verdicts = verdicts.filter { needed.contains($0.key) }
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
            let held = futureProposals[verified.index]?.proposal.round
            return held.map { $0 >= proposal.round } ?? false ? .alreadyKnown : nil
        }
        guard let state = rounds[proposal.round] else { return .oldRound }
        if state.proposals.contains(where: { $0.proposal == proposal }) { return .alreadyKnown }
        return state.proposals.count < RoundState.proposalsMax ? nil : .conflicting
    }

    private mutating func accept(
        _ verified: VerifiedProposal, isTimely: Bool, _ effects: inout ConsensusEffects
    ) throws(ConsensusRefusal) {
        if let refusal = refusal(of: verified) { throw refusal }
        let proposal = verified.proposal
        guard proposal.round <= round, var state = rounds[proposal.round] else {
            futureProposals[verified.index] = verified
            futureTimely[verified.index] = isTimely
            return
        }
        if let first = state.proposals.first {
            blame(
                verified.index, proposal.round, 0, .proposals(first.verified.signed, verified.signed),
                &effects)
        }
        state.proposals.append(RoundState.KnownProposal(verified: verified, isTimely: isTimely))
        rounds[proposal.round] = state
        unsigned.removeAll { $0 == .proposal(proposal) }
    }

    private mutating func accept(
        _ verified: VerifiedVote, _ effects: inout ConsensusEffects
    ) throws(ConsensusRefusal) {
        let vote = verified.vote
        guard vote.height == height else { throw .otherHeight }
        guard vote.round <= round else {
            if let held = futureVotes[vote.type]?[verified.index], held.vote.round >= vote.round {
                guard held.vote.round == vote.round, held.vote != vote else { throw .alreadyKnown }
                guard
                    blame(
                        verified.index, vote.round, vote.type.rawValue, .votes(held.signed, verified.signed),
                        &effects)
                else { throw .conflicting }
                return
            }
            futureVotes[vote.type]?[verified.index] = verified
            return
        }
        guard var state = rounds[vote.round] else { throw .oldRound }
        if let known = state.tally(vote.type).votes[verified.index] {
            guard known.vote != vote else { throw .alreadyKnown }
            guard
                blame(
                    verified.index, vote.round, vote.type.rawValue, .votes(known.signed, verified.signed),
                    &effects)
            else { throw .conflicting }
            return
        }
        state.add(verified, weight: validators.members[verified.index].weight)
        rounds[vote.round] = state
        findAmnesia(beside: verified, &effects)
        // Another member's vote says the same and is not this member's.
        if verified.signed.member == own { unsigned.removeAll { $0 == .vote(vote) } }
    }

    private mutating func accept(_ verified: VerifiedCertificate) throws(ConsensusRefusal) {
        let certificate = verified.certificate
        guard certificate.height == height else { throw .otherHeight }
        switch certificate.kind {
        case .commit:
            guard commits.isEmpty else { throw .alreadyKnown }
            commits.append(verified)
        case .polka:
            guard !polkas.contains(where: { $0.certificate.round == certificate.round }) else {
                throw .alreadyKnown
            }
            remember(verified)
        }
    }

    private mutating func accept(_ certificate: VerifiedRoundCertificate) throws(ConsensusRefusal) {
        guard certificate.height == height else { throw .otherHeight }
        guard certificate.round > round else { throw .oldRound }
        if let heardRound, heardRound.round >= certificate.round { throw .alreadyKnown }
        heardRound = certificate
    }

    mutating func remember(_ polka: VerifiedCertificate) {
        let place = polkas.firstIndex { $0.certificate.round > polka.certificate.round } ?? polkas.endIndex
        polkas.insert(polka, at: place)
        if polkas.count > ConsensusMachine.polkasMax { polkas.removeFirst() }
    }

    /// Compares a vote with the others of its member, as far as they are kept.
    mutating func findAmnesia(beside verified: VerifiedVote, _ effects: inout ConsensusEffects) {
        for other in rounds.keys.sorted() {
            guard let state = rounds[other] else { continue }
            let isPrevote = verified.vote.type == .prevote
            let tally = state.tally(isPrevote ? .precommit : .prevote)
            guard let known = tally.votes[verified.index] else { continue }
            let (precommit, prevote) = isPrevote ? (known, verified) : (verified, known)
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
        // A few positions a member are proof enough, and bound the memory.
        guard blamed.count < 4 * validators.members.count,
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
