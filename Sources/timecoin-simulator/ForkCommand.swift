import ArgumentParser
import Foundation
import TimeCoinControl
import TimeCoinTesting

/// Runs of forks by more than f members.
enum ForkCommand {
    static func campaign(
        _ seeds: ClosedRange<UInt64>, nodes: Int?, workers: Int, violationsMax: Int, isShort: Bool
    ) async throws {
        let clock = ContinuousClock()
        let began = clock.now
        var summary = ForkSummary()
        await ForkRun.campaign(seeds: seeds, nodes: nodes, workers: workers) { outcome in
            summary.take(outcome)
            if let violation = outcome.violation {
                if !isShort { show("seed \(outcome.seed): \(violation)") }
                show(repetition(outcome.seed, nodes))
            }
            return summary.violations.count < violationsMax
        }
        let missing = summary.missing
        if !missing.isEmpty, !isShort { show("never happened: \(missing.joined(separator: ", "))") }
        let seconds = (clock.now - began).components
        let milliseconds = seconds.seconds * 1000 + seconds.attoseconds / 1_000_000_000_000_000
        show(json(summary, nodes, missing, milliseconds))
        guard summary.violations.isEmpty, missing.isEmpty else { throw ExitCode(1) }
    }

    static func replay(_ seed: UInt64, nodes: Int?) throws {
        guard let outcome = ForkRun.replay(seed: seed, nodes: nodes) else {
            throw ValidationError("these options make no network")
        }
        var summary = ForkSummary()
        summary.take(outcome)
        if let violation = outcome.violation { show("seed \(seed): \(violation)") }
        show(json(summary, nodes, [], nil))
        guard outcome.violation == nil else { throw ExitCode(1) }
    }

    private static func repetition(_ seed: UInt64, _ nodes: Int?) -> String {
        "timecoin-simulator replay \(seed) --profile fork" + (nodes.map { " --nodes \($0)" } ?? "")
    }

    private static func json(
        _ summary: ForkSummary, _ nodes: Int?, _ missing: [String], _ milliseconds: Int64?
    ) -> String {
        var members: [JSONValue.Member] = [
            .init("profile", .string("fork")),
            .init("seeds", .integer(summary.seeds)),
            .init("forked", .integer(summary.forked)),
            .init("heights", .integer(summary.heightsAfter)),
            .init("nodes", SummaryText.histogram(summary.nodes)),
            .init(
                "forks", .object(ForkKind.allCases.map { .init($0.rawValue, .integer(summary[$0])) })),
        ]
        members += SummaryText.verdict(
            trace: summary.trace, missing: missing,
            violations: summary.violations.map { ($0.seed, $0.violation, repetition($0.seed, nodes)) })
        if let milliseconds { members.append(.init("milliseconds", .integer(milliseconds))) }
        return JSONValue.object(members).compact
    }
}
