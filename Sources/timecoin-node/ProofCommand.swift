import ArgumentParser
import Foundation
import TimeCoinControl
import TimeCoinCore
import TimeCoinNode

struct ProofCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "proof", abstract: "Verifies proofs of outputs, offline.", subcommands: [Verify.self])

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Verifies the proof of an output against the members of a genesis file, or hashes.")

        @OptionGroup var trusted: AnchorOptions
        @Option(name: .shortAndLong, help: "human or json.") var output: OutputFormat = .human
        @Argument(
            help: "A file with the proof in hexadecimal or the answer of getoutputproof, or - for input.")
        var file: String

        func run() async throws {
            let bytes = try bytes()
            let anchor = try trusted.anchor()
            let clock = ContinuousClock()
            let start = clock.now
            let final: FinalOutput
            do throws(ProofRejection) {
                final = try OutputProof(decoding: bytes).verify(against: anchor)
            } catch {
                throw ParsedFailure(description: "\(error.reason): \(error)")
            }
            let microseconds = Int64((clock.now - start) / .microseconds(1))
            let (name, entry) = (final.outPoint, final.entry)
            switch output {
            case .json:
                show(
                    JSONValue.object([
                        "valid": .bool(true), "txid": .string(name.transaction.description),
                        "n": .integer(name.index), "unspent": .bool(!final.isSpent),
                        "height": .integer(final.height), "blockhash": .string(final.block.hash.description),
                        "value": .string(entry.output.value.description),
                        "script": .string(Hexadecimal.encode(entry.output.locking.bytes)),
                        "created": .integer(entry.height), "bytes": .integer(bytes.count),
                        "microseconds": .integer(microseconds),
                    ]).pretty)
            case .human:
                show(
                    "valid: output \(name.index) of \(name.transaction), \(entry.output.value) TIME created "
                        + "at height \(entry.height), is \(final.isSpent ? "spent" : "unspent") after height "
                        + "\(final.height), block \(final.block.hash)")
                note("\(bytes.count) bytes, verified in \(microseconds) µs")
            }
        }

        /// Hexadecimal text, bare or as the proof of an answer.
        private func bytes() throws -> [UInt8] {
            let data =
                file == "-"
                ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: file)
            guard let data else { throw ParsedFailure(description: "cannot read the file \(file)") }
            let content = Array(data.prefix(Verify.fileBytesMax))
            let answer = try? JSONValue(parsing: content)["proof"]?.string
            let text = answer ?? String(decoding: content, as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            guard let bytes = Hexadecimal.decode(text) else {
                throw ParsedFailure(
                    description:
                        "\(file) is not a proof in hexadecimal of at most \(OutputProof.bytesMax) bytes")
            }
            return bytes
        }

        /// Bytes read of a file at most: the proof as text, and room for an answer around it.
        private static let fileBytesMax = 2 * OutputProof.bytesMax + 1024
    }
}
