import Testing

@testable import TimeCoinCore

/// Members who sign whatever a test wants.
struct ForkSigners {
    let keys: [SigningKey]
    let set: ValidatorSet
    let chain = Blake2b.hash256(.block, [9])

    var anchor: TrustAnchor { TrustAnchor(chain: chain, validators: set.hash) }

    /// One member a weight; numbers are places in the set.
    init(weights: [UInt64]) throws {
        let made = try weights.indices.map { number in
            try #require(SigningKey(seed: Blake2b.hash256(.slotSeed, [UInt8(number)]).bytes))
        }
        keys = made.sorted { $0.publicKey < $1.publicKey }
        set = try ValidatorSet(
            zip(keys, weights).map { Member(operatorKey: $0.publicKey, weight: $1) })
    }

    func value(_ byte: UInt8) -> Hash256 { Blake2b.hash256(.block, [byte]) }

    /// A certificate of these members; each of `named` names that valid round.
    func certificate(
        _ kind: CertificateKind, _ round: Round, _ value: UInt8, by members: [Int], named: [Int: Round] = [:],
        height: Height = 5
    ) throws -> VerifiedCertificate {
        let votes = try members.map { member in
            let vote = Vote(
                type: kind == .commit ? .precommit : .prevote, height: height, round: round,
                value: self.value(value), validRound: named[member])
            let signed = SignedVote(
                vote: vote, member: keys[member].publicKey,
                signature: keys[member].sign(vote.signedBytes(chain: chain)))
            return try #require(VerifiedVote(signed, validators: set, chain: chain))
        }
        return try #require(VerifiedCertificate(kind, of: votes, validators: set))
    }

    /// The proof of a fork, verified from its bytes.
    func proven(
        _ one: VerifiedCertificate, _ other: VerifiedCertificate, _ polkas: [VerifiedCertificate] = []
    ) throws -> ProvenFork {
        let proof = try #require(ForkProof(one, other, polkas: polkas, validators: set))
        let read = try ForkProof(decoding: proof.encoded)
        #expect(read == proof)
        return try read.verify(against: anchor)
    }

    func blamed(_ fork: ProvenFork) -> [Int] {
        fork.blamed.compactMap { set.index(of: $0.misbehaviour.member) }
    }
}

@Suite("Forks")
struct ForkTests {
    let four: ForkSigners

    init() throws { four = try ForkSigners(weights: [1, 1, 1, 1]) }

