import ArgumentParser
import Foundation
import TimeCoinControl
import TimeCoinNode

struct LocalnetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "localnet", abstract: "Several nodes on this machine, for trying out and for tests.",
        subcommands: [Up.self, Status.self, Kill.self, Restart.self, Down.self])

    struct Place: ParsableArguments {
        @Option(help: "Directory of the network.") var dir: String

        var network: LocalNetwork {
            LocalNetwork(directory: absolute(dir), executable: executable)
        }

        private func absolute(_ path: String) -> String {
            path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        }

        private var executable: String {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
                ?? CommandLine.arguments[0]
        }
    }

    struct Up: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a network, or starts it again.",
            discussion: "A network that is there keeps what it was made with; other numbers are refused.")

        @OptionGroup var place: Place
        @Option(help: "How many nodes vote; 4 for a new network.") var validators: Int?
        @Option(help: "Length of a slot in seconds; 5 for a new network.") var blockTime: Double?
        @Option(
            help: "Least seconds between payment blocks, 0 for at once; 1 for a new network."
        )
        var paymentTime: Double?
        @Flag(help: "Return once all nodes answer, and leave them running.") var detach = false

        func validate() throws {
            if let validators, !(1...LocalNetwork.validatorsMax).contains(validators) {
                throw ValidationError(
                    "--validators is 1 to \(LocalNetwork.validatorsMax), not \(validators)")
            }
        }

        func run() async throws {
            let network = place.network
            let slot = try blockTime.map(Seconds.blockTime)
            let count = try await network.up(
                LocalNetwork.Request(
                    validators: validators, slotMilliseconds: slot,
                    paymentMilliseconds: try paymentTime.map {
                        try Seconds.paymentTime($0, slot: slot)
                    }))
            note("\(count) nodes run")
            if detach { return }
            note("Ctrl-C stops them")
            await Interruption.wait()
            try network.down()
        }
    }

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows the nodes.")

        @OptionGroup var place: Place
        @Option(name: .shortAndLong, help: "human or json.") var output: OutputFormat = .human

        func run() async throws {
            let status = try await place.network.status()
            if output == .json {
                show(status.compact)
                return
            }
            for node in status["nodes"]?.array ?? [] {
                let state = node["running"]?.bool == true ? "runs" : "stopped"
                let height = node["height"]?.integer.map { "height \($0)" } ?? "no answer"
                show(
                    "node \(node["index"]?.integer ?? 0)  \(state)  \(height)  \(node["p2p"]?.string ?? "")  "
                        + (node["socket"]?.string ?? ""))
            }
        }
    }

    struct Kill: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Kills a node as a crash would (SIGKILL).")

        @OptionGroup var place: Place
        @Argument(help: "The node's number.") var index: Int

        func run() async throws { try place.network.kill(index) }
    }

    struct Restart: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Stops a node if it runs, and starts it.")

        @OptionGroup var place: Place
        @Argument(help: "The node's number.") var index: Int

        func run() async throws { try await place.network.restart(index) }
    }

    struct Down: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Stops all nodes.")

        @OptionGroup var place: Place

        func run() async throws { try place.network.down() }
    }
}
