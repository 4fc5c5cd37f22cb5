/// What the signatures of a certificate say.
public enum CertificateKind: UInt8, Hashable, Sendable {
    /// More than two thirds precommitted the value: it is decided.
    case commit = 1
    /// More than two thirds prevoted the value.
    case polka = 2
}

/// Why a certificate is refused, always as a whole.
public enum CertificateRejection: String, Error, Hashable, Sendable {
    case wrongBitmap = "wrong-bitmap"
    case tooLittleWeight = "too-little-weight"
    case badSignature = "bad-signature"
}

/// Votes of more than two thirds of the weight for one value in one round, packed.
public struct Certificate: Hashable, Sendable {
    public let kind: CertificateKind
    public let height: Height
    public let round: Round
    public let value: Hash256
    /// One bit a member in the order of the set, lowest bit first; the bits beyond the last member are zero.
    public let bitmap: [UInt8]
    /// One signature a set bit, in order.
    public let signatures: [Signature]
    /// For a polka, each signer's valid round, in order; votes count by value.
    public let validRounds: [Round?]

    /// Bytes of an encoded certificate at most.
    public static let bytesMax = 64 + ValidatorSet.membersMax * (Signature.byteCount + 6)

    public init(
        kind: CertificateKind, height: Height, round: Round, value: Hash256, bitmap: [UInt8],
        signatures: [Signature], validRounds: [Round?]
    ) {
        self.kind = kind
        self.height = height
        self.round = round
        self.value = value
        self.bitmap = bitmap
        self.signatures = signatures
        self.validRounds = validRounds
    }

    /// Packs verified votes; `nil` unless they are of one kind, height, round and value, and a quorum.
    public init?(_ kind: CertificateKind, of votes: [VerifiedVote], validators: ValidatorSet) {
        let type: VoteType = kind == .commit ? .precommit : .prevote
        guard let first = votes.first, let value = first.vote.value else { return nil }
        var byIndex: [Int: VerifiedVote] = [:]
        for vote in votes {
            guard vote.vote.type == type, vote.vote.value == value, vote.vote.round == first.vote.round,
                vote.vote.height == first.vote.height, byIndex.updateValue(vote, forKey: vote.index) == nil
            else { return nil }
        }
        var bitmap = [UInt8](repeating: 0, count: (validators.members.count + 7) / 8)
        var weight: UInt64 = 0
        let ordered = byIndex.values.sorted { $0.index < $1.index }
        for vote in ordered {
            guard validators.members.indices.contains(vote.index) else { return nil }
            bitmap[vote.index >> 3] |= 1 << UInt8(vote.index & 7)
            weight += validators.members[vote.index].weight
        }
        guard validators.isQuorum(weight) else { return nil }
        self.init(
            kind: kind, height: first.vote.height, round: first.vote.round, value: value, bitmap: bitmap,
            signatures: ordered.map(\.signed.signature),
            validRounds: kind == .polka ? ordered.map(\.vote.validRound) : [])
    }

    /// Places of the signers in the set of this height.
    public var signers: [Int] {
        bitmap.indices.flatMap { byte in
            (0..<8).filter { bitmap[byte] & (1 << UInt8($0)) != 0 }.map { byte * 8 + $0 }
        }
    }

    /// The votes that the certificate packs, still to be verified; `nil` when its parts do not fit together.
    func signedVotes(_ validators: ValidatorSet) -> [SignedVote]? {
        let places = signers
        guard bitmap.count == (validators.members.count + 7) / 8, places.count == signatures.count,
            places.allSatisfy({ $0 < validators.members.count }),
            validRounds.count == (kind == .polka ? places.count : 0)
        else { return nil }
        return places.enumerated().map { order, place in
            SignedVote(
                vote: Vote(
                    type: kind == .commit ? .precommit : .prevote, height: height, round: round, value: value,
                    validRound: kind == .polka ? validRounds[order] : nil),
                member: validators.members[place].operatorKey, signature: signatures[order])
        }
    }

    public func encode(into writer: inout ByteWriter) {
        writer.write(kind.rawValue)
        writer.write(height)
        writer.write(round)
        writer.write(value)
        writer.write(prefixed: bitmap)
        for signature in signatures {
            writer.write(signature)
        }
        for round in validRounds {
            writer.write(optional: round)
        }
    }

    public var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 64 + signatures.count * 70)
        encode(into: &writer)
        return writer.bytes
    }

    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        guard let kind = CertificateKind(rawValue: try reader.readByte()) else {
            throw reader.failure(.unknownKind)
        }
        self.kind = kind
        height = try reader.readInteger()
        round = try reader.readInteger()
        value = try reader.readHash()
        bitmap = try reader.readPrefixed(limit: (ValidatorSet.membersMax + 7) / 8)
        // As many signatures as bits, so that no count can disagree with the bitmap.
        let count = bitmap.reduce(0) { $0 + $1.nonzeroBitCount }
        var signatures: [Signature] = []
        for _ in 0..<count {
            signatures.append(try reader.readSignature())
        }
        self.signatures = signatures
        var validRounds: [Round?] = []
        if kind == .polka {
            for _ in 0..<count {
                validRounds.append(try reader.readOptionalRound())
            }
        }
        self.validRounds = validRounds
    }

    public init(decoding bytes: [UInt8]) throws(DecodingFailure) {
        self = try ByteReader.decode(bytes) { reader throws(DecodingFailure) in try Certificate(from: &reader)
        }
    }
}

/// A certificate of which every signature was checked; its only constructor is the check.
public struct VerifiedCertificate: Hashable, Sendable {
    public let certificate: Certificate
    /// The votes that it packs, in the order of the set.
    public let votes: [VerifiedVote]

    /// Verifies a certificate against the set of its height. One bad signature refuses it whole.
    ///
    /// - Parameter chain: the hash of the genesis block.
    public init(
        _ certificate: Certificate, validators: ValidatorSet, chain: Hash256
    ) throws(CertificateRejection) {
        try self.init(certificate, validators: validators, chain: chain, check: .ed25519)
    }

    package init(
        _ certificate: Certificate, validators: ValidatorSet, chain: Hash256, check: SignatureCheck
    ) throws(CertificateRejection) {
        guard let signed = certificate.signedVotes(validators) else { throw .wrongBitmap }
        let weight = certificate.signers.reduce(UInt64(0)) { $0 + validators.members[$1].weight }
        guard validators.isQuorum(weight) else { throw .tooLittleWeight }
        var votes: [VerifiedVote] = []
        votes.reserveCapacity(signed.count)
        for vote in signed {
            guard let verified = VerifiedVote(vote, validators: validators, chain: chain, check: check)
            else {
                throw .badSignature
            }
            votes.append(verified)
        }
        self.certificate = certificate
        self.votes = votes
    }

    /// From votes that are verified already; `nil` unless they make a certificate.
    public init?(_ kind: CertificateKind, of votes: [VerifiedVote], validators: ValidatorSet) {
        guard let certificate = Certificate(kind, of: votes, validators: validators) else { return nil }
        self.certificate = certificate
        self.votes = votes.sorted { $0.index < $1.index }
    }
}
