import ArgumentParser
import Foundation
import TimeCoinControl
import TimeCoinCore
import TimeCoinNode

struct EvidenceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evidence", abstract: "Verifies evidence of a member's misbehaviour, offline.",
        subcommands: [Verify.self])

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract:
                "Verifies evidence or the proof of a fork against the members of a genesis file, or hashes."
        )

        @OptionGroup var trusted: AnchorOptions
        @Option(name: .shortAndLong, help: "human or json.") var output: OutputFormat = .human
        @Argument(help: "A file with the evidence in hexadecimal, or - for input.") var file: String

        func run() async throws {
            let bytes = try bytes()
            // The proof of a fork is known by its length of two certificates, which no evidence has.
            if (try? Evidence(decoding: bytes)) == nil, let proof = try? ForkProof(decoding: bytes) {
                do {
                    return ForkText.fork(try proof.verify(against: try trusted.anchor()), output)
                } catch let rejection as ForkProofRejection {
                    throw ParsedFailure(description: "\(rejection.reason): \(rejection)")
                }
            }
            let evidence: Evidence
            let member: Member
            do {
                evidence = try Evidence(decoding: bytes)
                member = try evidence.verify(against: try trusted.anchor())
            } catch let rejection as EvidenceRejection {
                throw ParsedFailure(description: "\(rejection.reason): \(rejection)")
            }
            let kind = evidence.misbehaviour.kind
            switch output {
            case .json:
                show(
                    JSONValue.object([
                        "valid": .bool(true), "kind": .string(kind),
                        "name": .string(evidence.name.description),
                        "member": .string(member.operatorKey.description),
                        "weight": .integer(Int64(clamping: member.weight)),
                        "height": .integer(Int64(clamping: evidence.misbehaviour.height)),
                    ]).pretty)
            case .human:
                show(
                    "valid: member \(member.operatorKey) of weight \(member.weight) is to blame: "
                        + "\(kind) at height \(evidence.misbehaviour.height)")
            }
        }

        private func bytes() throws -> [UInt8] {
            let data =
                file == "-"
                ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: file)
            guard let data else { throw ParsedFailure(description: "cannot read the file \(file)") }
            let text = String(decoding: data.prefix(2 * ForkProof.bytesMax + 2), as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            guard let bytes = Hexadecimal.decode(text) else {
                throw ParsedFailure(
                    description:
                        "\(file) is not evidence in hexadecimal of at most \(ForkProof.bytesMax) bytes")
            }
            return bytes
        }
    }
}
