import Testing

@testable import TimeCoinCore

/// The parts of a proof, each of which may be replaced.
private struct Parts {
    var outPoint: OutPoint
    var entry: OutputEntry
    var commitment: OutputCommitment
    var outputPath: RangePath
    var chunk: SpentChunk
    var chunkPath: RangePath
    var otherParts: [Hash256]
    var finality: FinalityProof
    var validatorPath: ValidatorPath

    init(_ proof: OutputProof) {
        outPoint = proof.outPoint
        entry = proof.entry
        commitment = proof.commitment
        outputPath = proof.outputPath
        chunk = proof.chunk
        chunkPath = proof.chunkPath
        otherParts = proof.otherParts
        finality = proof.finality
        validatorPath = proof.validatorPath
    }

    var proof: OutputProof {
        OutputProof(
            outPoint: outPoint, entry: entry, commitment: commitment, outputPath: outputPath, chunk: chunk,
            chunkPath: chunkPath, otherParts: otherParts, finality: finality, validatorPath: validatorPath)
    }
}

/// A final state over outputs of which some are spent.
private struct ProofState {
    let chain = ProofChain()
    let members: ProofMembers
    let outputs: ProvenOutputs
    let state: ChainState
    let finality: FinalityProof

    init(count: UInt64, seed: UInt64 = 1) throws {
        var generator = SeededGenerator(seed: seed)
        members = try ProofMembers(1)
        outputs = try ProvenOutputs(count: count, using: &generator)
        state = try chain.state(outputs.commitment, at: 12, of: members)
        finality = try chain.finality(state.header, by: members)
    }

    var anchor: TrustAnchor { chain.anchor(members) }

    func proof(_ position: UInt64, path: ValidatorPath = .empty) throws -> OutputProof {
        try OutputProof(
            of: ProvenOutputs.outPoint(position), outputs.entries[Int(position)], in: state, nodes: outputs,
            finality: finality, validatorPath: path)
    }

    func changed(_ position: UInt64, _ change: (inout Parts) throws -> Void) throws -> OutputProof {
        var parts = Parts(try proof(position))
        try change(&parts)
        return parts.proof
    }

    /// Why a changed proof is refused; `nil` where it is not.
    func refusal(_ position: UInt64, _ change: (inout Parts) throws -> Void) throws -> ProofRejection? {
        let proof = try changed(position, change)
        do throws(ProofRejection) {
            _ = try proof.verify(against: anchor)
            return nil
        } catch {
            return error
        }
    }
}

private let counts: [UInt64] = [
    1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 255, 256, 257, 2047, 2048, 2049, 4095, 4096, 4097, 6145,
]

@Suite("Proofs of outputs")
struct OutputProofTests {
    private let other = Blake2b.hash256(.block, [1])

    @Test("outputs at every kind of place are proven from bytes alone, spent or not", arguments: counts)
    func everyPlace(count: UInt64) throws {
        let world = try ProofState(count: count, seed: count)
        var generator = SeededGenerator(seed: count)
        let random = (0..<8).map { _ in UInt64.random(in: 0..<count, using: &generator) }
        let edges = [0, 1, 2046, 2047, 2048, 2049, 4095, 4096, count - 1, count / 2].filter { $0 < count }
        for position in Set(random + edges) {
            let proof = try world.proof(position)
            let bytes = proof.encoded
            #expect(bytes.count <= OutputProof.bytesMax)
            let decoded = try OutputProof(decoding: bytes)
            #expect(decoded == proof && decoded.encoded == bytes)
            let final = try decoded.verify(against: world.anchor)
            #expect(final.isSpent == world.outputs.spent.contains(position), "position \(position)")
            #expect(final.outPoint == ProvenOutputs.outPoint(position))
            #expect(final.entry == world.outputs.entries[Int(position)])
            #expect(final.height == 12 && final.block.hash == world.state.header.hash)
        }
    }

