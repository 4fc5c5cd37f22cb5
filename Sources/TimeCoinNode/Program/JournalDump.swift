import TimeCoinConsensus
public import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

/// Shows the votes and proposals in the journal of a stopped node.
public enum JournalDump {
    /// Visits each as one JSON object, oldest first.
    ///
    /// - Throws: `StoreFailure`, also while the node runs.
    public static func run(_ directory: NodeDirectory, _ body: (JSONValue) -> Void) throws {
        _ = try ConsensusJournal.dump(directory.journal) { frame in
            guard case .record(let record) = JournalEntry(decoding: frame.payload) else { return }
            switch record {
            case .vote(let signed): body(json(signed))
            case .proposal(let signed, _): body(json(signed))
            case .roundCertificate(let certificate): certificate.votes.forEach { body(json($0)) }
            default: break
            }
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
