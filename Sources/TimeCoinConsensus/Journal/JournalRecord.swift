public import TimeCoinCore

/// An accepted input of the machine in the form in which it outlives a crash: replaying the records of a
/// height
/// gives the same machine again.
public enum JournalRecord: Hashable, Sendable {
    case start
    case proposal(SignedProposal, isTimely: Bool)
    case vote(SignedVote)
    case certificate(Certificate)
    case roundCertificate(RoundCertificate)
    case built(round: Round, value: Hash256)
    case verdict(Hash256, isValid: Bool)
    case elapsed(Timeout)

    public init(_ input: ConsensusInput) {
        self =
            switch input {
            case .start: .start
            case .proposal(let proposal, let isTimely): .proposal(proposal.signed, isTimely: isTimely)
            case .vote(let vote): .vote(vote.signed)
            case .certificate(let certificate): .certificate(certificate.certificate)
            case .roundCertificate(let certificate): .roundCertificate(certificate.certificate)
            case .built(let round, let value): .built(round: round, value: value)
            case .verdict(let value, let isValid): .verdict(value, isValid: isValid)
            case .elapsed(let timeout): .elapsed(timeout)
            }
    }

    /// The input again, verified again; `nil` if the record is of another set or chain.
    public func input(validators: ValidatorSet, chain: Hash256) -> ConsensusInput? {
        input(validators: validators, chain: chain, check: .ed25519)
    }

    package func input(
        validators: ValidatorSet, chain: Hash256, check: SignatureCheck
    ) -> ConsensusInput? {
        switch self {
        case .start: .start
        case .proposal(let signed, let isTimely):
            VerifiedProposal(signed, validators: validators, chain: chain, check: check)
                .map { .proposal($0, isTimely: isTimely) }
        case .vote(let signed):
            VerifiedVote(signed, validators: validators, chain: chain, check: check).map { .vote($0) }
        case .certificate(let certificate):
            (try? VerifiedCertificate(certificate, validators: validators, chain: chain, check: check))
                .map { .certificate($0) }
        case .roundCertificate(let certificate):
            (try? VerifiedRoundCertificate(certificate, validators: validators, chain: chain, check: check))
                .map { .roundCertificate($0) }
        case .built(let round, let value): .built(round: round, value: value)
        case .verdict(let value, let isValid): .verdict(value, isValid: isValid)
        case .elapsed(let timeout): .elapsed(timeout)
        }
    }

    private enum Tag {
        static let start: UInt8 = 1
        static let proposal: UInt8 = 2
        static let vote: UInt8 = 3
        static let certificate: UInt8 = 4
        static let built: UInt8 = 5
        static let verdict: UInt8 = 6
        static let elapsed: UInt8 = 7
        static let roundCertificate: UInt8 = 8
    }

    public var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 200)
        switch self {
        case .start:
            writer.write(Tag.start)
        case .proposal(let signed, let isTimely):
            writer.write(Tag.proposal)
            signed.encode(into: &writer)
            writer.write(UInt8(isTimely ? 1 : 0))
        case .vote(let signed):
            writer.write(Tag.vote)
            signed.encode(into: &writer)
        case .certificate(let certificate):
            writer.write(Tag.certificate)
            certificate.encode(into: &writer)
        case .roundCertificate(let certificate):
            writer.write(Tag.roundCertificate)
            certificate.encode(into: &writer)
        case .built(let round, let value):
            writer.write(Tag.built)
            writer.write(round)
            writer.write(value)
        case .verdict(let value, let isValid):
            writer.write(Tag.verdict)
            writer.write(value)
            writer.write(UInt8(isValid ? 1 : 0))
        case .elapsed(let timeout):
            writer.write(Tag.elapsed)
            writer.write(timeout.kind.rawValue)
            writer.write(timeout.round)
        }
        return writer.bytes
    }

    public init(decoding bytes: [UInt8]) throws(DecodingFailure) {
        self = try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
            switch try reader.readByte() {
            case Tag.start: return .start
            case Tag.proposal:
                return .proposal(try SignedProposal(from: &reader), isTimely: try reader.readFlag())
            case Tag.vote: return .vote(try SignedVote(from: &reader))
            case Tag.certificate: return .certificate(try Certificate(from: &reader))
            case Tag.roundCertificate: return .roundCertificate(try RoundCertificate(from: &reader))
            case Tag.built: return .built(round: try reader.readInteger(), value: try reader.readHash())
            case Tag.verdict: return .verdict(try reader.readHash(), isValid: try reader.readFlag())
            case Tag.elapsed:
                guard let kind = TimeoutKind(rawValue: try reader.readByte()) else {
                    throw reader.failure(.unknownKind)
                }
                return .elapsed(Timeout(kind: kind, round: try reader.readInteger()))
            default: throw reader.failure(.unknownKind)
            }
        }
    }
}
