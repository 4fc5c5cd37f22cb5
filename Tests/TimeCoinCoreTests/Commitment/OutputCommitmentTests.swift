import Testing

@testable import TimeCoinCore

/// Keeps nodes as a store does.
private final class KeptNodes: CommitmentNodes {
    var nodes: [CommitmentNodeKey: Hash256] = [:]
    var chunks: [UInt64: SpentChunk] = [:]

    func node(_ key: CommitmentNodeKey) throws -> Hash256? { nodes[key] }
    func chunk(_ index: UInt64) throws -> SpentChunk? { chunks[index] }

    func keep(_ update: OutputCommitment.Update) {
        for (key, hash) in update.nodes { nodes[key] = hash }
        for (index, chunk) in update.chunks { chunks[index] = chunk }
    }
}

@Suite("Output commitment")
struct OutputCommitmentTests {
    private func leaf(_ number: UInt64) -> Hash256 {
        var writer = ByteWriter()
        writer.write(number)
        return Blake2b.hash256(.outputLeaf, writer.bytes)
    }

    @Test("block by block gives what one block with everything gives", arguments: [1, 2, 3] as [UInt64])
    func incremental(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let kept = KeptNodes()
        var commitment = OutputCommitment.empty
        var count: UInt64 = 0
        var spent: Set<UInt64> = []
        for _ in 0..<30 {
            let added = UInt64.random(in: 0...400, using: &generator)
            var positions: Set<UInt64> = []
            if count + added > 0 {
                for _ in 0..<Int.random(in: 0...50, using: &generator) {
                    let position = UInt64.random(in: 0..<count + added, using: &generator)
                    if !spent.contains(position) { positions.insert(position) }
                }
            }
            let update = try commitment.updated(
                appending: (count..<count + added).map(leaf), spending: Array(positions), nodes: kept)
            kept.keep(update)
            commitment = update.commitment
            count += added
            spent.formUnion(positions)
        }
        let whole = try OutputCommitment.empty.updated(
            appending: (0..<count).map(leaf), spending: spent.sorted(), nodes: KeptNodes())
        #expect(whole.commitment == commitment, "seed \(seed)")
        #expect(commitment.leafCount == count)
    }

    @Test("spending twice, or what was never created, is refused")
    func refuses() throws {
        let kept = KeptNodes()
        let update = try OutputCommitment.empty.updated(
            appending: [leaf(0), leaf(1)], spending: [1], nodes: kept)
        kept.keep(update)
        #expect(throws: CommitmentFailure.spentTwice(1)) {
            try update.commitment.updated(appending: [], spending: [1], nodes: kept)
        }
        #expect(throws: CommitmentFailure.unknownPosition(2)) {
            try update.commitment.updated(appending: [], spending: [2], nodes: kept)
        }
    }

    @Test("any other leaf or spent bit is another commitment")
    func binds() throws {
        let base = try OutputCommitment.empty.updated(
            appending: (0..<2050).map(leaf), spending: [3, 2049], nodes: KeptNodes()
        ).commitment
        var leaves = (0..<2050).map { leaf($0) }
        leaves[1000] = leaf(9999)
        let other = try OutputCommitment.empty.updated(
            appending: leaves, spending: [3, 2049], nodes: KeptNodes())
        let moved = try OutputCommitment.empty.updated(
            appending: (0..<2050).map(leaf), spending: [3, 2048], nodes: KeptNodes())
        #expect(other.commitment.hash != base.hash)
        #expect(moved.commitment.hash != base.hash)
    }

    @Test("S7: no list of names shares a Merkle root with one that repeats its end")
    func merkleMutation() {
        for count in 1...20 {
            let leaves = (0..<UInt64(count)).map(leaf)
            for extra in 1...count {
                #expect(MerkleTree.root(of: leaves) != MerkleTree.root(of: leaves + leaves.suffix(extra)))
            }
            for index in leaves.indices {
                let proof = MerkleTree.proof(of: index, in: leaves)
                let root = MerkleTree.root(of: leaves)
                #expect(proof?.verifies(leaves[index], root: root) == true)
                #expect(proof?.verifies(leaf(77), root: root) == false)
            }
        }
    }
}
