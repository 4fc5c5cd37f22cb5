import ArgumentParser
import Foundation
import Logging
import TimeCoinControl
import TimeCoinCore
import TimeCoinNet
import TimeCoinNode

struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Makes a node's directory, its keys and its wallet.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var secret: PassphraseOptions
    @Option(name: .shortAndLong, help: "human or json.") var output: OutputFormat = .human

    func run() async throws {
        let passphrase = try secret.passphrase(on: node.network)
        guard !passphrase.isEmpty || node.network == .local else {
            throw ParsedFailure(description: "an empty passphrase is allowed on the local network only")
        }
        if passphrase.isEmpty {
            note("warning: the keys have no passphrase; whoever reads the files owns them")
        }
        show(try NodeSetup.create(node.directory, passphrase: passphrase), node.network, output)
    }
}

private func show(_ identity: NodeSetup.Identity, _ network: Network, _ output: OutputFormat) {
    let address = identity.address.text(on: network)
    switch output {
    case .json:
        show(
            JSONValue.object([
                "nodekey": .string(identity.nodeKey.description),
                "operatorkey": .string(identity.operatorKey.description), "address": .string(address),
            ]).pretty)
    case .human:
        show(
            "node key      \(identity.nodeKey)\n" + "operator key  \(identity.operatorKey)\n"
                + "address       \(address)"
        )
    }
}

struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Shows the public keys and the first address of a node.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var secret: PassphraseOptions
    @Option(name: .shortAndLong, help: "human or json.") var output: OutputFormat = .human

    func run() async throws {
        let identity = try NodeSetup.identity(
            node.directory, passphrase: try secret.passphrase(on: node.network))
        show(identity, node.network, output)
    }
}

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Runs the node until it is stopped.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var secret: PassphraseOptions
    @Option(help: "Address to listen on, host:port.") var listen: String = "127.0.0.1:24100"
    @Option(name: .customLong("peer"), help: "Address of a node to connect to, host:port; may be repeated.")
    var peers: [String] = []
    @Option(help: "trace, debug, info, notice, warning, error or critical.") var logLevel: String = "info"
    @Option(help: "pretty for people, json for programs.") var logFormat: LogFormat = .pretty

    enum LogFormat: String, ExpressibleByArgument {
        case pretty
        case json
    }

    func validate() throws {
        guard PeerAddress(listen) != nil else {
            throw ValidationError("--listen is host:port, not \(listen)")
        }
        for peer in peers where PeerAddress(peer) == nil {
            throw ValidationError("--peer is host:port, not \(peer)")
        }
        guard Logger.Level(rawValue: logLevel) != nil else {
            throw ValidationError("--log-level is trace, debug, info, notice, warning, error or critical")
        }
    }

    func run() async throws {
        // A file that may not grow is an error of the write, to be handled like every other.
        signal(SIGXFSZ, SIG_IGN)
        let level = Logger.Level(rawValue: logLevel) ?? .info
        let format = logFormat
        LoggingSystem.bootstrap { label in
            switch format {
            case .pretty: StreamLogHandler.standardError(label: label)
            case .json: JSONLogHandler(label: label)
            }
        }
        var logger = Logger(label: "timecoin")
        logger.logLevel = level
        try SocketPath.prepare(networkDirectory: node.directory.root)
        var configuration = NodeConfiguration(
            directory: node.directory,
            listen: PeerAddress(listen) ?? PeerAddress(host: "127.0.0.1", port: 0),
            peers: peers.compactMap { PeerAddress($0) },
            passphrase: try secret.passphrase(on: node.network),
            logLevel: level)
        configuration.trial = node.words("try-opening")
        try await NodeProgram(configuration, logger: logger).run()
    }
}

/// Opens a node's database and ends: what a start runs apart from itself when openings have crashed.
struct TryOpeningCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "try-opening", abstract: "Opens the database of a stopped node and ends.",
        shouldDisplay: false)

    @OptionGroup var node: NodeOptions

    func run() throws {
        try NodeProgram.tryOpening(node.directory)
    }
}

struct JournalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal", abstract: "Looks into the consensus journal.", subcommands: [Dump.self])

    struct Dump: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints every vote and proposal of a stopped node's journal, one JSON object a line.")

        @Option(help: "Directory of everything that the node keeps.") var datadir: String
        @Option(help: "main, test or local; by default the one that the directory holds.") var network:
            Network?
        @Option(name: .shortAndLong, help: "json.") var output: OutputFormat = .json

        func run() async throws {
            let networks = network.map { [$0] } ?? Network.allCases
            let found = networks.map { NodeDirectory(dataDirectory: datadir, network: $0) }
                .filter { FileManager.default.fileExists(atPath: $0.journal) }
            guard let directory = found.first, found.count == 1 else {
                throw ParsedFailure(
                    description: found.isEmpty
                        ? "there is no journal below \(datadir)"
                        : "\(datadir) holds several networks: name one")
            }
            try JournalDump.run(directory) { show($0.compact) }
        }
    }
}
