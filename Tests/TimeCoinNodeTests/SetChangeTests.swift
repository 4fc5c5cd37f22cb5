import Testing
import TimeCoinCore
import TimeCoinStore

@testable import TimeCoinNode

@Suite("A block that changes the set is certified by the set before")
struct SetChangeTests {
    /// The same blocks in a store that keeps no set.
    private func withoutSets(_ chain: ChangingChain) throws -> MemoryChainStore {
        let store = MemoryChainStore(chain: chain.genesis.hash)
        for height in 0...chain.state.height {
            let commit = try chain.store.snapshot { reader in
                let header = try #require(try reader.header(at: height))
                let isTip = height == chain.state.height
                let state = isTip ? chain.state.encoded : chain.genesis.state.encoded
                return BlockCommit(
                    header: header, block: [], certificate: try reader.certificate(at: height) ?? [],
                    transactions: [], created: [], spent: [], nodes: [], chunks: [], leafCount: 0,
                    state: state, validators: nil)
            }
            try store.commit([commit])
        }
        return store
    }

    @Test("K5: at a start a certified block that changes the set is not taken back")
    func certified() throws {
        var chain = try ChangingChain()
        #expect(chain.state.validators.hash != chain.state.header.validators)
        #expect(try UncertifiedBlocks.find(in: chain.store, tip: chain.state).isEmpty)
        try chain.extend(changing: false)
        #expect(try UncertifiedBlocks.find(in: chain.store, tip: chain.state).isEmpty)
        try chain.extend(changing: true)
        #expect(try UncertifiedBlocks.find(in: chain.store, tip: chain.state).isEmpty)
    }

    @Test("K5: a block whose set is not known is not taken for uncertified")
    func unknownSet() throws {
        let chain = try ChangingChain()
        let store = try withoutSets(chain)
        let failure = #expect(throws: StoreFailure(.corrupt, "")) {
            try UncertifiedBlocks.find(in: store, tip: chain.state)
        }
        #expect(failure?.message.contains("\(chain.state.header.validators)") == true)
        #expect(try store.snapshot { try $0.tip() }?.height == 1)
    }

    @Test("a snapshot that ends with a change of the set is refused, and says which set is missing")
    func snapshot() throws {
        var chain = try ChangingChain()
        let genesis = chain.genesis.state
        let tip = chain.state
        let refusal = #expect(throws: StoreFailure(.missing, "")) {
            try chain.store.snapshot { try SnapshotManifest(of: $0) }
        }
        #expect(refusal?.message.contains("take it after the next block") == true)
        // Whoever makes one all the same is refused where it is read.
        let certificate = try chain.store.snapshot { try $0.certificate(at: tip.height) }
        let manifest = SnapshotManifest(
            header: tip.header, certificate: certificate ?? [], state: tip.encoded, segments: [], peaks: [],
            chunks: [])
        let trust = SnapshotTrust.validators(genesis.validators.hash)
        let rejection = #expect(throws: SnapshotRejection.self) {
            try VerifiedSnapshot(manifest, genesis: genesis, trusting: trust)
        }
        #expect(rejection?.rule == .untrusted)
        #expect(rejection?.detail.contains("was decided by the set \(genesis.validators.hash)") == true)
        // A block later it is taken.
        try chain.extend(changing: false)
        let next = try chain.store.snapshot { try SnapshotManifest(of: $0) }
        _ = try VerifiedSnapshot(
            next, genesis: genesis, trusting: .validators(chain.state.header.validators))
    }
}
