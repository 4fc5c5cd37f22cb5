import Foundation
import Testing
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinNet
import TimeCoinTesting

@testable import TimeCoinNode

/// The bytes of every message between nodes. `TIMECOIN_WRITE_VECTORS=1` writes the file anew; that it differs
/// is a change of the protocol.
@Suite("Golden messages")
struct WireVectorTests {
    private static let file = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Vectors/messages.json")

    private func messages() throws -> [(name: String, message: WireMessage)] {
        let world = try World()
        let chain = world.state.chain
        let key = world.chain.members[0]
        let block = try #require(
            try world.build([try world.admission(try world.payment(0))], at: world.state.dueTime(of: 1))
        ).block
        func signed(_ proposal: Proposal) -> SignedProposal {
            SignedProposal(
                proposal: proposal, proposer: key.publicKey,
                signature: key.sign(proposal.signedBytes(chain: chain)))
        }
        func signed(_ vote: Vote) -> SignedVote {
            SignedVote(
                vote: vote, member: key.publicKey, signature: key.sign(vote.signedBytes(chain: chain)))
        }
        let fresh = signed(Proposal(height: 1, round: 0, value: block.hash, validRound: nil))
        let again = signed(Proposal(height: 1, round: 3, value: block.hash, validRound: 1))
        let prevote = signed(Vote(type: .prevote, height: 1, round: 3, value: block.hash, validRound: 1))
        let none = signed(Vote(type: .precommit, height: 1, round: 2, value: nil, validRound: nil))
        let certificate = try world.certificate(of: block.hash, at: 1, signers: [0, 1, 3])
        let certified = EncodedCertifiedBlock(block: block.encoded, certificate: certificate.encoded)
        let transaction = block.transactions[1].transaction.encoded
        func answer(_ highest: SignedPosition?) -> WireMessage {
            .positionAnswer(
                PositionAnswer(
                    key: key.publicKey, nonce: chain, highest: highest, signedBy: key, chain: chain))
        }
        return [
            (
                "status",
                .status(
                    NodeStatus(
                        tip: 0, tipHash: chain, clock: Timestamp(milliseconds: 1_700_000_000_000),
                        round: ConsensusMachine(on: world.state, own: nil).summary))
            ),
            ("proposal/fresh", .proposal(fresh, CompactBlock(block))),
            ("proposal/again", .proposal(again, nil)),
            ("vote/prevote", .vote(prevote)), ("vote/nil", .vote(none)),
            ("certificate/commit", .certificate(certificate)),
            (
                "round-certificate",
                .roundCertificate(RoundCertificate(height: 1, round: 3, votes: [prevote, none]))
            ), ("value-request", .valueRequest(block.hash)),
            ("value", .value(block.encoded)), ("position-query", .positionQuery(key.publicKey, nonce: chain)),
            ("position-answer/none", answer(nil)), ("position-answer/proposal", answer(.proposal(fresh))),
            ("position-answer/vote", answer(.vote(prevote))), ("clock-query", .clockQuery(nonce: chain)),
            (
                "clock-answer",
                .clockAnswer(
                    ClockAnswer(
                        nonce: chain, clock: Timestamp(milliseconds: 1_700_000_000_000), signedBy: key,
                        chain: chain))
            ), ("transactions", .transactions([transaction])),
            ("block-request", .blockRequest(id: 7, start: 1, count: 64)),
            ("blocks", .blocks(id: 7, start: 1, items: [certified.encoded])),
        ]
    }

    @Test("S6: every message has the bytes that it always had, and is read back from them")
    func golden() throws {
        var found: [String: String] = [:]
        for (name, message) in try messages() {
            found[name] = Hexadecimal.encode([message.type.rawValue] + message.payload)
            let again = try WireMessage(type: message.type, payload: message.payload)
            #expect(again.payload == message.payload, "\(name)")
        }
        let hello = Hello(
            network: "local", genesis: try World().state.chain, listenPort: 4000, userAgent: "/vector:1/")
        found["hello"] = Hexadecimal.encode(hello.encoded)
        if ProcessInfo.processInfo.environment["TIMECOIN_WRITE_VECTORS"] != nil {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try encoder.encode(found).write(to: Self.file)
        }
        let golden = try JSONDecoder().decode([String: String].self, from: try Data(contentsOf: Self.file))
        #expect(golden == found)
    }
}
