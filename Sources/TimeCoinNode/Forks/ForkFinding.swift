import TimeCoinConsensus
package import TimeCoinCore
import TimeCoinStore

/// A commit certificate for another value at a height that is final here, with what this node has of it.
package struct ForkFinding: Sendable {
    package let ours: VerifiedCertificate
    package let theirs: VerifiedCertificate
    /// The polkas of the height that are kept here.
    package let polkas: [VerifiedCertificate]
    /// The certificate of the height below here: whether the fork began there already, the other side can
    /// tell.
    package let below: Certificate?
    /// Between the time of the height and that of the tip. Unit: milliseconds.
    package let age: UInt64

    package var height: Height { ours.certificate.height }
}

/// Looks up what this node has of heights that are over.
struct ForkRecords: Sendable {
    let store: any ChainStoring
    let archive: (any PolkaKeeping)?
    let journal: StoredJournal?

    /// This node's commit certificate of a height, when its block is another than `value`; `nil` where
    /// there is nothing to tell.
    func certificate(at height: Height, otherThan value: Hash256) throws -> Certificate? {
        guard height > 0 else { return nil }
        return try store.snapshot { reader in
            guard let hash = try reader.hash(at: height), hash != value else { return nil }
            return try reader.certificate(at: height).flatMap { try? Certificate(decoding: $0) }
        }
    }

    /// What there is about another certificate of a height that is final here.
    ///
    /// - Returns: `nil` where it is of the same block, or the height was decided by another set.
    /// - Throws: `CertificateRejection` when it does not verify; faults of the disk.
    func finding(_ certificate: Certificate, on state: ChainState) throws -> ForkFinding? {
        let height = certificate.height
        guard certificate.kind == .commit, height > 0, height <= state.height,
            let own = try self.certificate(at: height, otherThan: certificate.value)
        else { return nil }
        let (validators, chain) = (state.validators, state.votingChain)
        let header = try store.snapshot { try $0.header(at: height) }
        // A set that a recovery has replaced has forked already, and was judged then.
        guard let header, header.validators == validators.hash,
            let ours = try? VerifiedCertificate(own, validators: validators, chain: chain)
        else { return nil }
        let theirs = try VerifiedCertificate(certificate, validators: validators, chain: chain)
        let below =
            height > 1 ? try store.snapshot { try $0.certificate(at: height - 1) } : nil
        return ForkFinding(
            ours: ours, theirs: theirs, polkas: try polkas(of: height, validators, chain),
            below: below.flatMap { try? Certificate(decoding: $0) },
            age: state.header.time.milliseconds
                - min(state.header.time.milliseconds, header.time.milliseconds))
    }

    private func polkas(
        of height: Height, _ validators: ValidatorSet, _ chain: Hash256
    ) throws -> [VerifiedCertificate] {
        let kept = try archive?.polkas(of: height) ?? []
        let verified = kept.compactMap {
            try? VerifiedCertificate($0, validators: validators, chain: chain)
        }
        let journaled = try journal?.polkas(of: height, validators: validators, chain: chain) ?? []
        let known = Set(
            verified.map { WantedPolka(round: $0.certificate.round, value: $0.certificate.value) })
        return verified
            + journaled.filter {
                !known.contains(WantedPolka(round: $0.certificate.round, value: $0.certificate.value))
            }
    }
}