    @Test("any part replaced is refused by name", arguments: [5, 2049, 4097] as [UInt64])
    func everyPart(count: UInt64) throws {
        let world = try ProofState(count: count, seed: count)
        for position in [0, count / 2, count - 1] {
            try entryRefused(world, position)
            func refused(_ reason: ProofRejection, _ change: (inout Parts) throws -> Void) throws {
                #expect(try world.refusal(position, change) == reason, "position \(position) of \(count)")
            }
            let proof = try world.proof(position)
            for place in proof.outputPath.hashes.indices {
                try refused(.notAmongOutputs) { $0.outputPath = swapped($0.outputPath, place) }
            }
            for place in proof.chunkPath.hashes.indices {
                try refused(.otherSpentOutputs) { $0.chunkPath = swapped($0.chunkPath, place) }
            }
            for bit in [position, position ^ 1, 2047] {
                try refused(.otherSpentOutputs) { $0.chunk = try flipped($0.chunk, bit) }
            }
            let (leaves, range, spent) = (count, proof.commitment.rangeRoot, proof.commitment.spentRoot)
            try refused(.notAmongOutputs) {
                $0.commitment = OutputCommitment(leafCount: leaves, rangeRoot: other, spentRoot: spent)
            }
            try refused(.otherSpentOutputs) {
                $0.commitment = OutputCommitment(leafCount: leaves, rangeRoot: range, spentRoot: other)
            }
            for number in [leaves - 1, leaves + 1, leaves * 2, 0, .max] {
                try refused(.notAmongOutputs) {
                    $0.commitment = OutputCommitment(leafCount: number, rangeRoot: range, spentRoot: spent)
                }
            }
            for place in 0..<OutputProof.otherPartCount {
                try refused(.otherState) { $0.otherParts[place] = other }
            }
            try refused(.otherState) { $0.otherParts.swapAt(0, 1) }
            try refused(.otherState) { $0.otherParts.removeLast() }
            let foreign = world.chain.header(at: 12, of: world.members, stateRoot: other)
            try refused(.certificateOfAnother) {
                $0.finality = FinalityProof(
                    header: foreign, certificate: $0.finality.certificate, validators: world.members.set)
            }
            // Final as well, but of another state.
            try refused(.otherState) { $0.finality = try world.chain.finality(foreign, by: world.members) }
        }
    }

    private func entryRefused(_ world: ProofState, _ position: UInt64) throws {
        func refused(_ change: (OutputEntry) -> OutputEntry) throws {
            let reason = try world.refusal(position) { $0.entry = change($0.entry) }
            #expect(reason == .notAmongOutputs, "position \(position)")
        }
        let more = try #require(Amount(units: 9_999_999_999))
        try refused {
            $0.with(output: TransactionOutput(value: more, locking: $0.output.locking))
        }
        try refused {
            $0.with(
                output: TransactionOutput(
                    value: $0.output.value, locking: Script($0.output.locking.bytes + [0])))
        }
        try refused { $0.with(height: $0.height + 1) }
        try refused { $0.with(slot: $0.slot + 1) }
        try refused { $0.with(time: Timestamp(milliseconds: $0.time.milliseconds + 1)) }
        try refused { $0.with(kind: $0.kind == .coinbase ? .transfer : .coinbase) }
        let last = world.state.commitment.leafCount - 1
        for place in Set([0, 1, last / 2, last, last + 1, .max, position ^ 1]).subtracting([position]) {
            try refused { $0.with(position: place) }
        }
        for name in [
            OutPoint(transaction: other, index: UInt32(position)), ProvenOutputs.outPoint(position + 1),
        ] {
            #expect(try world.refusal(position) { $0.outPoint = name } == .notAmongOutputs)
        }
    }

    private func swapped(_ path: RangePath, _ place: Int) -> RangePath {
        var hashes = path.hashes
        hashes[place] = other
        return RangePath(hashes)
    }

    private func flipped(_ chunk: SpentChunk, _ position: UInt64) throws -> SpentChunk {
        var bytes = chunk.bytes
        bytes[Int(position % 2048) / 8] ^= 1 << UInt8(position % 8)
        return try #require(SpentChunk(bytes))
    }

