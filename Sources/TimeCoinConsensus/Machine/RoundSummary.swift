public import TimeCoinCore

/// What a member holds of the round it is in, so that others can send what it lacks: nothing depends on a
/// message having been lucky once.
public struct RoundSummary: Hashable, Sendable {
    public let height: Height
    public let round: Round
    /// One bit a member heard, in the order of the set.
    public let prevotes: [UInt8]
    public let precommits: [UInt8]
    public let hasProposal: Bool
    /// The newest round of which a polka is held.
    public let polkaRound: Round?

    private static let bitmapBytesMax = (ValidatorSet.membersMax + 7) / 8

    public func encode(into writer: inout ByteWriter) {
        writer.write(height)
        writer.write(round)
        writer.write(prefixed: prevotes)
        writer.write(prefixed: precommits)
        writer.write(UInt8(hasProposal ? 1 : 0))
        writer.write(optional: polkaRound)
    }

    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        height = try reader.readInteger()
        round = try reader.readInteger()
        prevotes = try reader.readPrefixed(limit: RoundSummary.bitmapBytesMax)
        precommits = try reader.readPrefixed(limit: RoundSummary.bitmapBytesMax)
        hasProposal = try reader.readFlag()
        polkaRound = try reader.readOptionalRound()
    }

    package init(
        height: Height, round: Round, prevotes: [UInt8], precommits: [UInt8], hasProposal: Bool,
        polkaRound: Round?
    ) {
        self.height = height
        self.round = round
        self.prevotes = prevotes
        self.precommits = precommits
        self.hasProposal = hasProposal
        self.polkaRound = polkaRound
    }

    fileprivate static func hears(_ index: Int, in bitmap: [UInt8]) -> Bool {
        index >> 3 < bitmap.count && bitmap[index >> 3] & (1 << UInt8(index & 7)) != 0
    }
}

/// What one member has for another.
public struct HeldMessages: Hashable, Sendable {
    public var proposals: [SignedProposal] = []
    public var votes: [SignedVote] = []
    public var certificates: [Certificate] = []
    /// For a member that is in a lower round.
    public var roundCertificate: RoundCertificate?

    public var isEmpty: Bool {
        proposals.isEmpty && votes.isEmpty && certificates.isEmpty && roundCertificate == nil
    }
}

extension ConsensusMachine {
    public var summary: RoundSummary {
        let state = rounds[current]
        return RoundSummary(
            height: height, round: round, prevotes: state.prevotes.bitmap,
            precommits: state.precommits.bitmap,
            hasProposal: !state.proposals.isEmpty, polkaRound: polkas.last?.certificate.round)
    }

    /// What the sender of a summary of this height lacks.
    public func held(beyond summary: RoundSummary) -> HeldMessages {
        var held = HeldMessages()
        guard summary.height == height else { return held }
        // A decision is worth knowing in whatever round.
        held.certificates += commits.map(\.certificate)
        guard summary.round <= round else { return held }
        if summary.round < round { held.roundCertificate = enteredBy?.certificate }
        if let polka = polkas.last?.certificate, summary.polkaRound.map({ $0 < polka.round }) ?? true {
            held.certificates.append(polka)
        }
        for state in rounds where state.number == summary.round || state.number == round {
            let knows = state.number == summary.round
            if !(knows && summary.hasProposal) { held.proposals += state.proposals.map(\.verified.signed) }
            for (type, bitmap) in [(VoteType.prevote, summary.prevotes), (.precommit, summary.precommits)] {
                held.votes += state.tally(type).votes.compactMap { $0 }
                    .filter { !(knows && RoundSummary.hears($0.index, in: bitmap)) }
                    .map(\.signed)
            }
        }
        return held
    }

    /// Members heard in the current round, by type of vote, for people who ask what is waited for.
    public func heard(_ type: VoteType) -> [PublicKey] {
        rounds[current].tally(type).votes.compactMap { $0?.signed.member }
    }
}
