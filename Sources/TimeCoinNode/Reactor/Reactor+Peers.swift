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

    /// Gives the machine the next certified block: the same rules, the same quorum, the same path.
    mutating func feedCertified(_ effects: inout [ReactorEffect]) {
        guard let next = catchUp.next(after: state.height), follows(next) else { return }
        guard machine.decision == nil else {
            // Decided here already, but the content may have been lost with a crash.
            keep(next.block)
            finish(&effects)
            return
        }
        if isForeignSignature(in: next.certificate) {
            stopSigning(
                "block \(next.block.header.height) carries a signature of this key that the signer's record "
                    + "does not know: it is old, or another instance signs with the same key", &effects)
        }
        keep(next.block)
        feed(.certificate(next.certificate), &effects)
        serve(machine.requests, &effects)
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
