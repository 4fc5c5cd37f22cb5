import Foundation
import Testing

@testable import TimeCoinCore

/// A short chain as bytes, with the roots after each block: what another implementation runs to see whether
/// it agrees. `TIMECOIN_WRITE_VECTORS=1` writes the file anew; that it differs is a change of the protocol.
@Suite("Golden chain")
struct ChainVectorTests {
    private static let file = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Vectors/chain.json")

    private struct Step: Codable, Equatable {
        let block: String
        let hash: String
        /// The six parts of the state root by name.
        let parts: [String: String]
        let outputs: UInt64
        let supply: [UInt64]
        let remainder: UInt64
        let accounts: [String]
    }

    private struct Vectors: Codable, Equatable {
        var steps: [Step] = []
        /// Proof of the last payment of the block at height 2, among three.
        var proof = ""
        var anchor: [String] = []
    }

    private func step(_ block: CheckedBlock, _ state: ChainState) -> Step {
        let parts = state.roots.parts.map { ($0.name, $0.hash.description) }
        let supply = state.supply
        return Step(
            block: Hexadecimal.encode(block.encoded), hash: block.hash.description,
            parts: Dictionary(parts, uniquingKeysWith: { first, _ in first }), outputs: state.outputCount,
            supply: [supply.unspent, supply.accrued, supply.remainder, supply.burned, supply.allocated]
                .map(\.units),
            remainder: state.accruals.remainder.units,
            accounts: state.accruals.accounts.map { "\($0.key) \($0.amount.units) \($0.crossedAt ?? 0)" })
    }

    private func certificate(_ block: CheckedBlock, _ world: BlockWorld) throws -> Certificate {
        let vote = Vote(type: .precommit, height: block.header.height, round: 0, value: block.hash)
        let votes = try world.members.map { key in
            try #require(
                VerifiedVote(
                    SignedVote(
                        vote: vote, member: key.publicKey,
                        signature: key.sign(vote.signedBytes(chain: world.genesis.hash))),
                    validators: world.state.validators, chain: world.genesis.hash))
        }
        return try #require(Certificate(.commit, of: votes, validators: world.state.validators))
    }

    private func vectors() throws -> Vectors {
        var world = try BlockWorld(weights: [1, 10, 100])
        var vectors = Vectors()
        vectors.anchor = [world.genesis.hash.description, world.state.validators.hash.description]
        vectors.steps.append(step(world.genesis.block, world.state))
        func grow(_ payments: [Transaction], at time: Timestamp, by proposer: Int) throws {
            let block = try world.build(payments, at: time, by: proposer)
            let judged = try world.judge(try CheckedBlock(decoding: block.block.encoded))
            #expect(judged.change.state == block.change.state)
            world.commit(block)
            vectors.steps.append(step(block.block, block.change.state))
        }
        try grow([], at: world.state.dueTime(of: 1), by: 0)
        let soon = world.state.header.time.advanced(byMilliseconds: 1500)
        try grow(
            [
                world.payment(of: world.allocation(0), outputs: 3, fee: 30_000),
                world.payment(of: world.allocation(1), fee: 20_000), world.payment(2),
            ], at: soon, by: 1)
        let block = try CheckedBlock(decoding: try #require(Hexadecimal.decode(vectors.steps[2].block)))
        let path = try #require(MerkleTree.proof(of: 2, in: block.transactions.map(\.txid)))
        let proof = TransactionProof(
            transaction: block.transactions[2].transaction, path: path,
            finality: FinalityProof(
                header: block.header, certificate: try certificate(block, world),
                validators: world.state.validators))
        vectors.proof = Hexadecimal.encode(proof.encoded)
        // Pays out what the first slot brought, and spends what the payment block created.
        let created = OutPoint(transaction: block.transactions[0].txid, index: 1)
        let entry = try #require(world.kept.outputs[created])
        try grow(
            [world.payment(of: (created, entry), outputs: 2)], at: world.state.dueTime(of: 2), by: 2)
        try grow([], at: world.state.dueTime(of: 5), by: 0)
        return vectors
    }

    @Test("S6: a chain of both kinds of block has the bytes and the states that it always had")
    func golden() throws {
        let found = try vectors()
        if ProcessInfo.processInfo.environment["TIMECOIN_WRITE_VECTORS"] != nil {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try encoder.encode(found).write(to: Self.file)
        }
        let golden = try JSONDecoder().decode(Vectors.self, from: try Data(contentsOf: Self.file))
        #expect(golden.steps.count == 5)
        for (height, (step, expected)) in zip(found.steps, golden.steps).enumerated() {
            #expect(step == expected, "height \(height)")
        }
        #expect(found == golden)
        let bytes = try #require(Hexadecimal.decode(golden.proof))
        let chain = try #require(Hash256(hex: golden.anchor[0]))
        let validators = try #require(Hash256(hex: golden.anchor[1]))
        let final = try TransactionProof(decoding: bytes).verify(
            against: TrustAnchor(chain: chain, validators: validators))
        #expect(final.block.header.height == 2)
    }

    @Test("S1: blocks read from bytes lead every replay to the same state and the same outputs")
    func replay() throws {
        let golden = try JSONDecoder().decode(Vectors.self, from: try Data(contentsOf: Self.file))
        var world = try BlockWorld(weights: [1, 10, 100])
        for step in golden.steps.dropFirst() {
            let block = try CheckedBlock(decoding: try #require(Hexadecimal.decode(step.block)))
            world.commit(try world.judge(block))
            let kept = world.kept.outputs.values
            #expect(Amount.sum(kept.lazy.map(\.output.value)) == world.state.supply.unspent)
            #expect(UInt64(kept.count) == world.state.outputCount && world.state.outputCount == step.outputs)
            #expect(world.state.headerHash.description == step.hash)
            // No two outputs have one place in the commitment.
            #expect(Set(kept.map(\.position)).count == kept.count)
        }
    }
}
