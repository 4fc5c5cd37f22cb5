/// What more than two thirds of those whom a fork's proof leaves want: one branch, and a set without
/// exactly those who are to blame. A claim; ``verify(against:)`` is the check. A node follows it only when
/// its operator says so.
public struct RecoveryCertificate: Hashable, Sendable {
    public let proof: ForkProof
    public let branch: Hash256
    public let lastHeight: Height
    public let lastHash: Hash256
    /// One bit a member of the remaining set in its order, lowest bit first; those beyond the last are zero.
    public let bitmap: [UInt8]
    /// One signature a set bit, in order.
    public let signatures: [Signature]

    static let version: UInt8 = 1
    /// Bytes of an encoded certificate at most.
    public static let bytesMax =
        64 + Hash256.byteCount * 2 + ForkProof.bytesMax + ValidatorSet.membersMax * Signature.byteCount

    /// Packs votes of the same terms.
    ///
    /// - Returns: `nil` unless they are all for `vote`, by different members of the remaining set, together
    ///   more than two thirds of it, and each signature verifies.
    public init?(_ fork: ProvenFork, _ vote: RecoveryVote, votes: [SignedRecoveryVote]) {
        self.init(fork, vote, votes: votes, check: .ed25519)
    }

    package init?(
        _ fork: ProvenFork, _ vote: RecoveryVote, votes: [SignedRecoveryVote], check: SignatureCheck
    ) {
        guard let remaining = fork.remaining else { return nil }
        var byPlace: [Int: Signature] = [:]
        for signed in votes {
            guard signed.vote == vote, let place = remaining.index(of: signed.member),
                byPlace.updateValue(signed.signature, forKey: place) == nil
            else { return nil }
        }
        var bitmap = [UInt8](repeating: 0, count: (remaining.members.count + 7) / 8)
        for place in byPlace.keys { bitmap[place >> 3] |= 1 << UInt8(place & 7) }
        proof = fork.proof
        branch = vote.branch
        lastHeight = vote.lastHeight
        lastHash = vote.lastHash
        self.bitmap = bitmap
        signatures = byPlace.keys.sorted().compactMap { byPlace[$0] }
        guard (try? verify(fork, check: check))?.vote == vote else { return nil }
    }

    /// Verifies everything, the fork's proof included; one bad signature refuses it whole.
    ///
    /// - Parameter anchor: the voting chain and the hash of the set of the fork's height.
    public func verify(against anchor: TrustAnchor) throws(RecoveryRejection) -> VerifiedRecovery {
        try verify(against: anchor, check: .ed25519)
    }

    package func verify(
        against anchor: TrustAnchor, check: SignatureCheck
    ) throws(RecoveryRejection) -> VerifiedRecovery {
        let fork: ProvenFork
        do {
            fork = try proof.verify(against: anchor, check: check)
        } catch {
            throw .fork(error)
        }
        return try verify(fork, check: check)
    }

    private func verify(
        _ fork: ProvenFork, check: SignatureCheck
    ) throws(RecoveryRejection) -> VerifiedRecovery {
        guard fork.isComplete, let remaining = fork.remaining else { throw .incompleteProof }
        guard
            let vote = RecoveryVote(fork, branch: branch, lastHeight: lastHeight, lastHash: lastHash)
        else { throw .otherBranch }
        let places = (0..<8 * bitmap.count).filter { bitmap[$0 >> 3] & (1 << UInt8($0 & 7)) != 0 }
        guard bitmap.count == (remaining.members.count + 7) / 8, places.count == signatures.count,
            places.allSatisfy({ $0 < remaining.members.count })
        else { throw .wrongBitmap }
        guard remaining.isQuorum(places.reduce(0) { $0 + remaining.members[$1].weight }) else {
            throw .tooLittleWeight
        }
        let message = vote.signedBytes(chain: fork.anchor.chain)
        for (place, signature) in zip(places, signatures)
        where !check.verifies(signature, of: remaining.members[place].operatorKey, over: message) {
            throw .badSignature
        }
        return VerifiedRecovery(certificate: self, vote: vote, fork: fork, validators: remaining)
    }

    /// Version, proof, branch, last block, bitmap, signatures.
    public var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 4096)
        writer.write(RecoveryCertificate.version)
        proof.encode(into: &writer)
        writer.write(branch)
        writer.write(lastHeight)
        writer.write(lastHash)
        writer.write(prefixed: bitmap)
        for signature in signatures { writer.write(signature) }
        return writer.bytes
    }

    /// Decodes exactly one certificate; nothing of it is verified yet.
    public init(decoding bytes: [UInt8]) throws(RecoveryRejection) {
        guard bytes.count <= RecoveryCertificate.bytesMax else {
            throw .malformed(DecodingFailure(reason: .lengthLimit, offset: 0))
        }
        guard let version = bytes.first else {
            throw .malformed(DecodingFailure(reason: .truncated, offset: 0))
        }
        guard version == RecoveryCertificate.version else { throw .unknownVersion(version) }
        do {
            self = try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
                try RecoveryCertificate(from: &reader)
            }
        } catch {
            throw .malformed(error)
        }
    }

    private init(from reader: inout ByteReader) throws(DecodingFailure) {
        _ = try reader.readByte()
        proof = try ForkProof(from: &reader)
        branch = try reader.readHash()
        lastHeight = try reader.readInteger()
        lastHash = try reader.readHash()
        bitmap = try reader.readPrefixed(limit: (ValidatorSet.membersMax + 7) / 8)
        // As many signatures as bits, so that no count can disagree with the bitmap.
        var signatures: [Signature] = []
        for _ in 0..<bitmap.reduce(0, { $0 + $1.nonzeroBitCount }) {
            signatures.append(try reader.readSignature())
        }
        self.signatures = signatures
    }
}
