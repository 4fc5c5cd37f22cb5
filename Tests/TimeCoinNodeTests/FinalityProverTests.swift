import Testing
import TimeCoinControl
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinCore
@testable import TimeCoinNode

/// A chain whose blocks say nothing but who decides the next one.
struct ChangingChain {
    private struct Members {
        let keys: [SigningKey]
        let set: ValidatorSet
        let registry: Registry

        init(_ first: Int) throws {
            keys = try (first..<first + 4).map { number in
                let low = UInt8(truncatingIfNeeded: number)
                let high = UInt8(truncatingIfNeeded: number >> 8)
                return try #require(SigningKey(seed: [high &+ 1] + [UInt8](repeating: low, count: 31)))
            }
            set = try ValidatorSet(keys.map { Member(operatorKey: $0.publicKey, weight: 1) })
            registry = try Registry(
                keys.map {
                    Registry.Entry(operatorKey: $0.publicKey, weight: 1, payout: .keyHash(of: $0.publicKey))
                })
        }
    }

    let store: MemoryChainStore
    let genesis: Genesis
    private(set) var state: ChainState
    private var members: Members
    private var nextSeed = 100
    /// Heights that changed the set, with the anchor that is trusted from each on.
    private(set) var anchors: [TrustAnchor]

    init() throws {
        let world = try World()
        store = world.store
        genesis = world.chain.genesis
        state = world.state
        anchors = [TrustAnchor(chain: state.chain, validators: state.validators.hash)]
        members = try Members(50)
        // Genesis has other members: the first block is signed by them, and changes the set.
        try append(next: members, signedBy: world.chain.members)
    }

    /// A block; with a change of the set, or without.
    mutating func extend(changing: Bool) throws {
        let next = changing ? try Members(nextSeed) : members
        if changing { nextSeed += 4 }
        try append(next: next, signedBy: members.keys)
        members = next
    }

    private mutating func append(next: Members, signedBy keys: [SigningKey]) throws {
        let set = state.validators
        func header(_ root: Hash256) -> BlockHeader {
            BlockHeader(
                kind: .payment, height: state.height + 1, slot: state.slot, previous: state.headerHash,
                time: state.header.time.advanced(byMilliseconds: 1), transactionRoot: .zero,
                witnessRoot: .zero, stateRoot: root, validators: set.hash, nextValidators: next.set.hash,
                evidenceRoot: BlockRoots.empty, attestationRoot: BlockRoots.empty,
                proposer: keys[0].publicKey)
        }
        let old = state
        func after(_ header: BlockHeader) -> ChainState {
            ChainState(
                header: header, headerHash: header.hash, chain: old.chain, genesisTime: old.genesisTime,
                commitment: old.commitment, outputCount: old.outputCount, registry: next.registry,
                accruals: old.accruals, supply: old.supply, seed: old.seed, parameters: old.parameters,
                recovery: nil)
        }
        let final = header(after(header(.zero)).roots.root)
        let vote = Vote(type: .precommit, height: final.height, round: 0, value: final.hash)
        let signed = keys.sorted { $0.publicKey < $1.publicKey }
        let certificate = Certificate(
            kind: .commit, height: final.height, round: 0, value: final.hash, bitmap: [15],
            signatures: signed.map { $0.sign(vote.signedBytes(chain: old.chain)) }, validRounds: [])
        state = after(final)
        try store.commit([
            BlockCommit(
                header: final, block: [], certificate: certificate.encoded, transactions: [], created: [],
                spent: [], nodes: [], chunks: [], leafCount: old.commitment.leafCount,
                state: state.encoded, validators: next.set)
        ])
        if set != next.set {
            anchors.append(
                TrustAnchor(chain: old.chain, validators: next.set.hash, from: final.height + 1))
        }
    }

    func prover<Result>(_ body: (FinalityProver, any ChainReading) throws -> Result) throws -> Result {
        try store.snapshot { try body(FinalityProver(reader: $0), $0) }
    }
}

