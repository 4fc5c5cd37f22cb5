public import TimeCoinCore

/// What somebody who loads a snapshot trusts beforehand.
public enum SnapshotTrust: Hashable, Sendable {
    /// The set with this hash decides: that of genesis, or one that a path of set changes led to.
    case validators(Hash256)
    /// The block with this hash is final: a checkpoint out of a configuration or a release.
    case block(Hash256)
}

/// Why a snapshot is not taken.
public struct SnapshotRejection: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Rule: String, Hashable, Sendable {
        case malformed = "malformed-snapshot"
        case wrongChain = "wrong-chain"
        /// The certificate does not prove the header to somebody with this trust.
        case untrusted = "untrusted-snapshot"
        /// The state is not that of the header.
        case state = "state-root"
        /// The hashes of the segments are not those under the state.
        case commitment = "output-commitment"
        /// A segment is not the one of the manifest.
        case segment = "damaged-segment"
        /// The outputs do not add up to what the state says.
        case totals
    }

    public let rule: Rule
    public let detail: String

    init(_ rule: Rule, _ detail: String) {
        self.rule = rule
        self.detail = detail
    }

    public var description: String { "\(rule.rawValue): \(detail)" }
}

/// A snapshot whose manifest is under a certified header; its only constructor is the check.
public struct VerifiedSnapshot: Sendable {
    public let manifest: SnapshotManifest
    public let state: ChainState

    /// - Parameters:
    ///   - genesis: the state of the genesis block: the chain, and the time from which its slots count.
    ///   - trust: without it anybody could have made the snapshot.
    public init(
        _ manifest: SnapshotManifest, genesis: ChainState, trusting trust: SnapshotTrust
    ) throws(SnapshotRejection) {
        let hash = manifest.header.hash
        guard let state = try? ChainState(decoding: manifest.state) else {
            throw SnapshotRejection(.malformed, "the state cannot be read")
        }
        guard state.chain == genesis.headerHash, state.genesisTime == genesis.genesisTime else {
            throw SnapshotRejection(
                .wrongChain, "the snapshot is of \(state.chain), not of \(genesis.headerHash)")
        }
        guard state.headerHash == hash, state.header == manifest.header,
            state.roots.root == manifest.header.stateRoot
        else { throw SnapshotRejection(.state, "the state is not the one under the header \(hash)") }
        self.manifest = manifest
        self.state = state
        try checkTrust(trust, hash)
        try checkCommitment()
    }

    public var height: Height { state.height }
    public var segmentCount: Int { manifest.chunks.count }

    /// Positions of a segment.
    func positions(of segment: Int) -> Range<UInt64> {
        let first = UInt64(segment) * SnapshotManifest.segmentPositions
        return first..<min(state.commitment.leafCount, first + SnapshotManifest.segmentPositions)
    }

    private func checkTrust(_ trust: SnapshotTrust, _ hash: Hash256) throws(SnapshotRejection) {
        switch trust {
        case .validators(let trusted):
            guard manifest.header.validators == trusted else {
                throw SnapshotRejection(
                    .untrusted, "it is certified by the set \(manifest.header.validators), not by \(trusted)")
            }
        case .block(let trusted):
            guard hash == trusted else {
                throw SnapshotRejection(.untrusted, "it ends with block \(hash), trusted is \(trusted)")
            }
        }
        // Genesis is known by its hash.
        guard hash != state.chain else { return }
        // The set of the state decides the next block; it is the one that decided this block, too: a snapshot
        // ends with no block that changes the set, because it does not bring the set before.
        guard state.validators.hash == manifest.header.validators else {
            throw SnapshotRejection(
                .untrusted,
                "block \(hash) was decided by the set \(manifest.header.validators), and the snapshot only "
                    + "brings the set \(state.validators.hash)")
        }
        guard let certificate = try? Certificate(decoding: manifest.certificate), certificate.kind == .commit,
            certificate.height == state.height, certificate.value == hash,
            (try? VerifiedCertificate(
                certificate, validators: state.validators, chain: state.votingChain)) != nil
        else { throw SnapshotRejection(.untrusted, "its certificate does not prove block \(hash)") }
    }

    private func checkCommitment() throws(SnapshotRejection) {
        let leafCount = state.commitment.leafCount
        let whole = leafCount / SnapshotManifest.segmentPositions
        let chunkCount = whole + (leafCount.isMultiple(of: SnapshotManifest.segmentPositions) ? 0 : 1)
        let tail = leafCount % SnapshotManifest.segmentPositions
        guard manifest.segments.count == Int(clamping: whole),
            manifest.chunks.count == Int(clamping: chunkCount),
            manifest.peaks.count == tail.nonzeroBitCount
        else {
            throw SnapshotRejection(
                .commitment, "the manifest has not a hash for each of \(leafCount) outputs")
        }
        var range = RangeBuilder(.outputs, level: SnapshotManifest.segmentLevel)
        for hash in manifest.segments { _ = range.add(hash) }
        var spent = RangeBuilder(.spent, level: 0)
        for hash in manifest.chunks { _ = spent.add(hash) }
        let commitment = OutputCommitment(
            leafCount: leafCount, rangeRoot: range.root(count: leafCount, peaksBelow: manifest.peaks),
            spentRoot: spent.root(count: chunkCount))
        guard commitment == state.commitment else {
            throw SnapshotRejection(.commitment, "the hashes of the segments are not those under the state")
        }
    }
}
