import ArgumentParser
import Foundation
import TimeCoinControl
import TimeCoinNode

/// The node's program: parses, makes one call, renders.
@main
struct TimeCoinNodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "timecoin-node",
        abstract: "Runs a TIME Coin node, and what belongs to running one.",
        version: NodeProgram.version,
        subcommands: [
            InitCommand.self, RunCommand.self, KeysCommand.self, GenesisCommand.self, LocalnetCommand.self,
            JournalCommand.self, SignCommand.self, EvidenceCommand.self, ProofCommand.self,
            RecoveryCommand.self, TryOpeningCommand.self, DatabaseCommand.self, BackupCommand.self,
            RestoreCommand.self, SnapshotCommand.self,
        ])

    static func main() async {
        var isJSON = false
        do {
            var command = try parseAsRoot()
            if let reporting = command as? any ReportingCommand {
                isJSON = reporting.output == .json
                // Of a verification the process above tells how it ended.
                if !(command is DatabaseCommand.Verify) { CrashReport.install(asJSON: isJSON) }
            }
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            CommandFailure.end(error, self, asJSON: isJSON)
        }
    }
}
