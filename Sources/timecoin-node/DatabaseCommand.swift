import ArgumentParser
import Foundation
import TimeCoinControl
import TimeCoinNode

/// What an operator does with a stopped node's database.
struct DatabaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "db", abstract: "Looks after the database of a stopped node.",
        subcommands: [Stats.self, Export.self, Import.self, Rollback.self, Reindex.self])

    struct Stats: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows tip, counts, and how many records and bytes each table has.")

        @OptionGroup var node: NodeOptions
        @Option(name: .shortAndLong, help: "human or json.") var output: OutputFormat = .human

        func run() async throws {
            let statistics = try DatabaseStatistics(of: node.directory)
            show(output == .json ? statistics.json.pretty : statistics.text)
        }
    }

    struct Export: AsyncParsableCommand {
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

    struct Import: AsyncParsableCommand {
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

    struct Rollback: AsyncParsableCommand {
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

    struct Reindex: AsyncParsableCommand {
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

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copies the database and verifies the copy; where a node runs, the node does it.",
        discussion:
            "Keys, wallet, sign record and journal are in no backup. A sign record must never be restored.")

    @OptionGroup var node: NodeOptions
    @Option(name: .shortAndLong, help: "human or json.") var output: OutputFormat = .human
    @Argument(help: "A new directory.") var directory: String

    func run() async throws {
        let manifest = try await DatabaseBackup.run(
            node.directory, to: directory, progress: .standardError(json: output == .json))
        switch output {
        case .json: show(manifest.pretty)
        case .human: show("backed up and verified in \(directory)\n" + BackupManifest.text(of: manifest))
        }
    }
}

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Puts a backup in the place of a stopped node's database; the sign record stays as it is.")

    @OptionGroup var node: NodeOptions
    @Flag(help: "Keeps the database that is there under another name.") var replace = false
    @Option(name: .shortAndLong, help: "human or json.") var output: OutputFormat = .human
    @Argument(help: "The directory of a backup.") var backup: String

    func run() async throws {
        let summary = try DatabaseRestore.run(
            backup, to: node.directory, replacing: replace,
            progress: .standardError(json: output == .json))
        show(output == .json ? summary.json.pretty : summary.text)
    }
}
