/// A binary hash tree over names. Leaf and node domains differ, an odd node is promoted and never
/// duplicated, and
/// the empty tree has its own root; so no two lists of leaves share a root (unlike CVE-2012-2459).
public enum MerkleTree {
    /// The root of a list; order matters.
    public static func root(of leaves: [Hash256]) -> Hash256 {
        root(ofNodes: leaves.map(leafHash))
    }

    /// The root over the nodes of one level; the empty tree's where there are none.
    static func root(ofNodes nodes: [Hash256]) -> Hash256 {
        guard !nodes.isEmpty else { return Blake2b.hash256(.merkleEmpty, []) }
        var level = nodes
        while level.count > 1 {
            level = parents(of: level)
        }
        return level[0]
    }

    /// The hashes that lead from a leaf to the root, from the bottom; `nil` when there is no such leaf.
    public static func proof(of index: Int, in leaves: [Hash256]) -> MerkleProof? {
        guard leaves.indices.contains(index) else { return nil }
        var level = leaves.map(leafHash)
        var place = index
        var path: [Hash256] = []
        while level.count > 1 {
            let sibling = place ^ 1
            if sibling < level.count { path.append(level[sibling]) }
            level = parents(of: level)
            place >>= 1
        }
        return MerkleProof(index: UInt64(index), count: UInt64(leaves.count), path: path)
    }

    static func leafHash(_ leaf: Hash256) -> Hash256 {
        leaf.withUnsafeBytes { Blake2b.hash256(.merkleLeaf, $0) }
    }

    static func nodeHash(_ left: Hash256, _ right: Hash256) -> Hash256 {
        Blake2b.hash256(.merkleNode, left, right)
    }

    private static func parents(of level: [Hash256]) -> [Hash256] {
        var parents: [Hash256] = []
        parents.reserveCapacity((level.count + 1) / 2)
        for index in stride(from: 0, to: level.count - 1, by: 2) {
            parents.append(nodeHash(level[index], level[index + 1]))
        }
        if !level.count.isMultiple(of: 2) { parents.append(level[level.count - 1]) }
        return parents
    }
}

/// Shows that a name stands at a place of a list with a given root.
public struct MerkleProof: Hashable, Sendable {
    public let index: UInt64
    /// Leaves in the list.
    public let count: UInt64
    /// Sibling hashes from the bottom; a promoted node has none.
    public let path: [Hash256]

    /// Hashes in a path at most: a list has fewer than 2^64 leaves.
    public static let pathMax = 64

    /// Bytes of an encoded proof at most.
    public static let bytesMax = 8 + 8 + 1 + pathMax * Hash256.byteCount

    public init(index: UInt64, count: UInt64, path: [Hash256]) {
        self.index = index
        self.count = count
        self.path = path
    }

    /// Index, count, the number of hashes, the hashes.
    public func encode(into writer: inout ByteWriter) {
        writer.write(index)
        writer.write(count)
        writer.writeCompactSize(UInt64(path.count))
        for hash in path { writer.write(hash) }
    }

    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        index = try reader.readInteger()
        count = try reader.readInteger()
        let hashes = try reader.readCount(limit: MerkleProof.pathMax, bytesEach: Hash256.byteCount)
        var path: [Hash256] = []
        for _ in 0..<hashes { path.append(try reader.readHash()) }
        self.path = path
    }

    /// Whether `leaf` stands at ``index`` of the list of ``count`` leaves with this root.
    public func verifies(_ leaf: Hash256, root: Hash256) -> Bool {
        leads(from: MerkleTree.leafHash(leaf), to: root, joining: MerkleTree.nodeHash)
    }

    /// The root that a list with `leaf` at this place has; `nil` when the path is not one of such a list.
    func root(of leaf: Hash256) -> Hash256? {
        ascended(from: MerkleTree.leafHash(leaf), joining: MerkleTree.nodeHash)
    }

    /// The walk from the hash of a leaf up to the root. The hash of two nodes is a parameter, because
    /// published proofs are of trees with another one.
    func leads(
        from leafHash: Hash256, to root: Hash256, joining nodeHash: (Hash256, Hash256) -> Hash256
    ) -> Bool {
        ascended(from: leafHash, joining: nodeHash) == root
    }

    private func ascended(
        from leafHash: Hash256, joining nodeHash: (Hash256, Hash256) -> Hash256
    ) -> Hash256? {
        guard index < count, path.count <= MerkleProof.pathMax else { return nil }
        var hash = leafHash
        var place = index
        var width = count
        var rest = path[...]
        while width > 1 {
            let isPromoted = place & 1 == 0 && place == width - 1
            if !isPromoted {
                guard let sibling = rest.popFirst() else { return nil }
                hash = place & 1 == 0 ? nodeHash(hash, sibling) : nodeHash(sibling, hash)
            }
            place >>= 1
            width = width / 2 + width % 2
        }
        return rest.isEmpty ? hash : nil
    }
}
