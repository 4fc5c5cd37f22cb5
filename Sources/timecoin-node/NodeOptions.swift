public import ArgumentParser
import Foundation
import TimeCoinControl
public import TimeCoinCore
import TimeCoinNode

extension Network: ExpressibleByArgument {}

/// Where a node lies.
struct NodeOptions: ParsableArguments {
    @Option(help: "Directory of everything that the node keeps.")
    var datadir: String =
        ProcessInfo.processInfo.environment["TIMECOIN_DATADIR"] ?? NSHomeDirectory() + "/.timecoin"

    @Option(help: "main, test or local.")
    var network: Network = .main

    var directory: NodeDirectory { NodeDirectory(dataDirectory: datadir, network: network) }

    /// A command of this program for the same node, for a process of its own.
    func words(_ command: String...) -> [String] {
        let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return [program ?? CommandLine.arguments[0]] + command
            + ["--datadir", datadir, "--network", network.rawValue]
    }
}

/// Where the passphrase comes from; never from an argument.
struct PassphraseOptions: ParsableArguments {
    @Option(help: "A file whose first line is the passphrase; on the local network there may be none.")
    var passphraseFile: String?

    func passphrase(on network: Network) throws -> [UInt8] {
        if let passphraseFile {
            guard let text = try? String(contentsOfFile: passphraseFile, encoding: .utf8) else {
                throw ParsedFailure(description: "cannot read the passphrase file \(passphraseFile)")
            }
            return Array((text.split(separator: "\n", omittingEmptySubsequences: false).first ?? "").utf8)
        }
        if network == .local { return [] }
        guard isatty(0) == 1, let typed = getpass("passphrase: ") else {
            throw ParsedFailure(description: "a passphrase is needed: use --passphrase-file")
        }
        return Array(String(cString: typed).utf8)
    }
}

enum OutputFormat: String, ExpressibleByArgument, Sendable {
    case human
    case json
}

/// Standard error, for everything that is not the result.
func note(_ text: String) {
    StandardStreams.note(text)
}

/// Writes a line of the result, or ends the program where nobody can read it.
func show(_ line: String) {
    guard !StandardStreams.result(line) else { return }
    note("error: the result cannot be written to standard output")
    exit(TimeCoinControl.ExitCode.ioError.rawValue)
}
