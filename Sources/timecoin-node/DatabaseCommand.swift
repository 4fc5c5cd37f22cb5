import ArgumentParser
import Foundation
import TimeCoinControl
import TimeCoinNode

/// What an operator does with a stopped node's database.
struct DatabaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "db", abstract: "Looks after the database of a stopped node.",
        subcommands: [
            Stats.self, Verify.self, Prune.self, Export.self, Import.self, Rollback.self, Reindex.self,
        ])

    struct Stats: ReportingCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows tip, counts, and how many records and bytes each table has.")

        @OptionGroup var node: NodeOptions
        @Option(name: .shortAndLong, help: "human or json.") var output: OutputFormat = .human

        func run() async throws {
            let statistics = try DatabaseStatistics(of: node.directory)
            show(output == .json ? statistics.json.pretty : statistics.text)
        }
    }

    struct Verify: ReportingCommand {
        static let configuration = CommandConfiguration(
            abstract: "Looks at every record, and recomputes from them what the certified tip says.",
            discussion: "Ends with 74 where anything is damaged, and names it.")

        @OptionGroup var node: NodeOptions
        @Option(name: .shortAndLong, help: "human or json.") var output: OutputFormat = .human
        // A damaged page can end whoever reads it, so another process reads.
        @Flag(help: .hidden) var apart = false

        func run() async throws {
            guard !apart else {
                return try tell(
                    DatabaseVerification.report(
                        of: node.directory, progress: .standardError(json: output == .json)))
            }
            let (status, crash) = try DatabaseVerification.runApart(
                node.words("db", "verify") + ["--output", output.rawValue, "--apart"])
            if let crash { try tell(crash) }
            throw ArgumentParser.ExitCode(status)
        }

        private func tell(_ summary: VerificationSummary) throws {
            show(output == .json ? summary.json.pretty : summary.text)
            if let failure = summary.failure { throw failure }
        }
    }

    struct Prune: ReportingCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes away old blocks, and spent outputs that nothing needs any more.")

        @OptionGroup var node: NodeOptions
        @Option(help: "Blocks at the tip that are kept at least; by default as few as the rules allow.")
        var keep: UInt64?
        @Option(name: .shortAndLong, help: "human or json.") var output: OutputFormat = .human

        func run() async throws {
            let summary = try DatabasePrune.run(
                node.directory, keeping: keep, progress: .standardError(json: output == .json))
            show(output == .json ? summary.json.pretty : summary.text)
        }
    }

    struct Export: ReportingCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes certified blocks to a file that every node of the chain can import.")

        @OptionGroup var node: NodeOptions
        @Option(help: "The first block; by default the first that is kept.") var from: UInt64?
        @Option(help: "The last block; by default the last certified one.") var to: UInt64?
        @Option(name: .shortAndLong, help: "human or json.") var output: OutputFormat = .human
        @Argument(help: "A new file, or - for output: the summary then goes to standard error.") var file:
            String

        func run() async throws {
            let summary = try ChainExport.run(
                node.directory, to: file, from: from, through: to,
                progress: .standardError(json: output == .json))
            let text = output == .json ? summary.json.pretty : summary.text
            if file == "-" { note(text) } else { show(text) }
        }
    }

    struct Import: ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "import",
            abstract: "Verifies exported blocks as if a stranger sent them, and keeps them.")

        @OptionGroup var node: NodeOptions
        @Option(name: .shortAndLong, help: "human or json.") var output: OutputFormat = .human
        @Argument(help: "An exported file, or - for input.") var file: String

        func run() async throws {
            let summary = try await ChainImport.run(
                node.directory, from: file, progress: .standardError(json: output == .json))
            show(output == .json ? summary.json.pretty : summary.text)
        }
    }

    struct Rollback: ReportingCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes back blocks at the tip that have no commit certificate; nothing else ever.")

        enum Reason: String, ExpressibleByArgument {
            case uncertified
        }

        @OptionGroup var node: NodeOptions
        @Option(help: "The block that shall be the tip; by default the last certified one.") var to: UInt64?
        @Option(help: "uncertified: the only reason there is.") var reason: Reason
        @Flag(help: "Only tells what it would do.") var dryRun = false
        @Option(name: .shortAndLong, help: "human or json.") var output: OutputFormat = .human

        func run() async throws {
            let summary = try DatabaseRollback.run(node.directory, to: to, isDryRun: dryRun)
            if let warning = summary.warning { note(warning) }
            show(output == .json ? summary.json.pretty : summary.text)
        }
    }

    struct Reindex: ReportingCommand {
        static let configuration = CommandConfiguration(
            abstract: "Builds the database anew from its own blocks, verifying all of them.")

        @OptionGroup var node: NodeOptions
        @Flag(help: "Removes the old database instead of keeping it beside the new one.") var discard = false
        @Option(name: .shortAndLong, help: "human or json.") var output: OutputFormat = .human

        func run() async throws {
            let summary = try await DatabaseReindex.run(
                node.directory, discarding: discard, progress: .standardError(json: output == .json))
            show(output == .json ? summary.json.pretty : summary.text)
        }
    }
}
