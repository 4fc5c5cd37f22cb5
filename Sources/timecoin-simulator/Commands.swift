import ArgumentParser
import Foundation
import TimeCoinTesting

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs a range of seeds; the last line is a summary in JSON.",
        discussion: "Exits with 0 only when no law was broken and, in runs of "
            + "\(SimulationSummary.floorSeeds) seeds or more, every fault really happened.")

    @Option(help: "Seeds, A..B, both included.") var seeds: SeedRange
    @OptionGroup var run: RunOptions
    @Option(help: "Seeds at a time; as many as there are cores when left out.") var workers: Int?
    @Option(help: "Violations after which the run ends.") var violationsMax = 10
    @Flag(help: "Nothing but the summary.") var json = false

    func run() async throws {
        let workers = workers ?? ProcessInfo.processInfo.activeProcessorCount
        guard !run.isFork else {
            return try await ForkCommand.campaign(
                seeds.seeds, nodes: run.nodes, workers: workers, violationsMax: violationsMax, isShort: json)
        }
        let options = run.options
        let clock = ContinuousClock()
        let began = clock.now
        var summary = SimulationSummary()
        await SimulationRun.campaign(seeds: seeds.seeds, options, workers: workers) { outcome in
            summary.take(outcome)
            if let violation = outcome.violation {
                if !json { show("seed \(outcome.seed): \(violation)") }
                show(repetition(outcome.seed, options))
            }
            return summary.violations.count < violationsMax
        }
        let missing = summary.missing(options)
        if !missing.isEmpty, !json { show("never happened: \(missing.joined(separator: ", "))") }
        let seconds = (clock.now - began).components
        show(
            SummaryText.json(
                summary, options, missing: missing,
                pace: (
                    seconds.seconds * 1000 + seconds.attoseconds / 1_000_000_000_000_000, workers
                )))
        guard summary.violations.isEmpty, missing.isEmpty else { throw ExitCode(1) }
    }
}

struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Repeats one seed; exits with 1 when it breaks a law.")

    @Argument var seed: UInt64
    @OptionGroup var run: RunOptions
    @Flag(help: "Every message and fault, a line each.") var trace = false

    func run() async throws {
        guard !run.isFork else { return try ForkCommand.replay(seed, nodes: run.nodes) }
        guard
            let outcome = SimulationRun.replay(
                seed: seed, run.options, narrator: trace ? { show($0) } : nil)
        else { throw ValidationError("these options make no network") }
        var summary = SimulationSummary()
        summary.take(outcome)
        if let violation = outcome.violation { show("seed \(seed): \(violation)") }
        show(SummaryText.json(summary, run.options, missing: [], pace: nil))
        guard outcome.violation == nil else { throw ExitCode(1) }
    }
}

struct ShrinkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shrink",
        abstract: "Makes a failing seed smaller: fewer faults, members, heights, less time.")

    @Argument var seed: UInt64
    @OptionGroup var run: RunOptions

    func run() async throws {
        guard !run.isFork else { throw ValidationError("runs of forks are as small as they get") }
        let found = SimulationShrinker.shrink(seed: seed, run.options) { options, violation in
            show("\(violation)\n\(repetition(seed, options))")
        }
        guard let found else {
            show("seed \(seed) breaks no law")
            return
        }
        show("smallest: \(found.violation)")
        show(repetition(seed, found.options))
        throw ExitCode(1)
    }
}
