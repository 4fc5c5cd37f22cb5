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
    }

    private let value: Mutex<Value>

    package init(state: ChainState) {
        value = Mutex(Value(height: state.height + 1, validators: state.validators, state: state))
    }

    var current: Value { value.withLock { $0 } }

    func publish(_ reactor: borrowing Reactor) {
        let state = reactor.state
        value.withLock { value in
            guard value.height != state.height + 1 else { return }
            value = Value(height: state.height + 1, validators: state.validators, state: state)
        }
    }
}
