import TimeCoinConsensus
import TimeCoinCore
import TimeCoinNode

extension WireMessage {
    /// The height that a proposal, vote or certificate is about; `nil` for everything else.
    var votedHeight: Height? {
        switch self {
        case .vote(let signed): signed.vote.height
        case .proposal(let signed, _): signed.proposal.height
        case .certificate(let certificate): certificate.height
        case .roundCertificate(let certificate): certificate.height
        default: nil
        }
    }
}

extension ReactorEvent {
    /// A proposal, vote or certificate as the program hands it to the reactor; `nil` if it does not verify.
    init?(
        verifying message: WireMessage, from peer: PeerKey, validators: ValidatorSet, chain: Hash256,
        check: SignatureCheck
    ) {
        let event: ReactorEvent?
        switch message {
        case .vote(let signed):
            event = VerifiedVote(signed, validators: validators, chain: chain, check: check).map { .vote($0) }
        case .proposal(let signed, let compact):
            event = VerifiedProposal(signed, validators: validators, chain: chain, check: check)
                .map { .proposal($0, compact, from: peer) }
        case .certificate(let certificate):
            event =
                (try? VerifiedCertificate(
                    certificate, validators: validators, chain: chain, check: check))
                .map { .certificate($0) }
        case .roundCertificate(let certificate):
            event =
                (try? VerifiedRoundCertificate(
                    certificate, validators: validators, chain: chain, check: check))
                .map { .roundCertificate($0) }
        default: event = nil
        }
        guard let event else { return nil }
        self = event
    }
}
