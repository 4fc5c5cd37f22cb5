/// Why a round certificate is refused, always as a whole.
public enum RoundCertificateRejection: String, Error, Hashable, Sendable {
    case otherHeight = "other-height"
    case doubledSigner = "doubled-signer"
    case mixedVotes = "mixed-votes"
    case tooLittleWeight = "too-little-weight"
    case badSignature = "bad-signature"
}

/// Full votes that justify being in a round above the first.
///
/// Either members with more than a third of the weight vote in that round, or members with more than two
/// thirds precommitted, whatever values, in the one before, which ends it. Who is behind enters the round
/// from this alone; so members who drifted apart by more than a round find together again.
public struct RoundCertificate: Hashable, Sendable {
    public let height: Height
    /// The round that the votes justify.
    public let round: Round
    /// One vote a member.
    public let votes: [SignedVote]

    /// Bytes of an encoded certificate at most.
    public static let bytesMax = 32 + ValidatorSet.membersMax * 160

    public init(height: Height, round: Round, votes: [SignedVote]) {
        self.height = height
        self.round = round
        self.votes = votes
    }

    public func encode(into writer: inout ByteWriter) {
        writer.write(height)
        writer.write(round)
        writer.writeCompactSize(UInt64(votes.count))
        for vote in votes {
            vote.encode(into: &writer)
        }
    }

    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        height = try reader.readInteger()
        round = try reader.readInteger()
        let count = try reader.readCount(limit: ValidatorSet.membersMax, bytesEach: Signature.byteCount)
        var votes: [SignedVote] = []
        votes.reserveCapacity(count)
        for _ in 0..<count {
            votes.append(try SignedVote(from: &reader))
        }
        self.votes = votes
    }
}

/// A round certificate of which every signature was checked.
public struct VerifiedRoundCertificate: Hashable, Sendable {
    public let height: Height
    public let round: Round
    public let votes: [VerifiedVote]

    public var certificate: RoundCertificate {
        RoundCertificate(height: height, round: round, votes: votes.map(\.signed))
    }

    /// Verifies against the set of the height. One bad signature refuses it whole.
    ///
    /// - Parameter chain: the hash of the genesis block.
    public init(
        _ certificate: RoundCertificate, validators: ValidatorSet, chain: Hash256
    ) throws(RoundCertificateRejection) {
        try self.init(certificate, validators: validators, chain: chain, check: .ed25519)
    }

    package init(
        _ certificate: RoundCertificate, validators: ValidatorSet, chain: Hash256, check: SignatureCheck
    ) throws(RoundCertificateRejection) {
        // What costs nothing is checked before any signature.
        try RoundCertificate.check(
            certificate.votes.map { ($0.vote, validators.index(of: $0.member)) },
            height: certificate.height, round: certificate.round, validators: validators)
        var votes: [VerifiedVote] = []
        votes.reserveCapacity(certificate.votes.count)
        for signed in certificate.votes {
            guard let vote = VerifiedVote(signed, validators: validators, chain: chain, check: check)
            else {
                throw .badSignature
            }
            votes.append(vote)
        }
        self.init(height: certificate.height, round: certificate.round, votes: votes)
    }

    /// From votes that are verified already; `nil` unless they justify the round.
    public init?(
        justifying round: Round, at height: Height, by votes: [VerifiedVote], validators: ValidatorSet
    ) {
        do {
            try RoundCertificate.check(
                votes.map { ($0.vote, $0.index) }, height: height, round: round, validators: validators)
        } catch {
            return nil
        }
        self.init(height: height, round: round, votes: votes)
    }

    private init(height: Height, round: Round, votes: [VerifiedVote]) {
        self.height = height
        self.round = round
        self.votes = votes
    }
}

extension RoundCertificate {
    /// Whether these votes, by place of their members, justify a round; an unknown place is a bad signature.
    fileprivate static func check(
        _ votes: [(vote: Vote, index: Int?)], height: Height, round: Round, validators: ValidatorSet
    ) throws(RoundCertificateRejection) {
        var signers: Set<Int> = []
        var weight: UInt64 = 0
        for (vote, index) in votes {
            guard let index else { throw .badSignature }
            guard vote.height == height else { throw .otherHeight }
            guard signers.insert(index).inserted else { throw .doubledSigner }
            weight += validators.members[index].weight
        }
        if votes.allSatisfy({ $0.vote.round == round }) {
            guard round > 0, validators.isThird(weight) else { throw .tooLittleWeight }
        } else {
            guard votes.allSatisfy({ $0.vote.type == .precommit && $0.vote.round < round }),
                votes.allSatisfy({ $0.vote.round + 1 == round })
            else { throw .mixedVotes }
            guard validators.isQuorum(weight) else { throw .tooLittleWeight }
        }
    }
}
