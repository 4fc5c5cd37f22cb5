public import TimeCoinCore

/// The polkas of one height that what a member has heard contains: what it can show when a fork is to be
/// explained.
///
/// The machine keeps only the newest few; the journal keeps every vote and certificate that was accepted, and
/// this finds the polkas in it again.
public struct HeardPolkas: Sendable {
    private struct Ballot: Hashable {
        let round: Round
        let value: Hash256
    }

    private let height: Height
    private let validators: ValidatorSet
    /// The first prevote of a member for a value in a round, by place in the set.
    private var votes: [Ballot: [Int: VerifiedVote]] = [:]

    /// Rounds and values looked at, at most; those of lower rounds stay.
    public static let ballotsMax = 1024

    public init(height: Height, validators: ValidatorSet) {
        self.height = height
        self.validators = validators
    }

    /// Takes in what the machine accepted; other heights and what carries no prevote are passed over.
    public mutating func take(_ input: ConsensusInput) {
        switch input {
        case .vote(let vote): take(vote)
        case .certificate(let certificate):
            for vote in certificate.votes { take(vote) }
        case .roundCertificate(let certificate):
            for vote in certificate.votes { take(vote) }
        case .start, .proposal, .built, .verdict, .elapsed: break
        }
    }

    private mutating func take(_ vote: VerifiedVote) {
        guard vote.vote.type == .prevote, vote.vote.height == height, let value = vote.vote.value else {
            return
        }
        let ballot = Ballot(round: vote.vote.round, value: value)
        if votes[ballot] == nil, votes.count >= HeardPolkas.ballotsMax {
            let highest = votes.keys.max { ($0.round, $0.value) < ($1.round, $1.value) }
            guard let highest, highest.round > ballot.round else { return }
            votes[highest] = nil
        }
        if votes[ballot]?[vote.index] == nil { votes[ballot, default: [:]][vote.index] = vote }
    }

    /// Every polka, by round and value.
    public var polkas: [VerifiedCertificate] {
        votes.keys.sorted { ($0.round, $0.value) < ($1.round, $1.value) }.compactMap { ballot in
            VerifiedCertificate(.polka, of: Array((votes[ballot] ?? [:]).values), validators: validators)
        }
    }
}
