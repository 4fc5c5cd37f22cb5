import ArgumentParser
import Foundation
import TimeCoinControl
import TimeCoinCore
import TimeCoinNode

struct SignCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign", abstract: "Signs a transaction with the wallet's keys, without a running node.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var secret: PassphraseOptions
    @Option(help: "Hash of the genesis block; by default that of the directory's genesis file.")
    var chain: String?
    @Option(
        help: "A JSON file, or - for input: an array of {txid, vout, script, amount[, redeemscript]}.")
    var previous: String
    @Option(help: "What the signatures cover: ALL, NONE or SINGLE, each also with |ANYONECANPAY.")
    var type = "ALL"
    @Argument(help: "The transaction in hexadecimal, or - for input.") var transaction: String

    func run() async throws {
        let hash = try chain.map { text in
            guard let hash = Hash256(hex: text) else {
                throw ParsedFailure(description: "--chain is 64 hexadecimal digits, not \(text)")
            }
            return hash
        }
        let signer = try OfflineSigner(
            node.directory, passphrase: try secret.passphrase(on: node.network), chain: hash)
        guard transaction != "-" || previous != "-" else {
            throw ParsedFailure(description: "only one of transaction and --previous can be read from input")
        }
        let hex =
            transaction == "-"
            ? String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines) : transaction
        show(try signer.sign(hex, previous: try outputs(), type: type).pretty)
    }

    private func outputs() throws(RPCError) -> JSONValue {
        let data =
            previous == "-"
            ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: previous)
        guard let data else {
            throw RPCError(.invalidParameter, "unreadable", "cannot read the file \(previous)")
        }
        do {
            return try JSONValue(parsing: Array(data))
        } catch {
            throw RPCError(.invalidParameter, "bad-json", "\(previous): \(error)")
        }
    }
}
