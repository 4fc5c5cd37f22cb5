/// Tells that this machine does not keep what it is given: the program ends, so that nothing more is signed.
package struct FaultReport: Sendable {
    private let events: EventLog

    package init(_ events: EventLog) {
        self.events = events
    }

    func report(_ error: any Error) {
        events.fail(error)
    }
}