    @Test("a path is of one length, and that of one place is of no other")
    func otherPlaces() throws {
        let world = try ProofState(count: 21, seed: 3)
        for position in 0..<21 as Range<UInt64> {
            let path = try world.proof(position).outputPath
            for hashes in [path.hashes + [other], Array(path.hashes.dropLast())] {
                let reason = try world.refusal(position) { $0.outputPath = RangePath(hashes) }
                #expect(reason == .notAmongOutputs)
                let spent = try world.refusal(position) { $0.chunkPath = RangePath([other]) }
                #expect(spent == .otherSpentOutputs)
            }
            for stranger in 0..<21 as Range<UInt64> where stranger != position {
                let reason = try world.refusal(stranger) { $0.outputPath = path }
                #expect(reason == .notAmongOutputs, "\(position) for \(stranger)")
            }
        }
    }

    @Test("the chunk of another place says nothing of this one")
    func otherChunk() throws {
        let world = try ProofState(count: 4096 + 5, seed: 4)
        let stranger = try world.proof(2048)
        for position in [0, 4096] as [UInt64] {
            let reason = try world.refusal(position) {
                $0.chunk = stranger.chunk
                $0.chunkPath = stranger.chunkPath
            }
            #expect(reason == .otherSpentOutputs)
        }
    }

