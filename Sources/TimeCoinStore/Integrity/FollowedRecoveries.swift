import TimeCoinCore

/// What the recoveries that an operator follows say of a chain. What a database says of itself proves none
/// of it: without them whoever claims a recovery would name the members.
struct FollowedRecoveries {
    /// Hash of the genesis block.
    let chain: Hash256
    /// In the order of their heights.
    let recoveries: [VerifiedRecovery]

    /// The last one that a block of this height stands on.
    private func last(below height: Height) -> VerifiedRecovery? {
        recoveries.last { $0.vote.lastHeight < height }
    }

    /// What the votes for a block of this height named.
    func votingChain(at height: Height) -> Hash256 { last(below: height)?.votingChain ?? chain }

    /// Whether the recovery that a state claims, if any, is the one that was followed at its height.
    func leads(to state: ChainState) -> Bool {
        state.recovery == nil || state.recovery == last(below: state.height)?.votingChain
    }

    /// Whether the set of the block above comes from a recovery after this block and not from its header.
    func replace(_ header: BlockHeader, by set: Hash256) -> Bool {
        recoveries.contains { $0.vote.lastHash == header.hash && $0.validators.hash == set }
    }

    /// The set that decides a height with no header below it: as trusted, unless a recovery has replaced it.
    func set(at height: Height, trusted: Hash256?) -> Hash256? {
        trusted.map { last(below: height)?.validators.hash ?? $0 }
    }
}
