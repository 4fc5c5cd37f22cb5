import ArgumentParser
import Foundation
import TimeCoinCore
import TimeCoinNode

struct GenesisCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "genesis", abstract: "Makes and checks what a chain begins with.",
        subcommands: [New.self, Check.self, Hash.self])

    struct New: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Writes a genesis file.")

        @Option(help: "main, test or local.") var network: Network = .local
        @Option(help: "A validator as KEY:WEIGHT:ADDRESS; may be repeated.") var validator: [String]
        @Option(help: "Money as ADDRESS:AMOUNT; may be repeated.") var allocation: [String] = []
        @Option(help: "Length of a slot in seconds; on local networks only.") var blockTime: Double?
        @Option(help: "Least seconds between payment blocks; on local networks only.") var paymentTime:
            Double?
        @Option(name: .shortAndLong, help: "The file to write.") var output: String

        func run() async throws {
            guard !FileManager.default.fileExists(atPath: output) else {
                throw ParsedFailure(description: "\(output) exists already")
            }
            let document = GenesisDocument(
                parameters: try parameters(),
                time: Timestamp(milliseconds: UInt64(Date().timeIntervalSince1970 * 1000)),
                validators: try validator.map(parseValidator),
                allocations: try allocation.map(parseAllocation))
            let hash = try document.genesis().hash
            try document.write(to: output)
            show("\(hash)")
        }

        private func parameters() throws -> ChainParameters {
            guard network == .local else {
                guard blockTime == nil, paymentTime == nil else {
                    throw ParsedFailure(
                        description: "block and payment time are fixed on \(network.rawValue)")
                }
                return network == .main ? .main : .test
            }
            return .local(
                slotMilliseconds: try Seconds.milliseconds(blockTime ?? 5, "--block-time", least: 1),
                paymentIntervalMilliseconds: try Seconds.milliseconds(
                    paymentTime ?? 1, "--payment-time", least: 0))
        }

        private func parseValidator(_ text: String) throws -> GenesisDocument.Validator {
            let parts = text.split(separator: ":").map(String.init)
            guard parts.count == 3, let key = PublicKey(hex: parts[0]), let weight = UInt64(parts[1]) else {
                throw ParsedFailure(description: "a validator is KEY:WEIGHT:ADDRESS, not \(text)")
            }
            return GenesisDocument.Validator(
                operatorKey: key, weight: weight, payout: try Address(parsing: parts[2], network: network))
        }

        private func parseAllocation(_ text: String) throws -> GenesisDocument.Allocation {
            let parts = text.split(separator: ":").map(String.init)
            guard parts.count == 2, let amount = Amount(decimal: parts[1]) else {
                throw ParsedFailure(description: "an allocation is ADDRESS:AMOUNT, not \(text)")
            }
            return GenesisDocument.Allocation(
                address: try Address(parsing: parts[0], network: network), amount: amount)
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Checks a genesis file.")

        @Argument(help: "The file.") var file: String

        func run() async throws {
            let genesis = try GenesisDocument(reading: file).genesis()
            let state = genesis.state
            show(
                "ok: \(state.parameters.network.rawValue), \(state.validators.members.count) validators, "
                    + "\(state.supply.allocated) TIME allocated, hash \(genesis.hash)")
        }
    }

    struct Hash: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Prints the hash that names the chain.")

        @Argument(help: "The file.") var file: String

        func run() async throws {
            show("\(try GenesisDocument(reading: file).genesis().hash)")
        }
    }
}

/// Seconds on the command line.
enum Seconds {
    static func milliseconds(_ seconds: Double, _ name: String, least: Double) throws -> UInt64 {
        guard seconds.isFinite, seconds >= least, seconds <= 3600 else {
            throw ParsedFailure(description: "\(name) is \(least) to 3600 seconds")
        }
        return UInt64((seconds * 1000).rounded())
    }
}
