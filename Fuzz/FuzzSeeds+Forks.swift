extension FuzzSeeds {
    /// A fork by the heavier of two members, a recovery vote of the other, and the recovery.
    static func forks() -> [FuzzTarget: [[UInt8]]] {
        let chain = Blake2b.hash256(.block, [1])
        guard let guilty = SigningKey(seed: [UInt8](repeating: 8, count: 32)),
            let other = SigningKey(seed: [UInt8](repeating: 9, count: 32)),
            let validators = try? ValidatorSet([
                Member(operatorKey: guilty.publicKey, weight: 9), Member(operatorKey: other.publicKey, weight: 3),
            ])
        else { return [:] }
        func certificate(_ kind: CertificateKind, _ round: Round, _ value: Hash256) -> VerifiedCertificate? {
            let vote = Vote(
                type: kind == .commit ? .precommit : .prevote, height: 1, round: round, value: value)
            let signed = SignedVote(
                vote: vote, member: guilty.publicKey, signature: guilty.sign(vote.signedBytes(chain: chain)))
            return VerifiedVote(signed, validators: validators, chain: chain).flatMap {
                VerifiedCertificate(kind, of: [$0], validators: validators)
            }
        }
        let (one, two) = (Blake2b.hash256(.block, [2]), Blake2b.hash256(.block, [3]))
        guard let first = certificate(.commit, 0, one), let second = certificate(.commit, 2, two),
            let polka = certificate(.polka, 1, two),
            let proof = ForkProof(first, second, polkas: [polka], validators: validators),
            let fork = try? proof.verify(against: TrustAnchor(chain: chain, validators: validators.hash)),
            let vote = RecoveryVote(fork, branch: one, lastHeight: 1, lastHash: one)
        else { return [:] }
        let signed = SignedRecoveryVote(
            vote: vote, member: other.publicKey, signature: other.sign(vote.signedBytes(chain: chain)))
        return [
            .forkProof: [proof.encoded], .recoveryVote: [signed.encoded],
            .recoveryCertificate: [RecoveryCertificate(fork, vote, votes: [signed])].compactMap { $0?.encoded },
        ]
    }
}
