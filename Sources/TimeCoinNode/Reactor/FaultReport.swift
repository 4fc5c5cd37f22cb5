/// Tells that this machine does not keep what it is given: the program ends, so that nothing more is signed.
package struct FaultReport: Sendable {
    private let events: EventLog
    private let care: DatabaseCare?

    /// - Parameter care: whom damaged records are left to; without it each ends the program.
    init(_ events: EventLog, care: DatabaseCare?) {
        self.events = events
        self.care = care
    }

    package init(_ events: EventLog) {
        self.init(events, care: nil)
    }

    func report(_ error: any Error) {
        // What cannot be repaired and matters to the vote is told from there.
        if let care, care.takes(error) { return }
        events.fail(error)
    }
}
