import TimeCoinConsensus
public import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

/// Shows the votes and proposals in the journal of a stopped node.
public enum JournalDump {
    /// Visits each once as one JSON object, in the order in which they first came, whether they came alone or
    /// in a certificate.
    ///
    /// - Throws: `StoreFailure`, `locked` while the node runs; ``GenesisDocument/Failure`` or
    ///   `Genesis.Failure`: certificates name their signers by place in the set that genesis gives.
    public static func run(_ directory: NodeDirectory, _ body: (JSONValue) -> Void) throws {
        let lock = try PosixFileSystem().lock(directory.journal)
        defer { withExtendedLifetime(lock) {} }
        let validators = try GenesisDocument(reading: directory.genesis).genesis().state.validators
        var seen = SeenLines()
        _ = try ConsensusJournal.dump(directory.journal) { frame in
            guard case .record(let record) = JournalEntry(decoding: frame.payload) else { return }
            for line in lines(record, validators) where seen.isNew(line, at: frame.height) {
                body(line)
            }
        }
    }

    private static func lines(_ record: TimeCoinConsensus.JournalRecord, _ validators: ValidatorSet)
        -> [JSONValue]
    {
        switch record {
        case .vote(let signed): [json(signed)]
        case .proposal(let signed, _): [json(signed)]
        case .certificate(let certificate): votes(certificate, validators).map(json)
        case .roundCertificate(let certificate): certificate.votes.map(json)
        case .start, .built, .verdict, .elapsed: []
        }
    }

    /// The votes that a certificate packs. It was verified before it came into the journal; what does not fit
    /// the set is of another chain and names nobody.
    private static func votes(_ certificate: Certificate, _ validators: ValidatorSet) -> [SignedVote] {
        let places = certificate.signers
        let isPolka = certificate.kind == .polka
        guard places.count == certificate.signatures.count,
            !isPolka || places.count == certificate.validRounds.count,
            places.allSatisfy({ validators.members.indices.contains($0) })
        else { return [] }
        return places.enumerated().map { order, place in
            SignedVote(
                vote: Vote(
                    type: isPolka ? .prevote : .precommit, height: certificate.height,
                    round: certificate.round, value: certificate.value,
                    validRound: isPolka ? certificate.validRounds[order] : nil),
                member: validators.members[place].operatorKey, signature: certificate.signatures[order])
        }
    }

    private static func json(_ signed: SignedVote) -> JSONValue {
        .object([
            "height": .integer(signed.vote.height), "round": .integer(signed.vote.round),
            "type": .string("\(signed.vote.type)"), "block": .optional(signed.vote.value?.description),
            "validRound": signed.vote.validRound.map { .integer($0) } ?? .null,
            "member": .string(signed.member.description), "signature": .string(signed.signature.description),
        ])
    }

    private static func json(_ signed: SignedProposal) -> JSONValue {
        .object([
            "height": .integer(signed.proposal.height), "round": .integer(signed.proposal.round),
            "type": .string("proposal"), "block": .string(signed.proposal.value.description),
            "validRound": signed.proposal.validRound.map { .integer($0) } ?? .null,
            "member": .string(signed.proposer.description),
            "signature": .string(signed.signature.description),
        ])
    }
}

/// What was shown of the last heights. A message comes while its height is being decided, so older ones do
/// not come again.
private struct SeenLines {
    private static let heightsKept: UInt64 = 16

    private var byHeight: [UInt64: Set<JSONValue>] = [:]

    /// - Parameter height: where the machine stood; it never falls.
    mutating func isNew(_ line: JSONValue, at height: UInt64) -> Bool {
        for kept in byHeight.values where kept.contains(line) { return false }
        if byHeight[height] == nil {
            byHeight = byHeight.filter { $0.key + SeenLines.heightsKept > height }
        }
        byHeight[height, default: []].insert(line)
        return true
    }
}