    @Test("two commits in one round blame exactly the members in both")
    func oneRound() throws {
        let fork = try four.proven(
            four.certificate(.commit, 2, 1, by: [0, 1, 2]), four.certificate(.commit, 2, 2, by: [1, 2, 3]))
        #expect(four.blamed(fork) == [1, 2])
        #expect(fork.isComplete && fork.wanted.isEmpty && fork.weight == 2)
        #expect(fork.blamed.allSatisfy { $0.misbehaviour.kind == "two-votes" })
        for evidence in fork.blamed {
            let member = try Evidence(decoding: evidence.encoded).verify(against: four.anchor)
            #expect(member.weight == 1)
        }
        #expect(
            fork.remaining?.members.map(\.operatorKey) == [four.keys[0].publicKey, four.keys[3].publicKey])
    }

    @Test("commits of two rounds alone blame nobody, and say which polka is wanted")
    func certificatesAlone() throws {
        let fork = try four.proven(
            four.certificate(.commit, 4, 2, by: [1, 2, 3]), four.certificate(.commit, 1, 1, by: [0, 1, 2]))
        #expect(fork.proof.first.round == 1)
        #expect(fork.blamed.isEmpty && !fork.isComplete)
        #expect(fork.wanted == [WantedPolka(round: 4, value: four.value(2))])
    }

    @Test("the first polka for another value blames who precommitted before and names no polka since")
    func amnesia() throws {
        let commits = (
            try four.certificate(.commit, 1, 1, by: [0, 1, 2]),
            try four.certificate(.commit, 4, 2, by: [1, 2, 3])
        )
        let polka = try four.certificate(.polka, 3, 2, by: [1, 2, 3], named: [2: 0])
        let later = try four.certificate(.polka, 4, 2, by: [1, 2, 3], named: [1: 3, 2: 3, 3: 3])
        let fork = try four.proven(commits.0, commits.1, [later, polka])
        #expect(four.blamed(fork) == [1, 2])
        #expect(fork.blamed.allSatisfy { $0.misbehaviour.kind == "amnesia" })
        #expect(fork.proof.polkas == [polka.certificate])
        // Who moved its lock with the earlier polka is not to blame: the later one alone proves nothing.
        let alone = try four.proven(commits.0, commits.1, [later])
        #expect(alone.blamed.isEmpty)
        #expect(alone.wanted == [WantedPolka(round: 3, value: four.value(2))])
    }

    @Test(
        "a polka that names the round of the certificate is looked at beside that of the certificate's value")
    func twoPolkasInOneRound() throws {
        let commits = (
            try four.certificate(.commit, 1, 1, by: [0, 1, 2]),
            try four.certificate(.commit, 2, 2, by: [1, 2, 3])
        )
        let moved = try four.certificate(.polka, 2, 2, by: [1, 2, 3], named: [1: 1, 2: 1, 3: 1])
        let ask = try four.proven(commits.0, commits.1, [moved])
        #expect(ask.blamed.isEmpty)
        #expect(
            ask.wanted
                == [WantedPolka(round: 1, value: four.value(1)), WantedPolka(round: 1, value: four.value(2))]
                .sorted())
        let both = try [
            four.certificate(.polka, 1, 1, by: [0, 2, 3]), four.certificate(.polka, 1, 2, by: [1, 2, 3]),
        ]
        let fork = try four.proven(commits.0, commits.1, [moved] + both)
        #expect(four.blamed(fork) == [2, 3])
        #expect(fork.isComplete && fork.wanted.isEmpty)
    }

    @Test("a made-up valid round is asked for, and blames nobody")
    func madeUp() throws {
        let fork = try four.proven(
            four.certificate(.commit, 0, 1, by: [0, 1, 2]), four.certificate(.commit, 3, 2, by: [1, 2, 3]),
            [four.certificate(.polka, 3, 2, by: [1, 2, 3], named: [1: 1, 2: 2])])
        #expect(fork.blamed.isEmpty)
        #expect(
            fork.wanted == [
                WantedPolka(round: 1, value: four.value(2)), WantedPolka(round: 2, value: four.value(2)),
            ])
    }

    @Test("the same facts in any order give the same proof; polkas that blame nobody are left out")
    func canonical() throws {
        let one = try four.certificate(.commit, 1, 1, by: [0, 1, 2])
        let other = try four.certificate(.commit, 2, 2, by: [1, 2, 3])
        let polkas = try [
            four.certificate(.polka, 2, 2, by: [1, 2, 3]), four.certificate(.polka, 1, 1, by: [0, 1, 2]),
            four.certificate(.polka, 0, 2, by: [0, 1, 2]), four.certificate(.polka, 9, 1, by: [0, 1, 2]),
        ]
        let proof = ForkProof(one, other, polkas: polkas, validators: four.set)
        #expect(proof == ForkProof(other, one, polkas: polkas.reversed(), validators: four.set))
        #expect(proof?.polkas.count == 1)
    }

    @Test("what is no fork, out of order, of another set or chain, or has one wrong byte, is refused whole")
    func refused() throws {
        let one = try four.certificate(.commit, 1, 1, by: [0, 1, 2])
        let other = try four.certificate(.commit, 2, 2, by: [1, 2, 3])
        let polka = try four.certificate(.polka, 2, 2, by: [1, 2, 3])
        #expect(ForkProof(one, one, polkas: [], validators: four.set) == nil)
        #expect(ForkProof(one, polka, polkas: [], validators: four.set) == nil)
        let elsewhere = try four.certificate(.commit, 2, 2, by: [1, 2, 3], height: 6)
        #expect(ForkProof(one, elsewhere, polkas: [], validators: four.set) == nil)
        let proof = try #require(ForkProof(one, other, polkas: [polka], validators: four.set))
        #expect(throws: ForkProofRejection.otherValidators) {
            try proof.verify(against: TrustAnchor(chain: four.chain, validators: .zero))
        }
        #expect(throws: ForkProofRejection.certificate(.badSignature)) {
            try proof.verify(against: TrustAnchor(chain: .zero, validators: four.set.hash))
        }
        func anchor(from: Height) -> TrustAnchor {
            TrustAnchor(chain: four.chain, validators: four.set.hash, from: from)
        }
        #expect(try proof.verify(against: anchor(from: proof.height)).anchor.from == proof.height)
        #expect(throws: ForkProofRejection.otherValidators) {
            try proof.verify(against: anchor(from: proof.height + 1))
        }
        let bytes = proof.encoded
        #expect(bytes.count <= ForkProof.bytesMax)
        for place in bytes.indices {
            var flipped = bytes
            flipped[place] ^= 1
            let verified = try? ForkProof(decoding: flipped).verify(against: four.anchor)
            #expect(verified == nil, "byte \(place)")
        }
        for count in bytes.indices {
            #expect(throws: ForkProofRejection.self) { try ForkProof(decoding: Array(bytes.prefix(count))) }
        }
    }

    @Test("150 members who all forked fit into the limits")
    func largest() throws {
        let all = try ForkSigners(weights: [UInt64](repeating: 1, count: 150))
        let fork = try all.proven(
            all.certificate(.commit, 1, 1, by: Array(0..<150)),
            all.certificate(.commit, 3, 2, by: Array(0..<150)),
            [all.certificate(.polka, 2, 2, by: Array(0..<150), named: [3: 0])])
        #expect(fork.blamed.count == 150 && fork.remaining == nil)
        #expect(fork.proof.encoded.count <= ForkProof.bytesMax)
    }
}
