package import TimeCoinCore

/// What judged blocks change that are not written yet: the next block is judged over it.
package struct PendingChanges: Sendable {
    private var created: [OutPoint: OutputEntry] = [:]
    private var spent: Set<OutPoint> = []
    private var nodes: [CommitmentNodeKey: Hash256] = [:]
    private var chunks: [UInt64: SpentChunk] = [:]

    package init() {}

    package mutating func add(_ change: StateChange) {
        for (outPoint, entry) in change.created { created[outPoint] = entry }
        for (outPoint, _) in change.spent {
            created[outPoint] = nil
            spent.insert(outPoint)
        }
        for (key, hash) in change.nodes { nodes[key] = hash }
        for (index, chunk) in change.chunks { chunks[index] = chunk }
    }

    /// What is kept, with these changes.
    func reader(over kept: any OutputSource & CommitmentNodes) -> Reader {
        Reader(changes: self, kept: kept)
    }

    struct Reader: OutputSource, CommitmentNodes {
        fileprivate let changes: PendingChanges
        fileprivate let kept: any OutputSource & CommitmentNodes

        func output(_ outPoint: OutPoint) throws -> OutputEntry? {
            if let entry = changes.created[outPoint] { return entry }
            return changes.spent.contains(outPoint) ? nil : try kept.output(outPoint)
        }

        func node(_ key: CommitmentNodeKey) throws -> Hash256? {
            try changes.nodes[key] ?? kept.node(key)
        }

        func chunk(_ index: UInt64) throws -> SpentChunk? {
            try changes.chunks[index] ?? kept.chunk(index)
        }
    }
}
