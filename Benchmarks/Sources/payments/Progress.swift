import BenchmarkSupport
import Foundation
import Synchronization

/// What the threads of a measurement share.
final class Progress: Sendable {
    private struct State {
        var final = 0
        var failure: (any Error)?
        var submissions: [String: Double] = [:]
    }

    private let state = Mutex(State())

    var finalCount: Int { state.withLock { $0.final } }
    var failure: (any Error)? { state.withLock { $0.failure } }

    func add(final count: Int) {
        state.withLock { $0.final += count }
    }

    func submitted(_ txid: String) {
        state.withLock { $0.submissions[txid] = seconds() }
    }

    /// When a payment was submitted, seconds.
    func submission(of txid: String) -> Double? {
        state.withLock { $0.submissions[txid] }
    }

    /// Runs a body on a thread of its own; the first error of any thread ends the measurement.
    func startThread(_ body: @escaping @Sendable () throws -> Void) -> Thread {
        let thread = Thread {
            do {
                try body()
            } catch {
                self.state.withLock { $0.failure = $0.failure ?? error }
            }
        }
        thread.start()
        return thread
    }
}
