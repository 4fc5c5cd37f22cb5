import Logging
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinNet
import TimeCoinStore

/// What peers send, decoded and verified before it reaches the reactor. Both directions of connections end
/// here.
struct PeerIngress: PeerMessageHandler {
    let core: NodeCore
    let view: PublishedView
    let store: any ChainStoring
    let intake: TransactionIntake
    let signer: Signer?
    let clock: NodeClock
    let peers: PeerLink
    let faults: FaultReport
    let records: ForkRecords
    let logger: Logger
    var care: DatabaseCare?

    func peerConnected(_ peer: PeerInfo) async {
        await core.deliver(.peerConnected(peer.key))
    }

    func peerDisconnected(_ peer: PublicKey) async {
        await core.deliver(.peerGone(peer))
    }

    func received(type: UInt8, payload: [UInt8], from peer: PublicKey) async {
        guard let wireType = WireType(rawValue: type) else { return }
        do {
            await take(try WireMessage(type: wireType, payload: payload), from: peer)
        } catch {
            peers.disconnect(peer, reason: "a malformed \(wireType): \(error)")
        }
    }

    private func take(_ message: WireMessage, from peer: PublicKey) async {
        switch message {
        case .status(let status):
            tellOfFork(status, to: peer)
            await core.deliver(.status(status, from: peer))
        case .proposal, .vote, .certificate, .roundCertificate: await takeConsensus(message, from: peer)
        case .valueRequest(let hash): await core.deliver(.valueRequest(hash, from: peer))
        case .value(let bytes): await takeValue(bytes)
        case .positionQuery(let key, let nonce):
            guard let signer else { return }
            let highest = await core.read { $0.positions[key] }
            peers.send(.positionAnswer(signer.answer(about: key, nonce: nonce, highest: highest)), to: peer)
        case .positionAnswer(let answer):
            await takeAnswer(answer, view.current)
        case .clockQuery(let nonce):
            guard let signer else { return }
            peers.send(.clockAnswer(signer.answer(nonce: nonce, clock: clock.moment.clock)), to: peer)
        case .clockAnswer(let answer):
            let current = view.current
            guard await core.read({ $0.clocks.expects(answer) }),
                answer.verifies(validators: current.validators, chain: current.state.votingChain)
            else { return }
            await core.deliver(.clock(answer))
        case .transactions(let items):
            let checked = items.compactMap { try? CheckedTransaction(decoding: $0) }
            await intake.take(checked, from: peer)
        case .blockRequest(let id, let start, let count):
            answer(id: id, start: start, count: count, to: peer)
        case .blocks(let id, _, let items): await takeBlocks(items, id: id, from: peer)
        }
    }

    /// Two megabytes cost something to decode: only for what was asked.
    private func takeValue(_ bytes: [UInt8]) async {
        let header = try? ByteReader.decode(Array(bytes.prefix(BlockHeader.byteCount))) {
            reader throws(DecodingFailure) in try BlockHeader(from: &reader)
        }
        guard let name = header?.hash, await core.read({ $0.wanted[name] != nil }),
            let block = try? await BlockVerifier.check(decoding: bytes)
        else { return }
        await core.deliver(.value(block))
    }

    /// Only the height being decided and the next one are worth a signature check.
    private func takeConsensus(_ message: WireMessage, from peer: PublicKey) async {
        let current = view.current
        let window = current.isRecovering ? 0..<0 : current.height..<current.height + 2
        let chain = current.state.votingChain
        let validators = current.validators
        switch message {
        case .vote(let signed) where window.contains(signed.vote.height):
            guard let vote = VerifiedVote(signed, validators: validators, chain: chain) else {
                return refuse(message, from: peer, "its signature is not a member's")
            }
            await core.deliver(.vote(vote))
        case .proposal(let signed, let compact) where window.contains(signed.proposal.height):
            guard let proposal = VerifiedProposal(signed, validators: validators, chain: chain) else {
                return refuse(message, from: peer, "its signature is not a member's")
            }
            await core.deliver(.proposal(proposal, compact, from: peer))
        case .certificate(let certificate) where window.contains(certificate.height):
            do throws(CertificateRejection) {
                await core.deliver(
                    .certificate(
                        try VerifiedCertificate(certificate, validators: validators, chain: chain)))
            } catch {
                refuse(message, from: peer, error.rawValue)
            }
        case .certificate(let certificate) where certificate.height < current.height:
            await takePast(certificate, from: peer, current)
        case .roundCertificate(let certificate) where window.contains(certificate.height):
            do throws(RoundCertificateRejection) {
                await core.deliver(
                    .roundCertificate(
                        try VerifiedRoundCertificate(certificate, validators: validators, chain: chain)))
            } catch {
                refuse(message, from: peer, error.rawValue)
            }
        default: break
        }
    }