@Suite("Proofs over changes of the validators")
struct FinalityProverTests {
    private func chain(changes: Int) throws -> ChangingChain {
        var chain = try ChangingChain()
        for number in 1..<changes {
            for _ in 0..<(number % 3) { try chain.extend(changing: false) }
            try chain.extend(changing: true)
        }
        try chain.extend(changing: false)
        return chain
    }

    @Test("a proof of an output leads from the members of any height to those of now, genesis by default")
    func outputs() throws {
        let chain = try chain(changes: 6)
        let outPoint = try #require(chain.genesis.change.created.first).outPoint
        #expect(chain.anchors.count == 7)
        let whole = try chain.prover { try OutputProver(reader: $1).proof(of: outPoint) }
        #expect(whole.validatorPath.steps.count == 6)
        let decoded = try OutputProof(decoding: whole.encoded)
        #expect(try !decoded.verify(against: chain.anchors[0]).isSpent)
        for (place, anchor) in chain.anchors.enumerated() {
            let proof = try chain.prover {
                try OutputProver(reader: $1).proof(of: outPoint, trusting: anchor.from)
            }
            #expect(proof.validatorPath.steps.count == 6 - place)
            #expect(try !proof.verify(against: anchor).isSpent)
            #expect(try chain.prover { prover, _ in try prover.anchor(at: anchor.from) } == anchor)
            guard place > 0 else { continue }
            #expect(throws: ProofRejection.otherValidators) { try proof.verify(against: chain.anchors[0]) }
        }
        // As this node verifies what it is given.
        let first = try #require(whole.validatorPath.steps.first).header.height
        #expect(try chain.prover { prover, _ in
            try !whole.verify(against: try prover.anchor(at: first)).isSpent
        })
    }

    @Test("every block is proven final by the members that decided it, whoever decides now")
    func blocks() throws {
        let chain = try chain(changes: 4)
        let tip = try #require(try chain.store.snapshot { try $0.tip() }).height
        for height in 1...tip {
            let (proof, anchor) = try chain.prover { prover, _ in
                (try prover.proof(at: height), try prover.anchor(at: height))
            }
            #expect(try proof.verify(against: anchor).header.height == height)
            #expect(try FinalityProof(decoding: proof.encoded) == proof)
        }
        let next = try chain.prover { prover, _ in try prover.anchor(at: tip + 5) }
        let last = try #require(chain.anchors.last)
        #expect(next == TrustAnchor(chain: last.chain, validators: last.validators, from: tip + 1))
        let error = #expect(throws: RPCError.self) {
            try chain.prover { prover, _ in try prover.proof(at: 0) }
        }
        #expect(error?.reason == "no-certificate")
    }

    @Test("more changes than one path has are walked in several paths, and the refusal says how")
    func long() throws {
        let chain = try chain(changes: ValidatorPath.stepsMax + 3)
        let outPoint = try #require(chain.genesis.change.created.first).outPoint
        let error = #expect(throws: RPCError.self) {
            try chain.prover { try OutputProver(reader: $1).proof(of: outPoint) }
        }
        #expect(error?.reason == "path-too-long" && error?.code == -5)
        let tip = try #require(try chain.store.snapshot { try $0.tip() }).height
        let (first, reached, isComplete) = try chain.prover { prover, _ in
            try prover.path(from: chain.anchors[0], to: tip + 1)
        }
        #expect(first.steps.count == ValidatorPath.stepsMax && !isComplete)
        #expect(reached == chain.anchors[ValidatorPath.stepsMax])
        #expect(error?.hint?.contains("leads to height \(reached.from)") == true)
        let proof = try chain.prover {
            try OutputProver(reader: $1).proof(of: outPoint, trusting: reached.from)
        }
        let decoded = try ValidatorPath(decoding: first.encoded)
        let trusted = try decoded.verify(from: chain.anchors[0])
        #expect(try !proof.verify(against: trusted).isSpent)
    }
}
