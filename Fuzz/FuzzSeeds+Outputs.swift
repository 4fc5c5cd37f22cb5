extension FuzzSeeds {
    /// The nodes that genesis makes.
    private struct GenesisNodes: CommitmentNodes {
        let change: StateChange

        func node(_ key: CommitmentNodeKey) throws -> Hash256? {
            change.nodes.first { $0.key == key }?.hash
        }

        func chunk(_ index: UInt64) throws -> SpentChunk? {
            change.chunks.first { $0.index == index }?.chunk
        }
    }

    /// The proof of an output of genesis, with and without a step that leads to its validators.
    static func outputs(_ genesis: Genesis, _ finality: FinalityProof) -> [FuzzTarget: [[UInt8]]] {
        guard let created = genesis.change.created.last, let path = ValidatorPath([finality])
        else { return [:] }
        let nodes = GenesisNodes(change: genesis.change)
        let proofs = [ValidatorPath.empty, path].compactMap { path in
            try? OutputProof(
                of: created.outPoint, created.entry, in: genesis.state, nodes: nodes, finality: finality,
                validatorPath: path)
        }
        return [
            .outputProof: proofs.map(\.encoded),
            .validatorPath: [ValidatorPath.empty.encoded, path.encoded],
        ]
    }
}
