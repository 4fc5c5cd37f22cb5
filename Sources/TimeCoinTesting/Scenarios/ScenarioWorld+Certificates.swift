import TimeCoinConsensus
import TimeCoinCore

extension ScenarioWorld {
    /// The certificate as an input, or why it is refused before it reaches the machine.
    func input(
        _ certificate: ScenarioCertificate, in current: Round, receiver: Int?
    ) throws(ScenarioImpossible) -> Result<ConsensusInput, ScenarioRefusal> {
        switch try packed(certificate, in: current, receiver: receiver) {
        case .round(let packed):
            do {
                return .success(
                    .roundCertificate(
                        try VerifiedRoundCertificate(packed, validators: set, chain: chain)))
            } catch {
                return .failure(ScenarioRefusal(reason: error.rawValue))
            }
        case .value(let packed):
            do {
                return .success(
                    .certificate(try VerifiedCertificate(packed, validators: set, chain: chain)))
            } catch {
                return .failure(ScenarioRefusal(reason: error.rawValue))
            }
        }
    }

    /// The certificate as it would be sent, whether or not it verifies.
    func packed(
        _ certificate: ScenarioCertificate, in current: Round, receiver: Int?
    ) throws(ScenarioImpossible) -> PackedCertificate {
        let round = certificate.round ?? current
        let votes = try signedVotes(of: certificate, in: round, receiver: receiver)
        guard certificate.kind == .round else { return .value(try packed(certificate, round, votes)) }
        return .round(
            RoundCertificate(height: certificate.height ?? setting.height, round: round, votes: votes))
    }

    /// What leads a machine into a round without a vote in it: nil precommits that end the round before.
    func entrance(to round: Round, receiver: Int?) throws(ScenarioImpossible) -> ConsensusInput {
        let entrance = ScenarioCertificate(entering: round)
        guard round > 0, case .success(let input) = try input(entrance, in: round, receiver: receiver) else {
            throw ScenarioImpossible(reason: "no way into round \(round)")
        }
        return input
    }

    private func signedVotes(
        of certificate: ScenarioCertificate, in round: Round, receiver: Int?
    ) throws(ScenarioImpossible) -> [SignedVote] {
        var votes: [SignedVote] = []
        for var vote in certificate.votes {
            vote.height = vote.height ?? certificate.height
            votes.append(try self.vote(vote, in: round))
        }
        guard certificate.votes.isEmpty else { return votes }
        var weight: UInt64 = 0
        let numbers = setting.weights.indices.map { $0 + 1 }
        for number in numbers.filter({ $0 != receiver }) + numbers.filter({ $0 == receiver })
        where !set.isQuorum(weight) {
            var vote = ScenarioMessage(kind: certificate.kind == .polka ? .prevote : .precommit)
            vote.member = number
            vote.round = certificate.kind == .round ? (round > 0 ? round - 1 : 0) : round
            vote.value = certificate.kind == .round ? nil : certificate.value
            vote.height = certificate.height
            votes.append(try self.vote(vote, in: round))
            weight += setting.weights[number - 1]
        }
        return votes
    }

    /// Packs what is written, also where it does not fit together: that is for the verification to find.
    private func packed(
        _ certificate: ScenarioCertificate, _ round: Round, _ votes: [SignedVote]
    ) throws(ScenarioImpossible) -> Certificate {
        var keys = set.members.map(\.operatorKey)
        if !certificate.packedFor.isEmpty {
            keys = []
            for member in certificate.packedFor { keys.append(try ScenarioWorld.key(member).publicKey) }
            keys.sort()
        }
        // A stranger has the place behind the last member.
        let placed = votes.map { (place: keys.firstIndex(of: $0.member) ?? keys.count, vote: $0) }
            .sorted { $0.place < $1.place }
        let bytes = max((keys.count + 7) / 8, placed.map { $0.place / 8 + 1 }.max() ?? 0)
        var bitmap = [UInt8](repeating: 0, count: bytes)
        for (place, _) in placed { bitmap[place >> 3] |= 1 << UInt8(place & 7) }
        return Certificate(
            kind: certificate.kind == .polka ? .polka : .commit,
            height: certificate.height ?? setting.height, round: round,
            value: hash(certificate.value), bitmap: bitmap,
            signatures: placed.map(\.vote.signature),
            validRounds: certificate.kind == .polka ? placed.map(\.vote.vote.validRound) : [])
    }
}

/// A certificate as it is sent.
enum PackedCertificate {
    case value(Certificate)
    case round(RoundCertificate)
}

/// Why something did not even reach the machine.
struct ScenarioRefusal: Error, Hashable, Sendable {
    let reason: String
}
