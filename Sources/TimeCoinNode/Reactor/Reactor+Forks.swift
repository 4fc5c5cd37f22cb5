import TimeCoinConsensus
package import TimeCoinCore

/// What a node knows of the lowest height that was decided twice.
package struct ForkCase: Sendable {
    package fileprivate(set) var finding: ForkFinding
    package fileprivate(set) var polkas: [VerifiedCertificate]
    /// What is to be shown to people; the best that can be made of it.
    package fileprivate(set) var proof: ForkProof

    /// Polkas of the height kept.
    static let polkasMax = 64

    package var height: Height { finding.height }
}

/// Forks: this node never undoes a block for one. It publishes what proves it, stops voting, and alarms.
extension Reactor {
    /// Age up to which a conflict is acted on; keys of long ago can sign anything. Unit: milliseconds.
    package static let evidencePeriod: UInt64 = 14 * 24 * 3_600_000

    /// A commit certificate for another value at a height that is final here.
    mutating func take(
        _ finding: ForkFinding, from peer: PeerKey?, _ effects: inout [ReactorEffect]
    ) {
        guard isNews(conflictAt: finding.height) else { return }
        guard finding.age <= Reactor.evidencePeriod, finding.height > settings.checkpoint else {
            oldConflict = finding.height
            effects.append(.report(.oldConflict(height: finding.height)))
            return
        }
        guard
            let proof = ForkProof(
                finding.ours, finding.theirs, polkas: finding.polkas, validators: state.validators)
        else { return }
        fork = ForkCase(finding: finding, polkas: finding.polkas, proof: proof)
        let reason = Reactor.reason(forkAt: finding.height)
        signingStopped = reason
        effects.append(.stopSigning(reason))
        for certificate in [finding.ours, finding.theirs] + finding.polkas {
            effects.append(.broadcast(.certificate(certificate.certificate)))
        }
        // Down to the first height of the fork, one at a time, as deep as a recovery can reach.
        if let peer, let below = finding.below, state.height - finding.height < RecoveryVote.depthMax {
            effects.append(.send(.certificate(below), to: peer))
        }
        effects.append(.report(.fork(proof)))
    }

    /// Whether another certificate of this height tells something: what is older than another that was too
    /// old is too old as well, and of a fork only the lowest height matters. The fork whose recovery is under
    /// way is known, and whoever is on its other branch still must not stop this node again.
    func isNews(conflictAt height: Height) -> Bool {
        (oldConflict.map { height > $0 } ?? true) && (fork.map { height < $0.height } ?? true)
            && (pendingRecovery.map { height < $0.vote.height } ?? true)
    }

    static func reason(forkAt height: Height) -> String { "fork: height \(height) was decided twice" }

    /// The recovery whose last block is still to be reached, as its operator wants.
    var pendingRecovery: VerifiedRecovery? {
        recoveries.first { $0.fork.anchor.chain == state.votingChain }
    }

    /// Whether this node is on the way to the last block before a recovery.
    var isRecovering: Bool { pendingRecovery != nil }

    /// Whether a certified block may come next here: of a branch that was left none may.
    func follows(_ block: CertifiedBlock) -> Bool {
        guard !recoveries.isEmpty else { return true }
        let header = block.block.header
        guard header.previous == state.headerHash else { return false }
        guard let vote = pendingRecovery?.vote else { return true }
        if header.height == vote.height, block.block.hash != vote.branch { return false }
        return header.height != vote.lastHeight || block.block.hash == vote.lastHash
    }

    /// Leaves out the members to blame where the tip is the last block before a recovery.
    mutating func recover(_ effects: inout [ReactorEffect]) {
        guard let recovery = pendingRecovery, let recovered = try? state.following(recovery),
            recovered != state
        else { return }
        state = recovered
        // What was fetched beyond this block was verified against the set that ends here.
        catchUp.restart()
        own = own.flatMap { state.validators.index(of: $0) == nil ? nil : $0 }
        gate = own.map {
            SigningGate(
                own: $0, record: signedAtStart, validators: state.validators, chain: state.votingChain)
        }
        effects.append(.report(.recovered(recovery)))
    }

    /// A polka of the height of the fork, verified: it may show who is to blame.
    mutating func take(forkPolka polka: VerifiedCertificate, _ effects: inout [ReactorEffect]) {
        guard var known = fork, polka.certificate.height == known.height,
            known.polkas.count < ForkCase.polkasMax, !known.polkas.contains(polka)
        else { return }
        known.polkas.append(polka)
        let proof = ForkProof(
            known.finding.ours, known.finding.theirs, polkas: known.polkas,
            validators: state.validators)
        let isBetter = proof != known.proof
        known.proof = proof ?? known.proof
        fork = known
        guard isBetter else { return }
        effects.append(.broadcast(.certificate(polka.certificate)))
        effects.append(.report(.fork(known.proof)))
    }
}
