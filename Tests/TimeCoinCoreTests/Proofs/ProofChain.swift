import Testing

@testable import TimeCoinCore

/// Members whose weights add up as the tests need it.
struct ProofMembers {
    let keys: [SigningKey]
    let set: ValidatorSet

    /// - Parameter first: the byte of the first member's seed; those after it follow.
    init(_ first: Int, count: Int = 4) throws {
        keys = try (first..<first + count).map { number in
            let low = UInt8(truncatingIfNeeded: number)
            let high = UInt8(truncatingIfNeeded: number >> 8)
            return try #require(SigningKey(seed: [high] + [UInt8](repeating: low, count: 31)))
        }
        set = try ValidatorSet(keys.map { Member(operatorKey: $0.publicKey, weight: 1) })
    }
}

/// Final headers and states that stand on no chain.
struct ProofChain {
    let chain = Blake2b.hash256(.block, [9])

    func anchor(_ members: ProofMembers, from: Height = 0) -> TrustAnchor {
        TrustAnchor(chain: chain, validators: members.set.hash, from: from)
    }

    func header(
        at height: Height, of members: ProofMembers, next: ProofMembers? = nil, stateRoot: Hash256 = .zero
    ) -> BlockHeader {
        BlockHeader(
            kind: .payment, height: height, slot: 3, previous: .zero, time: Timestamp(milliseconds: 5000),
            transactionRoot: .zero, witnessRoot: .zero, stateRoot: stateRoot, validators: members.set.hash,
            nextValidators: (next ?? members).set.hash, evidenceRoot: BlockRoots.empty,
            attestationRoot: BlockRoots.empty, proposer: members.keys[0].publicKey)
    }

    /// Signed by all the members, or only the first ones of the set.
    func finality(
        _ header: BlockHeader, by members: ProofMembers, signers: Int? = nil
    ) throws -> FinalityProof {
        let keys = members.keys.sorted { $0.publicKey < $1.publicKey }.prefix(signers ?? .max)
        var bitmap = [UInt8](repeating: 0, count: (members.keys.count + 7) / 8)
        for place in keys.indices { bitmap[place >> 3] |= 1 << UInt8(place & 7) }
        let vote = Vote(type: .precommit, height: header.height, round: 0, value: header.hash)
        let certificate = Certificate(
            kind: .commit, height: header.height, round: 0, value: header.hash, bitmap: bitmap,
            signatures: keys.map { $0.sign(vote.signedBytes(chain: chain)) }, validRounds: [])
        return FinalityProof(header: header, certificate: certificate, validators: members.set)
    }

    /// The step from one set to another.
    func step(at height: Height, from old: ProofMembers, to new: ProofMembers) throws -> FinalityProof {
        try finality(header(at: height, of: old, next: new), by: old)
    }

    /// A state with this commitment, after a block of these members.
    func state(
        _ commitment: OutputCommitment, at height: Height, of members: ProofMembers
    ) throws -> ChainState {
        let registry = try Registry(
            members.keys.map {
                Registry.Entry(operatorKey: $0.publicKey, weight: 1, payout: .keyHash(of: $0.publicKey))
            })
        func state(_ header: BlockHeader) -> ChainState {
            ChainState(
                header: header, headerHash: header.hash, chain: chain,
                genesisTime: Timestamp(milliseconds: 0),
                commitment: commitment, outputCount: 7, registry: registry, accruals: Accruals(),
                supply: Supply(allocated: .zero), seed: chain,
                parameters: .local(slotMilliseconds: 5000, paymentIntervalMilliseconds: 0), recovery: nil)
        }
        let root = state(header(at: height, of: members)).roots.root
        return state(header(at: height, of: members, stateRoot: root))
    }
}

/// Outputs of which some are spent, with everything that a store keeps of their commitment.
final class ProvenOutputs: CommitmentNodes {
    let entries: [OutputEntry]
    let spent: Set<UInt64>
    let commitment: OutputCommitment
    var nodes: [CommitmentNodeKey: Hash256] = [:]
    var chunks: [UInt64: SpentChunk] = [:]

    init(count: UInt64, using generator: inout SeededGenerator) throws {
        let share = UInt64.random(in: 0...10, using: &generator)
        let spent = (0..<count).filter { _ in .random(in: 0..<10, using: &generator) < share }
        entries = try (0..<count).map { position in
            let script = (0..<Int.random(in: 0...40, using: &generator)).map { UInt8($0) }
            return OutputEntry(
                output: TransactionOutput(
                    value: try #require(Amount(units: .random(in: 546...10_000_000, using: &generator))),
                    locking: Script(script)),
                height: .random(in: 0...12, using: &generator), slot: position / 100,
                time: Timestamp(milliseconds: position), kind: position == 0 ? .coinbase : .transfer,
                position: position)
        }
        self.spent = Set(spent)
        let leaves = entries.map { $0.leaf(for: ProvenOutputs.outPoint($0.position)) }
        let update = try OutputCommitment.empty.updated(
            appending: leaves, spending: spent, nodes: NothingKept())
        commitment = update.commitment
        for (key, hash) in update.nodes { nodes[key] = hash }
        for (index, chunk) in update.chunks { chunks[index] = chunk }
    }

    static func outPoint(_ position: UInt64) -> OutPoint {
        OutPoint(
            transaction: Blake2b.hash256(.transactionID, [7]), index: UInt32(truncatingIfNeeded: position))
    }

    func node(_ key: CommitmentNodeKey) throws -> Hash256? { nodes[key] }
    func chunk(_ index: UInt64) throws -> SpentChunk? { chunks[index] }
}

private struct NothingKept: CommitmentNodes {
    func node(_ key: CommitmentNodeKey) throws -> Hash256? { nil }
    func chunk(_ index: UInt64) throws -> SpentChunk? { nil }
}
