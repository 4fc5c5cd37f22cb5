import Testing
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinTesting

@testable import TimeCoinNode

@Suite("Messages between nodes")
struct WireMessageTests {
    @Test("every message at its largest fits the frame that its type allows")
    func largest() throws {
        let world = try World()
        let key = world.chain.members[0]
        let chain = world.state.chain
        let proposal = Proposal(height: .max, round: .max, value: chain, validRound: .max - 1)
        let signed = SignedProposal(
            proposal: proposal, proposer: key.publicKey,
            signature: key.sign(proposal.signedBytes(chain: chain)))
        let vote = Vote(type: .prevote, height: .max, round: .max, value: chain, validRound: .max - 1)
        let signedVote = SignedVote(
            vote: vote, member: key.publicKey, signature: key.sign(vote.signedBytes(chain: chain)))
        let header = try #require(try world.build([], at: world.state.dueTime(of: 1))).block.header
        let small = [[UInt8]](
            repeating: [UInt8](
                repeating: 0, count: WireMessage.transactionsBytesMax / WireMessage.transactionsMax),
            count: WireMessage.transactionsMax)
        let messages: [WireMessage] = [
            .status(
                NodeStatus(
                    tip: .max, tipHash: chain, clock: Timestamp(milliseconds: .max),
                    round: ConsensusMachine(on: world.state, own: nil).summary)),
            .proposal(
                signed,
                CompactBlock(
                    header: header, coinbase: nil,
                    payments: [Hash256](repeating: chain, count: CompactBlock.paymentsMax))),
            .vote(signedVote), .valueRequest(chain), .positionQuery(key.publicKey, nonce: chain),
            .positionAnswer(
                PositionAnswer(
                    key: key.publicKey, nonce: chain, highest: .proposal(signed), signedBy: key, chain: chain)
            ),
            .transactions(small), .transactions([[UInt8](repeating: 0, count: Transaction.bytesMax)]),
            .blockRequest(id: .max, start: .max, count: .max),
            .value([UInt8](repeating: 0, count: Block.bytesMax)),
        ]
        for message in messages {
            #expect(message.payload.count <= message.type.payloadBytesMax, "\(message.type)")
        }
    }
}
