import Testing

@testable import TimeCoinCore

@Suite("Certificates and thresholds")
struct CertificateTests {
    private let chain = Blake2b.hash256(.block, [9])
    private let value = Blake2b.hash256(.block, [1])

    private func keys(_ count: Int) throws -> [SigningKey] {
        try (0..<count).map { try #require(SigningKey(seed: [UInt8](repeating: UInt8($0 + 1), count: 32))) }
    }

    private func set(_ keys: [SigningKey]) throws -> ValidatorSet {
        try ValidatorSet(keys.map { Member(operatorKey: $0.publicKey, weight: 1) })
    }

    private func votes(_ keys: [SigningKey], _ set: ValidatorSet) -> [VerifiedVote] {
        keys.compactMap { key in
            let vote = Vote(type: .precommit, height: 3, round: 1, value: value)
            return VerifiedVote(
                SignedVote(
                    vote: vote, member: key.publicKey, signature: key.sign(vote.signedBytes(chain: chain))),
                validators: set, chain: chain)
        }
    }

    @Test(
        "K1: thresholds are exact",
        arguments: [(2, 3, false), (3, 3, true), (6, 10, false), (7, 10, true), (0, 0, false)]
            as [(UInt64, UInt64, Bool)])
    func quorum(weight: UInt64, total: UInt64, met: Bool) {
        #expect(ValidatorSet.isQuorum(weight, of: total) == met)
    }

    @Test("K1: a third is exact, and the largest numbers do not wrap")
    func third() {
        #expect(!ValidatorSet.isThird(3, of: 10))
        #expect(ValidatorSet.isThird(4, of: 10))
        #expect(ValidatorSet.isQuorum(.max, of: .max))
        #expect(!ValidatorSet.isQuorum(.max / 2, of: .max))
        #expect(throws: ValidatorSetFailure.totalWeight) {
            try ValidatorSet([
                Member(operatorKey: try keys(1)[0].publicKey, weight: .max)
            ])
        }
    }

    @Test("K7: every changed byte of a certificate refuses it, or it is the same certificate")
    func everyByte() throws {
        let keys = try keys(4)
        let set = try set(keys)
        let certificate = try #require(
            Certificate(.commit, of: votes(Array(keys.prefix(3)), set), validators: set))
        _ = try VerifiedCertificate(certificate, validators: set, chain: chain)
        let bytes = certificate.encoded
        for index in bytes.indices {
            for bit in [0, 3, 7] as [UInt8] {
                var changed = bytes
                changed[index] ^= 1 << bit
                guard let other = try? Certificate(decoding: changed) else { continue }
                #expect(throws: CertificateRejection.self, "byte \(index)") {
                    try VerifiedCertificate(other, validators: set, chain: chain)
                }
            }
        }
    }

    @Test("K1: a certificate is weighed: of two thirds exactly, or of many who weigh little, it is refused")
    func tooLittleWeight() throws {
        let keys = try keys(4)
        for (weights, signers, isEnough) in [
            ([1, 1, 1, 1], [0, 1], false), ([1, 1, 1, 1], [0, 1, 2], true), ([2, 2, 1, 1], [0, 1], false),
            ([2, 2, 1, 1], [0, 1, 3], true), ([1, 1, 1, 4], [0, 1, 2], false), ([1, 1, 1, 9], [3], true),
            ([1, 1, 1, 1], [], false),
        ] as [([UInt64], [Int], Bool)] {
            let set = try ValidatorSet(
                zip(keys, weights).map { Member(operatorKey: $0.publicKey, weight: $1) })
            let signed = votes(signers.map { keys[$0] }, set).sorted { $0.index < $1.index }
            var bitmap: UInt8 = 0
            for vote in signed { bitmap |= 1 << UInt8(vote.index) }
            let certificate = Certificate(
                kind: .commit, height: 3, round: 1, value: value, bitmap: [bitmap],
                signatures: signed.map(\.signed.signature), validRounds: [])
            #expect((Certificate(.commit, of: signed, validators: set) != nil) == isEnough)
            if isEnough {
                _ = try VerifiedCertificate(certificate, validators: set, chain: chain)
            } else {
                #expect(throws: CertificateRejection.tooLittleWeight, "\(signers) of \(weights)") {
                    try VerifiedCertificate(certificate, validators: set, chain: chain)
                }
            }
        }
    }

    @Test("too few votes make no certificate, and another chain refuses one")
    func refuses() throws {
        let keys = try keys(4)
        let set = try set(keys)
        #expect(Certificate(.commit, of: votes(Array(keys.prefix(2)), set), validators: set) == nil)
        let certificate = try #require(
            Certificate(.commit, of: votes(Array(keys.prefix(3)), set), validators: set))
        #expect(throws: CertificateRejection.badSignature) {
            try VerifiedCertificate(certificate, validators: set, chain: value)
        }
    }

    @Test(
        "K16: any change of a member changes the hash; the proposer is by weight and changes with the round")
    func proposers() throws {
        let keys = try keys(4)
        let members = keys.enumerated().map { Member(operatorKey: $1.publicKey, weight: UInt64($0 + 1)) }
        let set = try ValidatorSet(members)
        for index in members.indices {
            var changed = members
            changed[index] = Member(operatorKey: members[index].operatorKey, weight: 99)
            #expect(try ValidatorSet(changed).hash != set.hash)
        }
        var counts: [PublicKey: Int] = [:]
        for height in 0..<4000 as Range<UInt64> {
            let order = (0..<4 as Range<UInt32>).map {
                set.proposer(height: height, round: $0, seed: value).operatorKey
            }
            #expect(Set(order).count == 4)
            counts[order[0], default: 0] += 1
        }
        for (index, member) in members.enumerated() {
            let expected = 4000 * (index + 1) / 10
            #expect(abs((counts[member.operatorKey] ?? 0) - expected) < 150, "by weight")
        }
    }

    @Test("in large sets the heavy propose again soon, and nobody twice in a row", arguments: [8, 20, 150])
    func turns(count: Int) throws {
        let heavy = 5
        let members = try keys(count).enumerated().map {
            Member(operatorKey: $1.publicKey, weight: $0 < heavy ? 100 : 1)
        }
        let set = try ValidatorSet(members)
        let places = (0..<heavy).compactMap { set.index(of: members[$0].operatorKey) }
        for height in 0..<20 as Range<UInt64> {
            let order = set.proposers(height: height, seed: value)
            #expect(order.count == ValidatorSet.turnRounds * Int(ValidatorSet.turns))
            for round in 0..<order.count + 3 {
                let place = order[round % order.count]
                #expect(place != order[(round + 1) % order.count], "height \(height), round \(round)")
                let proposer = set.proposer(height: height, round: Round(round), seed: value)
                #expect(proposer == set.members[place])
            }
            for turn in 0..<order.count / ValidatorSet.turnRounds {
                let start = turn * ValidatorSet.turnRounds
                let turn = Set(order[start..<start + ValidatorSet.turnRounds])
                #expect(turn.count == ValidatorSet.turnRounds)
                #expect(turn.intersection(places).count >= 2)
            }
        }
    }
}
