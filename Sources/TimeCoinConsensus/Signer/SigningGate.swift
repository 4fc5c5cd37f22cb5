public import TimeCoinCore

/// After a start the first signature waits until members with more than two thirds of the weight, this one
/// included, have told the highest position that they hold of its key.
///
/// Fewer could decide nothing anyway, so a network stopped whole starts by itself. A signature that the own
/// record does not have means that the record is old or another instance signs: then nothing is signed until
/// an operator decides.
public struct SigningGate: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        case asking
        case open
        /// Another member holds a message of the own key at this position that the record does not know.
        case contradicted(SignerPosition, by: PublicKey)
    }

    public private(set) var state: State
    private let own: PublicKey
    private let record: SignerPositions
    private let chain: Hash256
    private let validators: ValidatorSet
    /// Members who have answered, this one included.
    public private(set) var answered: Set<PublicKey> = []

    /// - Parameter record: what this signer has signed.
    public init(own: PublicKey, record: SignerPositions, validators: ValidatorSet, chain: Hash256) {
        self.own = own
        self.record = record
        self.chain = chain
        self.validators = validators
        answered = [own]
        state = .asking
        open()
    }

    /// A member's answer, verified: the highest message of the own key that it holds.
    public mutating func answer(from member: PublicKey, highest: SignedPosition?) {
        guard state == .asking, validators.index(of: member) != nil else { return }
        if let highest, record.isForeign(highest.position, digest: highest.digest(chain: chain)) {
            state = .contradicted(highest.position, by: member)
            return
        }
        answered.insert(member)
        open()
    }

    private mutating func open() {
        let weight = answered.reduce(UInt64(0)) { sum, key in
            sum + (validators.index(of: key).map { validators.members[$0].weight } ?? 0)
        }
        if validators.isQuorum(weight) { state = .open }
    }
}
