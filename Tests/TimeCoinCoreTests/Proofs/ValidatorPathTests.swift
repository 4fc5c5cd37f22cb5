import Testing

@testable import TimeCoinCore

@Suite("Paths over changes of the validator set")
struct ValidatorPathTests {
    private let chain = ProofChain()
    private let sets: [ProofMembers]

    init() throws {
        sets = try [1, 11, 21].map { try ProofMembers($0) }
    }

    private func path(_ steps: [FinalityProof]) throws -> ValidatorPath { try #require(ValidatorPath(steps)) }

    /// From the first set over the second to the third.
    private func whole() throws -> [FinalityProof] {
        [
            try chain.step(at: 10, from: sets[0], to: sets[1]),
            try chain.step(at: 20, from: sets[1], to: sets[2]),
        ]
    }

    private func refused(
        _ reason: ProofRejection, _ steps: [FinalityProof], from anchor: TrustAnchor? = nil,
        _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(throws: reason, sourceLocation: location) {
            try path(steps).verify(from: anchor ?? chain.anchor(sets[0]))
        }
    }

    @Test("changes one after the other lead from the trusted set to the last, from bytes alone")
    func leads() throws {
        let bytes = try path(try whole()).encoded
        let decoded = try ValidatorPath(decoding: bytes)
        #expect(decoded == (try path(try whole())) && decoded.encoded == bytes)
        let reached = try decoded.verify(from: chain.anchor(sets[0]))
        #expect(reached == chain.anchor(sets[2], from: 21))
        #expect(try path([]).verify(from: reached) == reached)
        let later = try chain.finality(chain.header(at: 21, of: sets[2]), by: sets[2])
        #expect(try later.verify(against: reached).header.height == 21)
        #expect(throws: ProofRejection.otherValidators) { try later.verify(against: chain.anchor(sets[0])) }
    }

    @Test("a set that is no longer the present one shows nothing of later heights, nor one of earlier")
    func heights() throws {
        let reached = try path(try whole()).verify(from: chain.anchor(sets[0]))
        let former = try chain.finality(chain.header(at: 30, of: sets[0]), by: sets[0])
        #expect(throws: ProofRejection.otherValidators) { try former.verify(against: reached) }
        let early = try chain.finality(chain.header(at: 20, of: sets[2]), by: sets[2])
        #expect(throws: ProofRejection.beforeAnchor) { try early.verify(against: reached) }
        // A set that comes back is trusted from there on.
        let back = try chain.step(at: 20, from: sets[1], to: sets[0])
        let again = try path([try whole()[0], back]).verify(from: chain.anchor(sets[0]))
        #expect(again == chain.anchor(sets[0], from: 21))
        let old = try chain.finality(chain.header(at: 9, of: sets[0]), by: sets[0])
        #expect(throws: ProofRejection.beforeAnchor) { try old.verify(against: again) }
    }

    @Test("a step left out, turned around, repeated, below the one before, without a change: refused by name")
    func refusals() throws {
        let steps = try whole()
        refused(.otherValidators, [steps[1]])
        refused(.otherValidators, [steps[1], steps[0]])
        refused(.otherValidators, [steps[0], steps[0]])
        for height in [9, 10] as [Height] {
            refused(.beforeAnchor, [steps[0], try chain.step(at: height, from: sets[1], to: sets[2])])
        }
        refused(.beforeAnchor, [try chain.step(at: .max, from: sets[0], to: sets[1])])
        refused(.beforeAnchor, steps, from: chain.anchor(sets[0], from: 11))
        refused(.noSetChange, [try chain.finality(chain.header(at: 5, of: sets[0]), by: sets[0])])
        let foreign = TrustAnchor(chain: .zero, validators: sets[0].set.hash)
        refused(.certificate(.badSignature), steps, from: foreign)
        let unsigned = FinalityProof(
            header: chain.header(at: 10, of: sets[0], next: sets[2]), certificate: steps[0].certificate,
            validators: sets[0].set)
        refused(.certificateOfAnother, [unsigned])
        // Signed by the trusted set, but of a height that another one decides.
        let usurped = chain.header(at: 10, of: sets[1], next: sets[2])
        refused(.otherValidators, [try chain.finality(usurped, by: sets[0])])
        let few = try chain.finality(steps[0].header, by: sets[0], signers: 2)
        refused(.certificate(.tooLittleWeight), [few])
        // Members who name themselves as the next set.
        let thieves = try chain.step(at: 10, from: sets[1], to: sets[2])
        let claimed = FinalityProof(
            header: steps[0].header, certificate: thieves.certificate, validators: sets[1].set)
        refused(.otherValidators, [claimed])
    }

    @Test("a proof of an output carries its path, and verifies from the first set as from the last")
    func outputs() throws {
        var generator = SeededGenerator(seed: 7)
        let outputs = try ProvenOutputs(count: 40, using: &generator)
        let state = try chain.state(outputs.commitment, at: 25, of: sets[2])
        let finality = try chain.finality(state.header, by: sets[2])
        func proof(_ path: ValidatorPath) throws -> OutputProof {
            try OutputProof(
                of: ProvenOutputs.outPoint(17), outputs.entries[17], in: state, nodes: outputs,
                finality: finality, validatorPath: path)
        }
        let far = try OutputProof(decoding: try proof(try path(try whole())).encoded)
        let near = try proof(.empty)
        let isSpent = outputs.spent.contains(17)
        #expect(try far.verify(against: chain.anchor(sets[0])).isSpent == isSpent)
        #expect(try near.verify(against: chain.anchor(sets[2])).isSpent == isSpent)
        let reached = try far.validatorPath.verify(from: chain.anchor(sets[0]))
        #expect(try near.verify(against: reached).isSpent == isSpent)
        #expect(throws: ProofRejection.otherValidators) { try near.verify(against: chain.anchor(sets[0])) }
        #expect(throws: ProofRejection.otherValidators) { try far.verify(against: chain.anchor(sets[2])) }
        #expect(throws: ProofRejection.beforeAnchor) {
            try near.verify(against: chain.anchor(sets[2], from: 26))
        }
    }

    @Test("a path has at most 64 steps")
    func limit() throws {
        let step = try whole()[0]
        let most = [FinalityProof](repeating: step, count: ValidatorPath.stepsMax)
        #expect(ValidatorPath(most + [step]) == nil)
        let bytes = try path(most).encoded
        #expect(bytes.count <= ValidatorPath.bytesMax)
        #expect(try ValidatorPath(decoding: bytes).steps == most)
        var more = bytes + step.encoded
        more[1] += 1
        #expect(throws: ProofRejection.malformed(DecodingFailure(reason: .lengthLimit, offset: 1))) {
            try ValidatorPath(decoding: more)
        }
        for count in 0..<bytes.count where count < 900 {
            #expect(throws: ProofRejection.self) { try ValidatorPath(decoding: Array(bytes[..<count])) }
        }
    }
}
