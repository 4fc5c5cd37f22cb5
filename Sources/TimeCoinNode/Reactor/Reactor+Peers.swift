import TimeCoinConsensus
import TimeCoinCore

/// What peers say of themselves, and catching up with them.
extension Reactor {
    func status(_ now: Moment) -> NodeStatus {
        NodeStatus(tip: state.height, tipHash: state.headerHash, clock: now.clock, round: machine.summary)
    }

    mutating func take(
        _ status: NodeStatus, from peer: PeerKey, _ now: Moment, _ effects: inout [ReactorEffect]
    ) {
        guard peers[peer] != nil else { return }
        peers[peer] = status
        catchUp.heard(peer, tip: status.tip)
        let held = machine.held(beyond: status.round)
        for certificate in held.certificates {
            effects.append(.send(.certificate(certificate), to: peer))
        }
        if let certificate = held.roundCertificate {
            effects.append(.send(.roundCertificate(certificate), to: peer))
        }
        for proposal in held.proposals {
            let compact = contents[proposal.proposal.value].map(CompactBlock.init)
            effects.append(.send(.proposal(proposal, compact), to: peer))
        }
        for vote in held.votes {
            effects.append(.send(.vote(vote), to: peer))
        }
    }

    mutating func tick(_ now: Moment, _ effects: inout [ReactorEffect]) {
        if lastStatus.map({ $0.advanced(byMilliseconds: settings.statusInterval) <= now.instant }) ?? true {
            lastStatus = now.instant
            effects.append(.broadcast(.status(status(now))))
            for peer in peers.keys.sorted() {
                ask(for: peer, &effects)
            }
            let expired = mempool.expire(at: now.instant)
            if !expired.isEmpty { effects.append(.report(.dropped(expired, reason: "expired"))) }
        }
        judgeClock(now, &effects)
        if let nonce = clocks.ask(isOff: isClockOff, at: now.instant) {
            effects.append(.broadcast(.clockQuery(nonce: nonce)))
        }
        forgetUnneeded()
        let keys = peers.keys.sorted()
        for (value, asked) in wanted.sorted(by: { $0.key < $1.key }) where !keys.isEmpty {
            guard
                asked.advanced(byMilliseconds: settings.answerPatience) <= now.instant
                    || asked.milliseconds == 0
            else { continue }
            wanted[value] = now.instant
            wantedTurn += 1
            effects.append(.send(.valueRequest(value), to: keys[wantedTurn % keys.count]))
        }
    }

    /// Compares the own clock with the members'. Who is off proposes nothing and votes for no fresh proposal:
    /// what is timely, the others say.
    mutating func judgeClock(_ now: Moment, _ effects: inout [ReactorEffect]) {
        let offset = clocks.offset(own: own, validators: state.validators, at: now) ?? 0
        let isOff = offset.magnitude > state.parameters.clockPrecisionMilliseconds
        guard isOff != isClockOff else { return }
        isClockOff = isOff
        effects.append(.report(.clockOff(isOff ? offset : 0)))
        if !isOff { serve(machine.requests, &effects) }
    }

    /// Whose disk is nearly full proposes nothing, so that no block grows by it, and votes on.
    mutating func take(diskLow isLow: Bool, _ effects: inout [ReactorEffect]) {
        guard isLow != isDiskLow else { return }
        isDiskLow = isLow
        effects.append(.report(.diskRoom(isLow: isLow)))
        if !isLow { serve(machine.requests, &effects) }
    }

    // MARK: - Catching up

    mutating func take(
        blocks items: [CertifiedBlock], id: UInt64, from peer: PeerKey, _ effects: inout [ReactorEffect]
    ) {
        catchUp.take(items, id: id, from: peer, above: state.height)
        feedCertified(&effects)
    }

    /// Goes on with what was fetched: several blocks at hand are judged to be written together, a single one
    /// is the machine's.
    mutating func feedCertified(_ effects: inout [ReactorEffect]) {
        guard !isConnecting else { return }
        let run = catchUp.run(after: state.height, max: PendingChain.blocksMax)
        guard let first = run.first else { return }
        guard follows(first) else { return catchUp.restart() }
        // The block that a recovery begins with, and those behind it, are looked at one by one.
        let together = run.prefix { block in
            pendingRecovery.map { block.block.header.height < $0.vote.height } ?? true
        }
        guard together.count > 1, machine.decision == nil else { return feedNext(&effects) }
        for certified in together { watch(certified, &effects) }
        isConnecting = true
        effects.append(.connect(BlockBatch(together, on: state)))
    }

    /// Gives the machine the next certified block: the same rules, the same quorum, the same path.
    private mutating func feedNext(_ effects: inout [ReactorEffect]) {
        guard let next = catchUp.next(after: state.height) else { return }
        guard machine.decision == nil else {
            // Decided here already, but the content may have been lost with a crash.
            keep(next.block)
            finish(&effects)
            return
        }
        watch(next, &effects)
        keep(next.block)
        feed(.certificate(next.certificate), &effects)
        serve(machine.requests, &effects)
    }

    /// Has what was judged written, as far as it is good. A block that was refused is the machine's, as soon
    /// as it is the next: what follows when one is certified and invalid is the same for all.
    mutating func take(connected batch: BlockBatch, _ effects: inout [ReactorEffect]) {
        isConnecting = false
        // The height may have been decided here meanwhile.
        guard batch.parent == state else { return feedCertified(&effects) }
        guard let first = batch.judged.first?.block.block else { return feedNext(&effects) }
        guard machine.decision.map({ $0.value == first.hash }) ?? true else { return feedNext(&effects) }
        committing = true
        effects.append(.commit(batch))
    }

    private mutating func watch(_ certified: CertifiedBlock, _ effects: inout [ReactorEffect]) {
        guard isForeignSignature(in: certified.certificate) else { return }
        stopSigning(
            "block \(certified.block.header.height) carries a signature of this key that the signer's record "
                + "does not know: it is old, or another instance signs with the same key", &effects)
    }

    /// Whether a certificate holds a precommit of the own key that this signer has not made. On the way to
    /// a recovery the votes are of before it, and the record is of after it.
    func isForeignSignature(in verified: VerifiedCertificate) -> Bool {
        guard !isRecovering, let own, verified.votes.contains(where: { $0.signed.member == own })
        else { return false }
        let certificate = verified.certificate
        let position = SignerPosition(height: certificate.height, round: certificate.round, kind: .precommit)
        return signedLast.map { position > $0 } ?? true
    }

    /// A message with the own signature comes back only after the record has it: one above all that stands
    /// there was made by another instance.
    mutating func watch(_ signed: SignedPosition, _ effects: inout [ReactorEffect]) {
        guard signed.signer == own, !isRecovering, signedLast.map({ signed.position > $0 }) ?? true else {
            return
        }
        stopSigning(
            "a message of height \(signed.position.height) carries a signature of this key that the signer's "
                + "record does not know: it is old, or another instance signs with the same key", &effects)
    }

    mutating func catchUpFurther(_ now: Moment, _ effects: inout [ReactorEffect]) {
        let isLagging = lastProgress.advanced(byMilliseconds: settings.lagPatience) <= now.instant
        guard isLagging || catchUp.isBusy else { return }
        if let request = catchUp.request(
            above: state.height, at: now.instant, patience: settings.answerPatience * 5)
        {
            effects.append(
                .send(
                    .blockRequest(id: request.id, start: request.start, count: request.count),
                    to: request.peer))
        }
    }
}
