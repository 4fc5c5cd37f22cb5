import TimeCoinControl
import TimeCoinTesting

/// The summary of a run in one line of JSON.
enum SummaryText {
    static func json(
        _ summary: SimulationSummary, _ options: SimulationOptions, missing: [String],
        pace: (milliseconds: Int64, workers: Int)?
    ) -> String {
        let counts = summary.counts
        var members: [JSONValue.Member] = [
            .init("profile", .string(options.profile.rawValue)),
            .init("options", .string(options.arguments)),
            .init("seeds", .integer(summary.seeds)),
            .init("heights", .integer(counts.heights)),
            .init("nodes", histogram(summary.nodes)),
            .init("rounds", histogram(counts.rounds)),
            .init("highestRounds", histogram(counts.highestRounds)),
            .init(
                "faults",
                .object(FaultKind.allCases.map { .init($0.rawValue, .integer(counts[$0])) })),
            .init("events", .integer(counts.events)),
        ]
        members += verdict(
            trace: summary.trace, missing: missing,
            violations: summary.violations.map {
                ($0.seed, $0.violation, repetition($0.seed, options))
            })
        if let pace {
            members.append(.init("milliseconds", .integer(pace.milliseconds)))
            let rate = pace.milliseconds > 0 ? counts.heights * 1000 / UInt64(pace.milliseconds) : 0
            members.append(.init("heightsPerSecond", .integer(rate)))
            members.append(.init("heightsPerSecondAndCore", .integer(rate / UInt64(max(1, pace.workers)))))
        }
        return JSONValue.object(members).compact
    }

    /// What every profile's summary says of what it has found.
    static func verdict(
        trace: UInt64, missing: [String],
        violations: [(seed: UInt64, violation: Violation?, repetition: String)]
    ) -> [JSONValue.Member] {
        [
            .init("trace", .string(String(trace, radix: 16))),
            .init("missing", .array(missing.map { .string($0) })),
            .init(
                "violations",
                .array(
                    violations.map { seed, violation, repetition in
                        .object([
                            .init("seed", .integer(seed)),
                            .init("law", .string(violation?.law.rawValue ?? "")),
                            .init("message", .string(violation?.message ?? "")),
                            .init("repeat", .string(repetition)),
                        ])
                    })),
        ]
    }

    /// Counts by number, those that are not zero.
    static func histogram(_ counts: [UInt64]) -> JSONValue {
        .object(
            counts.enumerated().filter { $0.element > 0 }.map {
                .init("\($0.offset)", .integer($0.element))
            })
    }
}
