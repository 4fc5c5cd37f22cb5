import Testing

@testable import TimeCoinCore

/// Members who sign whatever a test wants.
private struct Signers {
    let keys: [SigningKey]
    let set: ValidatorSet
    let chain = Blake2b.hash256(.block, [9])

    var anchor: TrustAnchor { TrustAnchor(chain: chain, validators: set.hash) }

    init(count: Int) throws {
        keys = try (0..<count).map { number in
            let seed = Blake2b.hash256(.slotSeed, [UInt8(number)]).bytes
            return try #require(SigningKey(seed: seed))
        }
        set = try ValidatorSet(
            keys.enumerated().map { Member(operatorKey: $1.publicKey, weight: UInt64($0 + 1)) })
    }

    func vote(
        _ member: Int, _ type: VoteType, _ round: Round, _ value: UInt8?, validRound: Round? = nil,
        height: Height = 5
    ) -> SignedVote {
        let vote = Vote(
            type: type, height: height, round: round,
            value: value.map { Blake2b.hash256(.block, [$0]) }, validRound: validRound)
        return SignedVote(
            vote: vote, member: keys[member].publicKey,
            signature: keys[member].sign(vote.signedBytes(chain: chain)))
    }

    func proposal(_ member: Int, _ round: Round, _ value: UInt8) -> SignedProposal {
        let proposal = Proposal(
            height: 5, round: round, value: Blake2b.hash256(.block, [value]), validRound: nil)
        return SignedProposal(
            proposal: proposal, proposer: keys[member].publicKey,
            signature: keys[member].sign(proposal.signedBytes(chain: chain)))
    }
}

@Suite("Evidence")
struct EvidenceTests {
    @Test("each kind verifies from its bytes and two hashes, within 4 KiB", arguments: [1, 4, 150])
    func verifies(members: Int) throws {
        let signers = try Signers(count: members)
        let all: [Misbehaviour] = [
            .votes(signers.vote(0, .prevote, 2, 1), signers.vote(0, .prevote, 2, nil)),
            .proposals(signers.proposal(0, 1, 1), signers.proposal(0, 1, 2)),
            .amnesia(
                precommit: signers.vote(0, .precommit, 1, 1),
                prevote: signers.vote(0, .prevote, 3, 2, validRound: 0)),
        ]
        for misbehaviour in all {
            let evidence = try #require(Evidence(misbehaviour, validators: signers.set))
            let bytes = evidence.encoded
            #expect(bytes.count <= Evidence.bytesMax && bytes.first == 1, "version 1 of the form")
            let read = try Evidence(decoding: bytes)
            #expect(read == evidence)
            let member = try read.verify(against: signers.anchor)
            #expect(member == Member(operatorKey: signers.keys[0].publicKey, weight: 1))
        }
    }

    @Test("the same pair has one name, whoever comes first; another round has another")
    func names() throws {
        let signers = try Signers(count: 4)
        let (one, two) = (signers.vote(1, .precommit, 0, 1), signers.vote(1, .precommit, 0, 2))
        let evidence = try #require(Evidence(.votes(one, two), validators: signers.set))
        #expect(Evidence(.votes(two, one), validators: signers.set) == evidence)
        let later = Misbehaviour.votes(
            signers.vote(1, .precommit, 1, 1), signers.vote(1, .precommit, 1, 2))
        #expect(Evidence(later, validators: signers.set)?.name != evidence.name)
        let swapped = Misbehaviour.votes(two, one)
        #expect((evidence.misbehaviour == swapped) != (evidence.misbehaviour == .votes(one, two)))
    }

    @Test("K17: what a correct member may say is no evidence")
    func innocent() throws {
        let signers = try Signers(count: 4)
        let precommit = signers.vote(0, .precommit, 2, 1)
        let innocent: [Misbehaviour] = [
            .votes(precommit, precommit),
            .votes(precommit, signers.vote(0, .prevote, 2, 2)),
            .votes(precommit, signers.vote(0, .precommit, 3, 2)),
            .votes(precommit, signers.vote(0, .precommit, 2, 2, height: 6)),
            .votes(precommit, signers.vote(1, .precommit, 2, 2)),
            // The lock moved with a polka of the same round or of a later one.
            .amnesia(precommit: precommit, prevote: signers.vote(0, .prevote, 4, 2, validRound: 2)),
            .amnesia(precommit: precommit, prevote: signers.vote(0, .prevote, 4, 2, validRound: 3)),
            .amnesia(precommit: precommit, prevote: signers.vote(0, .prevote, 4, 1)),
            .amnesia(precommit: precommit, prevote: signers.vote(0, .prevote, 4, nil)),
            .amnesia(precommit: precommit, prevote: signers.vote(0, .prevote, 1, 2)),
            .amnesia(
                precommit: signers.vote(0, .precommit, 2, nil), prevote: signers.vote(0, .prevote, 4, 2)),
            .amnesia(precommit: precommit, prevote: signers.vote(1, .prevote, 4, 2)),
            .proposals(signers.proposal(0, 1, 1), signers.proposal(0, 2, 2)),
        ]
        for (place, misbehaviour) in innocent.enumerated() {
            #expect(Evidence(misbehaviour, validators: signers.set) == nil, "case \(place)")
        }
    }

    @Test(
        "another chain, other validators, a foreign signature: refused by name"
    )
    func refused() throws {
        let signers = try Signers(count: 4)
        let strangers = try Signers(count: 5)
        let pair = (signers.vote(2, .prevote, 0, 1), signers.vote(2, .prevote, 0, 2))
        let evidence = try #require(Evidence(.votes(pair.0, pair.1), validators: signers.set))
        #expect(throws: EvidenceRejection.signature) {
            try evidence.verify(against: TrustAnchor(chain: .zero, validators: signers.set.hash))
        }
        #expect(throws: EvidenceRejection.notMember) {
            try evidence.verify(against: strangers.anchor)
        }
        let height = evidence.misbehaviour.height
        func anchor(from: Height) -> TrustAnchor {
            TrustAnchor(chain: signers.anchor.chain, validators: signers.set.hash, from: from)
        }
        #expect(try evidence.verify(against: anchor(from: height)).operatorKey == pair.0.member)
        #expect(throws: EvidenceRejection.notMember) {
            try evidence.verify(against: anchor(from: height + 1))
        }
        let forged = SignedVote(vote: pair.1.vote, member: pair.1.member, signature: pair.0.signature)
        let framed = try #require(Evidence(.votes(pair.0, forged), validators: signers.set))
        #expect(throws: EvidenceRejection.signature) { try framed.verify(against: signers.anchor) }
        #expect(throws: EvidenceRejection.unknownVersion(7)) { try Evidence(decoding: [7]) }
    }

    @Test("every changed byte is refused")
    func changed() throws {
        let signers = try Signers(count: 4)
        let evidence = try #require(
            Evidence(
                .votes(signers.vote(3, .precommit, 0, 1), signers.vote(3, .precommit, 0, 2)),
                validators: signers.set))
        let bytes = evidence.encoded
        for place in bytes.indices {
            var changed = bytes
            changed[place] ^= 1
            #expect(throws: EvidenceRejection.self, "byte \(place)") {
                try Evidence(decoding: changed).verify(against: signers.anchor)
            }
        }
        for count in bytes.indices {
            #expect(throws: EvidenceRejection.self, "\(count) bytes") {
                try Evidence(decoding: Array(bytes[..<count]))
            }
        }
    }
}
