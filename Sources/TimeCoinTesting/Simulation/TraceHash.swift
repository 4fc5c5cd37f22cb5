import TimeCoinConsensus
import TimeCoinCore
import TimeCoinNode

/// A number that follows from everything that happened in a run, in order.
struct TraceHash: Sendable {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func combine(_ word: UInt64) {
        value = (value ^ word) &* 0x9fb2_1c65_1e98_df25
        value ^= value >> 28
    }

    mutating func combine(_ message: WireMessage) {
        combine(UInt64(message.type.rawValue))
        switch message {
        case .status(let status):
            combine(status.tip)
            combine(status.clock.milliseconds)
            combine(status.tipHash.leadingWord)
            combine(UInt64(status.round.round))
        case .proposal(let signed, let compact):
            combine(signed.proposal.height)
            combine(UInt64(signed.proposal.round))
            combine(signed.proposal.value.leadingWord)
            combine(signed.proposer.leadingWord)
            combine(UInt64(compact?.payments.count ?? 0))
        case .vote(let signed): combine(signed)
        case .certificate(let certificate):
            combine(certificate.height)
            combine(UInt64(certificate.round))
            combine(UInt64(certificate.bitmap.first ?? 0))
        case .roundCertificate(let certificate):
            combine(UInt64(certificate.round))
            for vote in certificate.votes { combine(vote) }
        case .valueRequest(let hash): combine(hash.leadingWord)
        case .value(let bytes): combine(UInt64(bytes.count))
        case .positionQuery(let key, _): combine(key.leadingWord)
        case .positionAnswer(let answer):
            combine(answer.key.leadingWord)
            combine(answer.member.leadingWord)
        case .clockQuery(let nonce): combine(nonce.leadingWord)
        case .clockAnswer(let answer):
            combine(answer.clock.milliseconds)
            combine(answer.member.leadingWord)
        case .transactions(let items): combine(UInt64(items.count))
        case .blockRequest(_, let start, let count):
            combine(start)
            combine(UInt64(count))
        case .blocks(_, let start, let items):
            combine(start)
            combine(UInt64(items.count))
        }
    }

    private mutating func combine(_ signed: SignedVote) {
        combine(UInt64(signed.vote.type.rawValue))
        combine(signed.vote.height)
        combine(UInt64(signed.vote.round))
        combine(signed.vote.value?.leadingWord ?? 1)
        combine(signed.member.leadingWord)
    }
}

extension PublicKey {
    /// The first eight bytes as a number.
    fileprivate var leadingWord: UInt64 { bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }
}