    @Test("every changed byte refuses a proof, and so does every cut")
    func everyByte() throws {
        let world = try ProofState(count: 2051, seed: 5)
        let next = try ProofMembers(60)
        let path = try #require(ValidatorPath([try world.chain.step(at: 3, from: next, to: world.members)]))
        let bytes = try world.proof(2049, path: path).encoded
        let anchor = world.chain.anchor(next)
        #expect(try OutputProof(decoding: bytes).verify(against: anchor).entry.position == 2049)
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1 << UInt8(index % 8)
            #expect(throws: ProofRejection.self, "byte \(index)") {
                try OutputProof(decoding: changed).verify(against: anchor)
            }
            #expect(throws: ProofRejection.self, "cut at \(index)") {
                try OutputProof(decoding: Array(bytes[..<index]))
            }
        }
        #expect(throws: ProofRejection.self) { try OutputProof(decoding: bytes + [0]) }
        #expect(throws: ProofRejection.unknownVersion(2)) { try OutputProof(decoding: [2]) }
    }

    @Test("a position beyond the leaves cannot be read")
    func beyond() throws {
        let world = try ProofState(count: 9)
        let proof = try world.changed(3) { $0.entry = $0.entry.with(position: 9) }
        #expect(throws: ProofRejection.malformed(DecodingFailure(reason: .valueOutOfRange, offset: 188))) {
            try OutputProof(decoding: proof.encoded)
        }
    }

    @Test("what was pruned, never created, or is of another state gives no proof")
    func building() throws {
        let world = try ProofState(count: 2050)
        let entry = world.outputs.entries[3]
        func build(_ entry: OutputEntry, _ outPoint: OutPoint, finality: FinalityProof? = nil) throws {
            _ = try OutputProof(
                of: outPoint, entry, in: world.state, nodes: world.outputs,
                finality: finality ?? world.finality)
        }
        let name = ProvenOutputs.outPoint(3)
        try build(entry, name)
        #expect(throws: CommitmentFailure.unknownPosition(2050)) {
            try build(entry.with(position: 2050), name)
        }
        #expect(throws: CommitmentFailure.otherState) {
            try build(entry, OutPoint(transaction: other, index: 0))
        }
        let foreign = world.chain.header(at: 12, of: world.members, stateRoot: other)
        #expect(throws: CommitmentFailure.otherState) {
            try build(entry, name, finality: try world.chain.finality(foreign, by: world.members))
        }
        for key in [
            CommitmentNodeKey(tree: .outputs, level: 1, index: 0),
            CommitmentNodeKey(tree: .outputs, level: 1, index: 1024),
            CommitmentNodeKey(tree: .spent, level: 0, index: 1),
        ] {
            let hash = world.outputs.nodes.removeValue(forKey: key)
            #expect(hash != nil)
            #expect(throws: CommitmentFailure.missingNode(key)) { try build(entry, name) }
            world.outputs.nodes[key] = other
            #expect(throws: CommitmentFailure.otherState) { try build(entry, name) }
            world.outputs.nodes[key] = hash
        }
        try build(entry, name)
    }

    @Test("a path reaches from any place of any range, and has at most 126 hashes")
    func hugeRanges() throws {
        var generator = SeededGenerator(seed: 6)
        let leaf = other
        for _ in 0..<200 {
            let count = UInt64.random(in: 1...(.max), using: &generator)
                >> UInt64.random(in: 0..<60, using: &generator)
            guard count > 0 else { continue }
            let index = UInt64.random(in: 0..<count, using: &generator)
            let path = try RangePath(of: index, count: count, in: .outputs, AnyNodes())
            let root = path.root(of: leaf, at: index, count: count)
            #expect(root != nil, "\(index) of \(count)")
            #expect(path.hashes.count <= RangePath.hashesMax)
            for stranger in [index ^ 1, index / 2, count - 1 - index] where stranger != index {
                #expect(path.root(of: leaf, at: stranger, count: count) != root, "\(index) of \(count)")
            }
        }
        let path = try RangePath(of: 0, count: .max, in: .outputs, AnyNodes())
        #expect(path.hashes.count == RangePath.hashesMax)
        #expect(RangePath.hashCount(of: .max, count: .max) == nil)
        #expect(path.root(of: leaf, at: .max, count: .max) == nil)
    }

    @Test("ten million outputs: a proof is of 2,814 bytes with 3 signatures, 14,944 with 101 of 150")
    func sizes() throws {
        let chain = ProofChain()
        let locking = Script.keyHash(of: try ProofMembers(1).keys[0].publicKey)
        let entry = try ProofState(count: 1).outputs.entries[0]
            .with(output: TransactionOutput(value: .zero, locking: locking), position: 5_000_000)
        let outPoint = ProvenOutputs.outPoint(0)
        for (count, signers, size) in [(4, 3, 2814), (150, 101, 14944)] {
            let members = try ProofMembers(1, count: count)
            let leaves: UInt64 = 10_000_000
            let range = try RangePath(of: entry.position, count: leaves, in: .outputs, AnyNodes())
            let spent = try RangePath(of: entry.position / 2048, count: 4883, in: .spent, AnyNodes())
            let commitment = OutputCommitment(
                leafCount: leaves,
                rangeRoot: try #require(
                    range.root(of: entry.leaf(for: outPoint), at: entry.position, count: leaves)),
                spentRoot: try #require(
                    spent.root(of: SpentChunk.empty.hash, at: entry.position / 2048, count: 4883)))
            let state = try chain.state(commitment, at: 12, of: members)
            let proof = try OutputProof(
                of: outPoint, entry, in: state, nodes: AnyNodes(),
                finality: try chain.finality(state.header, by: members, signers: signers))
            #expect(try proof.verify(against: chain.anchor(members)).isSpent == false)
            #expect(proof.encoded.count == size)
        }
    }
}

/// Keeps a node everywhere, as if there were that many leaves.
private struct AnyNodes: CommitmentNodes {
    func node(_ key: CommitmentNodeKey) throws -> Hash256? { Blake2b.hash256(.rangeNode, key.bytes) }
    func chunk(_ index: UInt64) throws -> SpentChunk? { nil }
}

extension OutputEntry {
    fileprivate func with(
        output: TransactionOutput? = nil, height: Height? = nil, slot: Slot? = nil, time: Timestamp? = nil,
        kind: TransactionKind? = nil, position: UInt64? = nil
    ) -> OutputEntry {
        OutputEntry(
            output: output ?? self.output, height: height ?? self.height, slot: slot ?? self.slot,
            time: time ?? self.time, kind: kind ?? self.kind, position: position ?? self.position)
    }
}
