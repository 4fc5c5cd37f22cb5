/// What somebody must know of a chain beforehand to verify proofs of it offline.
public struct TrustAnchor: Hashable, Sendable {
    /// The hash of the genesis block; after a recovery from a fork, the voting chain.
    public let chain: Hash256
    /// The hash of the validator set that decides the heights in question.
    public let validators: Hash256
    /// The first height that the set is trusted for: nothing shows a block below it.
    public let from: Height

    public init(chain: Hash256, validators: Hash256, from: Height = 0) {
        self.chain = chain
        self.validators = validators
        self.from = from
    }
}
