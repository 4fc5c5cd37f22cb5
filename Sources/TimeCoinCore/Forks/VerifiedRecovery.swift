/// A recovery that more than two thirds of the remaining set have signed; its only constructor is the check
/// of a ``RecoveryCertificate``.
public struct VerifiedRecovery: Hashable, Sendable {
    public let certificate: RecoveryCertificate
    public let vote: RecoveryVote
    public let fork: ProvenFork
    /// The set from the next block on.
    public let validators: ValidatorSet

    /// What votes name from the next block on instead of the chain.
    public var votingChain: Hash256 { vote.votingChain(after: fork.anchor.chain) }

    init(
        certificate: RecoveryCertificate, vote: RecoveryVote, fork: ProvenFork, validators: ValidatorSet
    ) {
        self.certificate = certificate
        self.vote = vote
        self.fork = fork
        self.validators = validators
    }
}

/// Why a recovery is not followed.
public enum RecoveryRejection: Error, Equatable, Sendable, CustomStringConvertible {
    case malformed(DecodingFailure)
    case unknownVersion(UInt8)
    case fork(ForkProofRejection)
    /// The proof blames less than a third, or everybody.
    case incompleteProof
    /// The value is of neither branch, or the last block cannot be on it.
    case otherBranch
    case wrongBitmap
    case tooLittleWeight
    case badSignature
    /// The state is not that of the last block that stays, or of another set or voting chain.
    case otherState
    /// What the members that leave had earned cannot be shared out.
    case supply

    /// The name in answers.
    public var reason: String {
        switch self {
        case .malformed: "malformed-recovery"
        case .unknownVersion: "unknown-recovery-version"
        case .fork(let rejection): rejection.reason
        case .incompleteProof: "incomplete-fork-proof"
        case .otherBranch: "other-branch"
        case .wrongBitmap: "wrong-bitmap"
        case .tooLittleWeight: "too-little-weight"
        case .badSignature: "bad-signature"
        case .otherState: "other-state"
        case .supply: "supply"
        }
    }

    public var description: String {
        switch self {
        case .malformed(let failure): "the bytes are no recovery certificate: \(failure)"
        case .unknownVersion(let version): "version \(version) of recovery certificates is not known here"
        case .fork(let rejection): "its proof does not hold: \(rejection)"
        case .incompleteProof: "its proof does not blame more than a third, or leaves nobody"
        case .otherBranch: "the branch is none of the fork's, or the last block is not on it"
        case .wrongBitmap: "its bitmap does not fit the remaining members"
        case .tooLittleWeight: "no more than two thirds of the remaining weight has signed"
        case .badSignature: "a signature does not verify"
        case .otherState: "it does not follow the block that this state is of"
        case .supply: "the earnings of those who leave cannot be shared out"
        }
    }
}

extension ChainState {
    /// The state after this recovery where it comes next, else this state.
    public func following(_ recovery: VerifiedRecovery) throws(RecoveryRejection) -> ChainState {
        guard headerHash == recovery.vote.lastHash, votingChain == recovery.fork.anchor.chain else {
            return self
        }
        return try recovering(by: recovery)
    }

    /// The state on which the next block builds after a recovery: the same block and outputs, without the
    /// members who are to blame. What they had earned and was not paid out yet is shared with the next
    /// subsidy.
    public func recovering(by recovery: VerifiedRecovery) throws(RecoveryRejection) -> ChainState {
        guard height == recovery.vote.lastHeight, headerHash == recovery.vote.lastHash,
            votingChain == recovery.fork.anchor.chain, validators.hash == recovery.fork.anchor.validators
        else { throw .otherState }
        let kept = registry.entries.filter { recovery.validators.index(of: $0.operatorKey) != nil }
        guard let registry = try? Registry(kept), registry.validators == recovery.validators else {
            throw .otherState
        }
        var accruals = accruals
        let leaving = Set(recovery.fork.blamed.map(\.misbehaviour.member))
        guard accruals.forfeit(leaving) != nil else { throw .supply }
        var supply = supply
        supply.accrued = accruals.total
        supply.remainder = accruals.remainder
        return ChainState(
            header: header, headerHash: headerHash, chain: chain, genesisTime: genesisTime,
            commitment: commitment, outputCount: outputCount, registry: registry, accruals: accruals,
            supply: supply, seed: seed, parameters: parameters, recovery: recovery.votingChain)
    }
}
