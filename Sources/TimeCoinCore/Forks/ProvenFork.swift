/// A fork that is known to have happened, and who is proven to be to blame for it; its only constructor is
/// the check of a ``ForkProof``.
public struct ProvenFork: Hashable, Sendable {
    public let proof: ForkProof
    /// The chain, and the set that decided the height.
    public let anchor: TrustAnchor
    /// One contradiction of each member that is to blame, in the order of the set.
    public let blamed: [Evidence]
    /// What they weigh together.
    public let weight: UInt64
    /// Polkas without which it is not known who else is to blame: empty once a third is.
    public let wanted: [WantedPolka]

    init(_ proof: ForkProof, _ statements: ForkStatements, _ anchor: TrustAnchor) {
        self.proof = proof
        self.anchor = anchor
        blamed = proof.validators.members.indices.compactMap { member in
            statements.contradictions(of: member).first.flatMap {
                Evidence($0.misbehaviour, validators: proof.validators)
            }
        }
        weight = blamed.reduce(0) { $0 + $1.weight }
        wanted = proof.validators.isThird(weight) ? [] : statements.wanted
    }

    /// Whether more than a third of the weight is to blame; fewer cannot have made the fork alone.
    public var isComplete: Bool { proof.validators.isThird(weight) }

    public var height: Height { proof.height }

    /// The set without exactly those who are to blame; `nil` when nobody is left.
    public var remaining: ValidatorSet? {
        let keys = Set(blamed.map(\.misbehaviour.member))
        return try? ValidatorSet(proof.validators.members.filter { !keys.contains($0.operatorKey) })
    }
}

/// Why the proof of a fork shows nothing.
public enum ForkProofRejection: Error, Equatable, Sendable, CustomStringConvertible {
    case malformed(DecodingFailure)
    case unknownVersion(UInt8)
    /// The validators named are not those trusted.
    case otherValidators
    /// Not two commit certificates of one height for different values, with polkas of that height.
    case noFork
    /// The certificates are not in the order that the proof is named by, or too many.
    case order
    case certificate(CertificateRejection)

    /// The name in answers.
    public var reason: String {
        switch self {
        case .malformed: "malformed-fork-proof"
        case .unknownVersion: "unknown-fork-proof-version"
        case .otherValidators: "other-validators"
        case .noFork: "no-fork"
        case .order: "fork-proof-order"
        case .certificate(let rejection): rejection.rawValue
        }
    }

    public var description: String {
        switch self {
        case .malformed(let failure): "the bytes are no proof of a fork: \(failure)"
        case .unknownVersion(let version): "version \(version) of proofs of forks is not known here"
        case .otherValidators: "it is signed by other validators than those trusted"
        case .noFork: "it does not hold two commit certificates of one height for different values"
        case .order: "its certificates are not in their canonical order"
        case .certificate(let rejection): "a certificate does not verify: \(rejection.rawValue)"
        }
    }
}
