import ArgumentParser
import TimeCoinControl
import TimeCoinCore
import TimeCoinNode

/// The state of a chain in one file, from which a new node goes on.
struct SnapshotCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot", abstract: "Makes, verifies and loads snapshots of the chain's state.",
        subcommands: [Create.self, Verify.self, Load.self])

    /// What is known before a snapshot is read.
    struct TrustOptions: ParsableArguments {
        @Option(
            help: "Hash of the final block that it must end with; by default the set of genesis decides.",
            transform: TrustOptions.hash)
        var trusted: Hash256?

        private static func hash(_ text: String) throws -> Hash256 {
            guard let hash = Hash256(hex: text) else {
                throw ValidationError("--trusted is a block hash of 64 hexadecimal digits")
            }
            return hash
        }
    }

    struct Create: ReportingCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes the state after the tip to a file; where a node runs, of a backup it makes.")

        @OptionGroup var node: NodeOptions
        @Option(help: "A backup to make it of, instead of the node's database.") var fromBackup: String?
        @Option(name: .shortAndLong, help: "human or json.") var output: OutputFormat = .human
        @Argument(help: "A new file.") var file: String

        func run() async throws {
            let progress = ProgressSink.standardError(json: output == .json)
            let summary =
                if let fromBackup {
                    try SnapshotCreation.run(
                        node.directory, fromBackup: fromBackup, to: file, progress: progress)
                } else {
                    try await SnapshotCreation.run(node.directory, to: file, progress: progress)
                }
            show(output == .json ? summary.json.pretty : "made and verified \(file)\n" + summary.text)
        }
    }

    struct Verify: ReportingCommand {
        static let configuration = CommandConfiguration(
            abstract: "Reads a snapshot whole and checks it against its certified header.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var trust: TrustOptions
        @Option(name: .shortAndLong, help: "human or json.") var output: OutputFormat = .human
        @Argument(help: "A snapshot.") var file: String

        func run() async throws {
            let summary = try SnapshotCreation.verify(
                file, in: node.directory, trusting: trust.trusted,
                progress: .standardError(json: output == .json))
            show(output == .json ? summary.json.pretty : "verified \(file)\n" + summary.text)
        }
    }

    struct Load: ReportingCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a snapshot the database of a stopped node; the sign record stays as it is.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var trust: TrustOptions
        @Flag(help: "Keeps the database that is there under another name.") var replace = false
        @Option(name: .shortAndLong, help: "human or json.") var output: OutputFormat = .human
        @Argument(help: "A snapshot.") var file: String

        func run() async throws {
            let summary = try SnapshotInstallation.run(
                file, to: node.directory, trusting: trust.trusted, replacing: replace,
                trial: node.words("try-opening"),
                progress: .standardError(json: output == .json))
            show(output == .json ? summary.json.pretty : summary.text)
        }
    }
}
