import UnixSignals

/// Ctrl-C, or being asked to end.
enum Interruption {
    static func wait() async {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        for await _ in signals { return }
    }
}
