import TimeCoinControl
import TimeCoinTesting

/// The summary of a run in one line of JSON.
enum SummaryText {
    static func json(
        _ summary: SimulationSummary, _ options: SimulationOptions, missing: [String], milliseconds: Int64?
    ) -> String {
        let counts = summary.counts
        var members: [JSONValue.Member] = [
            .init("profile", .string(options.profile.rawValue)),
            .init("seeds", .integer(summary.seeds)),
            .init("heights", .integer(counts.heights)),
            .init("nodes", histogram(summary.nodes)),
            .init("rounds", histogram(counts.rounds)),
            .init("highestRounds", histogram(counts.highestRounds)),
            .init(
                "faults",
                .object(FaultKind.allCases.map { .init($0.rawValue, .integer(counts[$0])) })),
            .init("events", .integer(counts.events)),
            .init("trace", .string(String(summary.trace, radix: 16))),
            .init("missing", .array(missing.map { .string($0) })),
            .init(
                "violations",
                .array(
                    summary.violations.map { outcome in
                        .object([
                            .init("seed", .integer(outcome.seed)),
                            .init("law", .string(outcome.violation?.law.rawValue ?? "")),
                            .init("message", .string(outcome.violation?.message ?? "")),
                            .init("repeat", .string(repetition(outcome.seed, options))),
                        ])
                    })),
        ]
        if let milliseconds {
            members.append(.init("milliseconds", .integer(milliseconds)))
            let rate = milliseconds > 0 ? counts.heights * 1000 / UInt64(milliseconds) : 0
            members.append(.init("heightsPerSecond", .integer(rate)))
        }
        return JSONValue.object(members).compact
    }

    /// Counts by number, those that are not zero.
    private static func histogram(_ counts: [UInt64]) -> JSONValue {
        .object(
            counts.enumerated().filter { $0.element > 0 }.map {
                .init("\($0.offset)", .integer($0.element))
            })
    }
}