    /// Of heights that are over only what shows a fork matters.
    private func takePast(
        _ certificate: Certificate, from peer: PublicKey, _ current: PublishedView.Value
    ) async {
        do {
            switch certificate.kind {
            case .commit:
                // What is known already costs nothing again.
                let height = certificate.height
                guard await core.read({ $0.isNews(conflictAt: height) }),
                    let finding = try records.finding(certificate, on: current.state)
                else { return }
                await core.deliver(.conflict(finding, from: peer))
            case .polka:
                guard await core.read({ $0.fork?.height }) == certificate.height else { return }
                await core.deliver(
                    .forkPolka(
                        try VerifiedCertificate(
                            certificate, validators: current.validators, chain: current.state.votingChain)))
            }
        } catch let rejection as CertificateRejection {
            refuse(.certificate(certificate), from: peer, rejection.rawValue)
        } catch {
            faults.report(error)
        }
    }

    /// Shows a peer on another branch what is final here, where it says that something else is.
    private func tellOfFork(_ status: NodeStatus, to peer: PublicKey) {
        guard status.tip < view.current.height else { return }
        do {
            if let own = try records.certificate(at: status.tip, otherThan: status.tipHash) {
                peers.send(.certificate(own), to: peer)
            }
        } catch {
            faults.report(error)
        }
    }

    /// Correct nodes pass on only what they have verified: whoever sends anything else is cut off.
    private func refuse(_ message: WireMessage, from peer: PublicKey, _ reason: String) {
        peers.disconnect(peer, reason: "a \(message.type) that does not verify: \(reason)")
    }

    private func takeAnswer(_ answer: PositionAnswer, _ current: PublishedView.Value) async {
        let question = await core.read { reactor in (key: reactor.own, nonce: reactor.nonce) }
        guard let key = question.key,
            answer.verifies(
                key: key, nonce: question.nonce, validators: current.validators,
                chain: current.state.votingChain)
        else { return }
        await core.deliver(.positionAnswer(member: answer.member, highest: answer.highest))
    }

    private func answer(id: UInt64, start: Height, count: UInt32, to peer: PublicKey) {
        let stored: [StoredBlock]
        do {
            stored = try store.snapshot {
                try $0.blocks(
                    from: start, countMax: min(Int(count), WireMessage.blocksMax),
                    bytesMax: WireMessage.blocksBytesMax)
            }
        } catch {
            return faults.report(error)
        }
        let items = stored.map {
            EncodedCertifiedBlock(block: $0.block, certificate: $0.certificate).encoded
        }
        peers.send(.blocks(id: id, start: start, items: items), to: peer)
    }

    private func takeBlocks(_ items: [[UInt8]], id: UInt64, from peer: PublicKey) async {
        if let care, care.expects(id, from: peer) { return care.take(items, id: id, from: peer) }
        // Decoding and signatures cost something: only for what was asked.
        guard await core.read({ $0.catchUp.expects(id, from: peer) }) else { return }
        let current = view.current
        var blocks: [CertifiedBlock] = []
        for item in items {
            do {
                let encoded = try EncodedCertifiedBlock(decoding: item)
                blocks.append(
                    try CertifiedBlock(
                        decoding: encoded.block, certificate: encoded.certificate,
                        validators: current.validators, chain: current.state.votingChain))
            } catch {
                // A good prefix is welcome; the rest is asked of somebody else.
                logger.warning("refused a synced block", metadata: ["peer": "\(peer)", "reason": "\(error)"])
                break
            }
        }
        await core.deliver(.blocks(id: id, items: blocks, from: peer))
    }
}
