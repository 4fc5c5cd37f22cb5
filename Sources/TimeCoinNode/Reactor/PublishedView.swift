import Synchronization
import TimeCoinConsensus
package import TimeCoinCore

/// What other threads may know of the core without asking it: enough to refuse a message before it costs
/// anything.
package final class PublishedView: Sendable {
    struct Value: Sendable {
        /// The height being decided.
        let height: Height
        let validators: ValidatorSet
        let state: ChainState
        /// Whether a recovery is under way: votes are then of no use, and those of the next height are of
        /// another set.
        let isRecovering: Bool
    }

    private let value: Mutex<Value>

    package init(state: ChainState) {
        value = Mutex(PublishedView.value(state, isRecovering: false))
    }

    var current: Value { value.withLock { $0 } }

    func publish(_ reactor: borrowing Reactor) {
        let state = reactor.state
        let isRecovering = reactor.isRecovering
        value.withLock { value in
            guard value.height != state.height + 1 || value.isRecovering != isRecovering else { return }
            value = PublishedView.value(state, isRecovering: isRecovering)
        }
    }

    private static func value(_ state: ChainState, isRecovering: Bool) -> Value {
        Value(
            height: state.height + 1, validators: state.validators, state: state, isRecovering: isRecovering)
    }
}
