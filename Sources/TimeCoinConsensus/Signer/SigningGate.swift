public import TimeCoinCore

/// After a start the first signature waits until members with more than two thirds of the weight, this one
/// included,
/// have told the highest position that they hold of its key.
///
/// Fewer could decide nothing anyway, so a network stopped whole starts by itself. A higher position than
/// the own
/// record has means that the record is old or another instance signs: then nothing is signed until an
/// operator decides.
public struct SigningGate: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        case asking
        case open
        /// Another member holds this later position of the own key.
        case contradicted(SignerPosition, by: PublicKey)
    }

    public private(set) var state: State
    private let own: PublicKey
    private let ownLast: SignerPosition?
    private let validators: ValidatorSet
    private var answered: Set<PublicKey> = []

    public init(own: PublicKey, ownLast: SignerPosition?, validators: ValidatorSet) {
        self.own = own
        self.ownLast = ownLast
        self.validators = validators
        answered = [own]
        state = .asking
        open()
    }

    /// A member's answer: the highest position of the own key that it holds.
    public mutating func answer(from member: PublicKey, highest: SignerPosition?) {
        guard state == .asking, validators.index(of: member) != nil else { return }
        if let highest, ownLast.map({ highest > $0 }) ?? true {
            state = .contradicted(highest, by: member)
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
