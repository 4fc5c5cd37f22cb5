import TimeCoinConsensus
import TimeCoinCore

/// What members say of the height being decided.
extension Reactor {
    mutating func take(
        _ proposal: VerifiedProposal, _ compact: CompactBlock?, from peer: PeerKey, _ now: Moment,
        _ effects: inout [ReactorEffect]
    ) {
        let member = proposal.signed.proposer
        note(.proposal(proposal.signed))
        let event = ReactorEvent.proposal(proposal, compact, from: peer)
        // Nothing is fetched or kept for what the machine would not take.
        guard isCurrent(proposal.proposal.height, event, from: member), machine.refusal(of: proposal) == nil
        else { return }
        watch(.proposal(proposal.signed), &effects)
        let value = proposal.proposal.value
        let compact = compact.flatMap { $0.header.hash == value ? $0 : nil }
        let header = contents[value]?.header ?? compact?.header
        let isFresh = proposal.proposal.validRound == nil
        let isFuture = proposal.proposal.round > machine.round
        if isFresh, header == nil {
            // Of rounds gone by nothing is prevoted any more, and one proposal comes from many peers.
            unseen.removeAll { $0.proposal.proposal.round < machine.round }
            guard !unseen.contains(where: { $0.proposal == proposal }) else { return }
            let kept = unseen.count { $0.proposal.signed.proposer == member }
            guard !isFuture, kept < 2 else { return }
            unseen.append((proposal, now.clock))
        }
        if contents[value] == nil, !isFuture { fetch(value, compact, from: peer, now, &effects) }
        if let header {
            feed(.proposal(proposal, isTimely: isTimely(proposal, header, at: now.clock)), &effects)
        } else if !isFresh {
            // Proposed again: its time was judged when it was fresh.
            feed(.proposal(proposal, isTimely: false), &effects)
        }
    }

    /// Puts a block together from what waits here, or asks whoever proposes it.
    private mutating func fetch(
        _ value: Hash256, _ compact: CompactBlock?, from peer: PeerKey, _ now: Moment,
        _ effects: inout [ReactorEffect]
    ) {
        if let block = compact.flatMap({ assembled(from: $0) }) { return keep(block) }
        want(value)
        guard wanted[value] != nil else { return }
        wanted[value] = now.instant
        effects.append(.send(.valueRequest(value), to: peer))
    }

    /// Whether a fresh proposal came in time, and is of a block that its signer made. Whose clock is off the
    /// others' cannot tell.
    func isTimely(_ proposal: VerifiedProposal, _ header: BlockHeader, at clock: Timestamp) -> Bool {
        !isClockOff && header.proposer == proposal.signed.proposer
            && state.parameters.isTimely(header.time, at: clock)
    }

    func assembled(from compact: CompactBlock) -> CheckedBlock? {
        var transactions: [CheckedTransaction] = []
        transactions.reserveCapacity(compact.payments.count + 1)
        if let coinbase = compact.coinbase {
            guard let checked = try? CheckedTransaction(checking: coinbase) else { return nil }
            transactions.append(checked)
        }
        for wtxid in compact.payments {
            guard let entry = mempool.entry(wtxid: wtxid) else { return nil }
            transactions.append(entry.checked)
        }
        return try? CheckedBlock(header: compact.header, transactions: transactions)
    }

    mutating func take(_ vote: VerifiedVote, _ now: Moment, _ effects: inout [ReactorEffect]) {
        note(.vote(vote.signed))
        guard isCurrent(vote.vote.height, .vote(vote), from: vote.signed.member) else { return }
        watch(.vote(vote.signed), &effects)
        feed(.vote(vote), &effects)
    }

    mutating func take(_ certificate: VerifiedCertificate, _ effects: inout [ReactorEffect]) {
        guard isCurrent(certificate.certificate.height, .certificate(certificate), from: nil) else { return }
        feed(.certificate(certificate), &effects)
    }

    /// Messages of the next height wait, as many as members may send; others are of no use.
    mutating func isCurrent(_ height: Height, _ event: ReactorEvent, from sender: PublicKey?) -> Bool {
        if height == machine.height { return true }
        if height == machine.height + 1, !early.contains(where: { $0.event.says(sameAs: event) }),
            early.count(where: { $0.sender == sender }) < Reactor.earlyMessagesPerSender
        {
            early.append((sender, event))
        }
        return false
    }
}
