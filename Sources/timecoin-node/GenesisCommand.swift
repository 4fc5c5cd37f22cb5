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
                throw ParsedFailure(description: "--output \(output) exists already")
            }
            let document = GenesisDocument(
                parameters: try parameters(),
                time: Timestamp(milliseconds: UInt64(Date().timeIntervalSince1970 * 1000)),
                validators: try validator.map(parseValidator),
                allocations: try allocation.map(parseAllocation))
            let hash: Hash256
            do {
                hash = try document.genesis().hash
            } catch {
                throw ParsedFailure(description: "--validator and --allocation: \(error)")
            }
            try document.write(to: output)
            show("\(hash)")
        }

        private func parameters() throws -> ChainParameters {
            guard network == .local else {
                guard blockTime == nil, paymentTime == nil else {
                    throw ValidationError(
                        "--block-time and --payment-time are fixed on \(network.rawValue)")
                }
                return network == .main ? .main : .test
            }
            let slot = try Seconds.blockTime(blockTime ?? 5)
            return .local(
                slotMilliseconds: slot,
                // One second is the custom, and no longer than the slot is the rule.
                paymentIntervalMilliseconds: try paymentTime.map {
                    try Seconds.paymentTime($0, slot: slot)
                } ?? min(1000, slot))
        }

        private func parseValidator(_ text: String) throws -> GenesisDocument.Validator {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 3 else {
                throw ParsedFailure(description: "--validator \(text): it is KEY:WEIGHT:ADDRESS")
            }
            guard let key = PublicKey(hex: parts[0]), GenesisDocument.isKey(key) else {
                throw ParsedFailure(
                    description: "--validator \(text): KEY is 64 hexadecimal digits, not all zero")
            }
            guard let weight = UInt64(parts[1]), weight > 0 else {
                throw ParsedFailure(description: "--validator \(text): WEIGHT is a whole number from 1")
            }
            return GenesisDocument.Validator(
                operatorKey: key, weight: weight, payout: try address(parts[2], "--validator \(text)"))
        }

        private func parseAllocation(_ text: String) throws -> GenesisDocument.Allocation {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2 else {
                throw ParsedFailure(description: "--allocation \(text): it is ADDRESS:AMOUNT")
            }
            guard let amount = Amount(decimal: parts[1]) else {
                throw ParsedFailure(
                    description:
                        "--allocation \(text): AMOUNT is a decimal number of TIME with 8 decimals at most"
                )
            }
            return GenesisDocument.Allocation(
                address: try address(parts[0], "--allocation \(text)"), amount: amount)
        }

        private func address(_ text: String, _ argument: String) throws -> Address {
            do {
                return try Address(parsing: text, network: network)
            } catch {
                throw ParsedFailure(description: "\(argument): ADDRESS: \(error)")
            }
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

/// Seconds on the command line, for local networks.
enum Seconds {
    /// Milliseconds of a slot.
    static func blockTime(_ seconds: Double) throws -> UInt64 {
        try milliseconds(seconds, "--block-time", GenesisDocument.slotRange(on: .local))
    }

    /// Milliseconds between payment blocks; longer than a slot there would never be one.
    static func paymentTime(_ seconds: Double, slot: UInt64?) throws -> UInt64 {
        let longest = slot ?? GenesisDocument.slotRange(on: .local).upperBound
        return try milliseconds(seconds, "--payment-time", 0...longest)
    }

    private static func milliseconds(
        _ seconds: Double, _ name: String, _ range: ClosedRange<UInt64>
    ) throws -> UInt64 {
        let least = Double(range.lowerBound) / 1000
        let most = Double(range.upperBound) / 1000
        guard seconds >= least, seconds <= most else {
            throw ValidationError("\(name) is \(least) to \(most) seconds, not \(seconds)")
        }
        return UInt64((seconds * 1000).rounded())
    }
}
