import TestVectors
import Testing

@testable import TimeCoinCore

@Suite("Published commits with real votes")
struct LightStepVectorTests {
    private struct Entry: Decodable {
        let flag: String
        let validator: String?
        let signature: String?
        let signbytes: String?
    }

    private struct Weighted: Decodable {
        let address: String
        let power: UInt64
        let pubkey: String?
    }

    private struct Row: Decodable {
        let source: String
        let step: Int
        let commit: [Entry]
        let validators: [Weighted]
        let trustedNextValidators: [Weighted]
        let height: UInt64
        let trustedHeight: UInt64
        let heightMatchesCommit: Bool
        // `convertFromSnakeCase` leaves digits as words of their own.
        let quorumGt23: Bool
        let trustGt13: Bool
        let signedPower: UInt64
        let totalPower: UInt64
        let trustedSigned: UInt64
        let trustedTotal: UInt64
        let verdict: String

        var name: Comment { "\(source), step \(step)" }
    }

    /// What the votes of a commit weigh.
    private struct Count {
        var signers: [String] = []
        var weight: UInt64 = 0
        var hasStranger = false
        var hasBadSignature = false
    }

    /// Members by the address under which the commit names them.
    private func members(_ row: Row) throws -> [String: Member] {
        var members: [String: Member] = [:]
        for validator in row.validators {
            let key = try #require(PublicKey(try bytes(hex: validator.pubkey)))
            members[validator.address] = Member(operatorKey: key, weight: validator.power)
        }
        return members
    }

    private func count(_ row: Row, _ members: [String: Member]) throws -> Count {
        var count = Count()
        for entry in row.commit where entry.flag == "commit" {
            let address = try #require(entry.validator)
            guard let member = members[address] else {
                count.hasStranger = true
                continue
            }
            let signature = try #require(Signature(try bytes(hex: entry.signature)))
            let message = try bytes(hex: entry.signbytes)
            guard member.operatorKey.verifies(signature, over: message) else {
                count.hasBadSignature = true
                continue
            }
            #expect(
                !member.operatorKey.verifies(signature, over: message + [0]), "a vote is good for its bytes")
            count.signers.append(address)
            count.weight += member.weight
        }
        return count
    }

    /// A step of a light client on this project's arithmetic: the next height is decided by the very set that
    /// is trusted for it, a later one needs signers with more than a third of that set's weight.
    private func verdict(_ row: Row, _ count: Count, set: ValidatorSet, trusted: UInt64) -> String {
        guard
            !count.hasStranger, !count.hasBadSignature, row.heightMatchesCommit,
            row.height > row.trustedHeight, set.isQuorum(count.weight)
        else { return "INVALID" }
        if row.height == row.trustedHeight + 1 {
            let isExpected = weights(row.validators) == weights(row.trustedNextValidators)
            return isExpected ? "SUCCESS" : "INVALID"
        }
        return ValidatorSet.isThird(trusted, of: row.trustedTotal) ? "SUCCESS" : "NOT_ENOUGH_TRUST"
    }

    private func weights(_ validators: [Weighted]) -> [String: UInt64] {
        Dictionary(validators.map { ($0.address, $0.power) }, uniquingKeysWith: +)
    }

    @Test(
        "K1: every published commit has its weight, its quorum, its trust and its verdict",
        .enabled(if: ExternalVectors.contains("bft_light_steps")))
    func steps() throws {
        let rows = try ExternalVectors.rows("bft_light_steps", as: Row.self)
        for row in rows {
            let members = try members(row)
            let set = try ValidatorSet(Array(members.values))
            let count = try count(row, members)
            #expect(set.totalWeight == row.totalPower && count.weight == row.signedPower, row.name)
            #expect(set.isQuorum(count.weight) == row.quorumGt23, row.name)
            let trustedWeights = weights(row.trustedNextValidators)
            let trusted = count.signers.reduce(0) { $0 + (trustedWeights[$1] ?? 0) }
            #expect(trustedWeights.values.reduce(0, +) == row.trustedTotal, row.name)
            #expect(trusted == row.trustedSigned, row.name)
            #expect(ValidatorSet.isThird(trusted, of: row.trustedTotal) == row.trustGt13, row.name)
            #expect(verdict(row, count, set: set, trusted: trusted) == row.verdict, row.name)
        }
        ExternalVectors.report("bft_light_steps", run: rows.count, skipped: 0, because: "")
    }
}
