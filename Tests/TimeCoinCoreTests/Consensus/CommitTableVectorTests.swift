import TestVectors
import Testing

@testable import TimeCoinCore

@Suite("A published table of commit checks")
struct CommitTableVectorTests {
    private struct Row: Decodable {
        let description: String
        let validators: Int
        let powerEach: UInt64
        let absent: Int
        let blockVotes: Int
        let nilVotes: Int
        let heightOffset: Int
        let voteBlockIdOk: Bool
        let voteChainIdOk: Bool
        let mustFail: Bool

        /// Places of the commit, one a voter.
        var places: Int { absent + blockVotes + nilVotes }

        /// A packed certificate has a bit a member, in bytes, and no list of those who are absent. Votes for
        /// fewer places than members are the same certificate as one in which the rest is absent.
        var hasIndistinctSize: Bool {
            places < validators && (places + 7) / 8 == (validators + 7) / 8
        }
    }

    private static let height: Height = 3
    private static let round: Round = 1
    private static let chain = Blake2b.hash256(.block, [1])
    private static let otherChain = Blake2b.hash256(.block, [2])
    private static let value = Blake2b.hash256(.proposal, [1])
    private static let otherValue = Blake2b.hash256(.proposal, [2])

    /// The set of a row and its keys in the order of the set.
    private func world(_ row: Row) throws -> (set: ValidatorSet, keys: [SigningKey]) {
        let keys = try (0..<row.validators).map { try signingKey(UInt8($0 + 1)) }
            .sorted { $0.publicKey < $1.publicKey }
        let members = keys.map { Member(operatorKey: $0.publicKey, weight: row.powerEach) }
        return (try ValidatorSet(members), keys)
    }

    /// The vote at a place as the row wants it signed; `nil` for one who is absent.
    private func vote(_ place: Int, _ row: Row, _ keys: [SigningKey]) -> SignedVote? {
        guard place >= row.absent else { return nil }
        let isForBlock = place < row.absent + row.blockVotes
        let vote = Vote(
            type: .precommit, height: Height(Int(Self.height) + row.heightOffset), round: Self.round,
            value: isForBlock ? (row.voteBlockIdOk ? Self.value : Self.otherValue) : nil)
        let chain = row.voteChainIdOk ? Self.chain : Self.otherChain
        let key = keys[place % keys.count]
        return SignedVote(
            vote: vote, member: key.publicKey, signature: key.sign(vote.signedBytes(chain: chain)))
    }

    /// The certificate that claims these places for the value at the height, whatever was signed.
    private func certificate(_ row: Row, _ keys: [SigningKey], claimingNilVotes: Bool) -> Certificate {
        var bitmap = [UInt8](repeating: 0, count: (row.places + 7) / 8)
        var signatures: [Signature] = []
        for place in 0..<row.places {
            guard let vote = vote(place, row, keys), vote.vote.value != nil || claimingNilVotes else {
                continue
            }
            bitmap[place >> 3] |= 1 << UInt8(place & 7)
            signatures.append(vote.signature)
        }
        return Certificate(
            kind: .commit, height: Self.height, round: Self.round, value: Self.value, bitmap: bitmap,
            signatures: signatures, validRounds: [])
    }

    private func rejection(_ certificate: Certificate, _ set: ValidatorSet) -> CertificateRejection? {
        do throws(CertificateRejection) {
            _ = try VerifiedCertificate(certificate, validators: set, chain: Self.chain)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "K1: every row is accepted or refused as published, for the reason that its columns give",
        .enabled(if: ExternalVectors.contains("bft_commit_table")))
    func table() throws {
        let rows = try ExternalVectors.rows("bft_commit_table", as: Row.self)
        var run = 0
        for row in rows where !row.hasIndistinctSize {
            run += 1
            let (set, keys) = try world(row)
            let areVotesGood = row.heightOffset == 0 && row.voteBlockIdOk && row.voteChainIdOk
            let expected: CertificateRejection? =
                if row.places != row.validators {
                    .wrongBitmap
                } else if 3 * row.blockVotes <= 2 * row.validators {
                    .tooLittleWeight
                } else {
                    areVotesGood ? nil : .badSignature
                }
            #expect((expected != nil) == row.mustFail, "\(row.description): the columns give the verdict")
            let honest = certificate(row, keys, claimingNilVotes: false)
            #expect(rejection(honest, set) == expected, "\(row.description)")
            if row.nilVotes > 0 {
                // A vote for no value counted for the value: never, whatever weight it would give.
                #expect(
                    rejection(certificate(row, keys, claimingNilVotes: true), set) != nil,
                    "\(row.description)")
            }
        }
        ExternalVectors.report(
            "bft_commit_table", run: run, skipped: rows.count - run,
            because: "fewer places than members: absent members have no place in a packed certificate")
    }

    @Test(
        "K1: verified votes of a row make a certificate exactly where the row is good",
        .enabled(if: ExternalVectors.contains("bft_commit_table")))
    func packing() throws {
        let rows = try ExternalVectors.rows("bft_commit_table", as: Row.self)
        for row in rows where row.places == row.validators {
            let (set, keys) = try world(row)
            let verified = (0..<row.places).compactMap { place in
                vote(place, row, keys).flatMap { VerifiedVote($0, validators: set, chain: Self.chain) }
            }
            let due = verified.filter { $0.vote.value == Self.value && $0.vote.height == Self.height }
            let packed = VerifiedCertificate(.commit, of: due, validators: set)
            #expect((packed == nil) == row.mustFail, "\(row.description)")
            if let packed {
                #expect(packed.certificate == certificate(row, keys, claimingNilVotes: false))
            }
            // Votes for different values are never packed together.
            if row.nilVotes > 0 {
                #expect(VerifiedCertificate(.commit, of: verified, validators: set) == nil)
            }
        }
    }
}
