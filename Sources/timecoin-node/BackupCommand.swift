import ArgumentParser
import TimeCoinControl
import TimeCoinNode

struct BackupCommand: ReportingCommand {
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

struct RestoreCommand: ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Puts a backup in the place of a stopped node's database; the sign record stays as it is.")

    @OptionGroup var node: NodeOptions
    @Flag(help: "Keeps the database that is there under another name.") var replace = false
    @Option(name: .shortAndLong, help: "human or json.") var output: OutputFormat = .human
    @Argument(help: "The directory of a backup.") var backup: String

    func run() async throws {
        let summary = try DatabaseRestore.run(
            backup, to: node.directory, replacing: replace, trial: node.words("try-opening"),
            progress: .standardError(json: output == .json))
        show(output == .json ? summary.json.pretty : summary.text)
    }
}
