import Foundation
import TestVectors
import Testing

@testable import TimeCoinCore

@Suite("Published Merkle proofs")
struct MerkleVectorTests {
    private struct Row: Decodable {
        let kind: String
        let file: String
        let wantErr: Bool
        let proof: [String]?
        // Only of inclusion.
        let leafIdx: UInt64?
        let treeSize: UInt64?
        let root: String?
        let leafHash: String?

        /// Standard base64 of a hash; `nil` for bytes that are none.
        func hash(_ text: String?) throws -> Hash256? {
            let text = try #require(text)
            return Hash256(Array(try #require(Data(base64Encoded: text))))
        }

        /// What a node says to the proof: a hash of another length is none and does not even get into one.
        func verifies() throws -> Bool {
            let hashes = try (proof ?? []).map { try hash($0) }
            let path = hashes.compactMap { $0 }
            guard path.count == hashes.count, let root = try hash(root), let leaf = try hash(leafHash) else {
                return false
            }
            let index = try #require(leafIdx)
            let proof = MerkleProof(index: index, count: try #require(treeSize), path: path)
            return proof.leads(from: leaf, to: root, joining: MerkleVectorTests.node)
        }
    }

    /// A node of RFC 6962: SHA-256 over 0x01, left, right.
    private static func node(_ left: Hash256, _ right: Hash256) -> Hash256 {
        (try? sha256([1] + left.bytes + right.bytes)).flatMap { Hash256($0) } ?? .zero
    }

    @Test(
        "every published proof of inclusion has its published verdict",
        .enabled(if: ExternalVectors.contains("merkle_rfc6962")))
    func inclusion() throws {
        let rows = try ExternalVectors.rows("merkle_rfc6962", as: Row.self)
        let inclusions = rows.filter { $0.kind == "inclusion" }
        for row in inclusions {
            #expect(try row.verifies() == !row.wantErr, "\(row.file)")
        }
        #expect(inclusions.contains { !$0.wantErr }, "some proof must be good")
        ExternalVectors.report(
            "merkle_rfc6962", run: inclusions.count, skipped: rows.count - inclusions.count,
            because: "consistency: neither the trees of blocks nor the mountain range have such proofs")
    }

    @Test("a proof of every leaf of trees up to 40 leaves verifies, and no other leaf does")
    func ownProofs() throws {
        let leaves = (0..<40).map { Blake2b.hash256(.transactionID, [$0]) }
        for count in 1...leaves.count {
            let list = Array(leaves.prefix(count))
            let root = MerkleTree.root(of: list)
            for index in list.indices {
                let proof = try #require(MerkleTree.proof(of: index, in: list))
                #expect(proof.verifies(list[index], root: root), "leaf \(index) of \(count)")
                #expect(!proof.verifies(leaves[(index + 1) % 40], root: root), "leaf \(index) of \(count)")
            }
            #expect(MerkleTree.proof(of: count, in: list) == nil)
        }
    }
}
