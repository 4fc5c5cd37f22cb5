import ArgumentParser
import Foundation
import TimeCoinControl
import TimeCoinCore
import TimeCoinNode

/// What an operator does after a fork, while the node is stopped.
struct RecoveryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recovery", abstract: "Goes on after a fork, on a stopped node.",
        subcommands: [Show.self, Sign.self, Combine.self, Apply.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Verifies the proof of a fork and tells who is to blame and who remains.")

        @OptionGroup var node: NodeOptions
        @Option(name: .shortAndLong, help: "human or json.") var output: OutputFormat = .human
        @Argument(help: "A file with the proof in hexadecimal, or - for input.") var proof: String

        func run() async throws {
            let desk = try RecoveryDesk(node.directory)
            ForkText.fork(try verified(proof, desk), output)
        }
    }

    struct Sign: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Signs this member's recovery vote for a branch, once a fork, and prints it.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var secret: PassphraseOptions
        @Option(help: "Hash of the block at the fork's height that stays.") var branch: String
        @Option(help: "Last block that stays, HEIGHT:HASH; by default this node's tip on that branch.")
        var last: String?
        @Argument(help: "A file with the proof in hexadecimal, or - for input.") var proof: String

        func run() async throws {
            let desk = try RecoveryDesk(node.directory)
            let fork = try verified(proof, desk)
            guard let branch = Hash256(hex: branch) else {
                throw ParsedFailure(description: "--branch is 64 hexadecimal digits, not \(self.branch)")
            }
            let vote = try desk.terms(fork, branch: branch, last: try last.map { try block($0) })
            note(
                "signs for \(vote.branch) at height \(vote.height) up to \(vote.lastHeight):\(vote.lastHash)"
            )
            let signed = try desk.sign(
                vote, fork, passphrase: try secret.passphrase(on: node.network))
            show(Hexadecimal.encode(signed.encoded))
        }

        private func block(_ text: String) throws -> (height: Height, hash: Hash256) {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, let height = UInt64(parts[0]), let hash = Hash256(hex: String(parts[1]))
            else { throw ParsedFailure(description: "--last is HEIGHT:HASH, not \(text)") }
            return (height, hash)
        }
    }

    struct Combine: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Puts recovery votes together and prints the certificate.")

        @OptionGroup var node: NodeOptions
        @Argument(help: "A file with the proof in hexadecimal.") var proof: String
        @Argument(help: "Files with one vote each, in hexadecimal.") var votes: [String]

        func run() async throws {
            let fork = try verified(proof, try RecoveryDesk(node.directory))
            let signed = try votes.map { path in
                try SignedRecoveryVote(
                    decoding: try HexFile.read(path, bytesMax: SignedRecoveryVote.byteCount))
            }
            guard let first = signed.first?.vote else { throw ParsedFailure(description: "no vote is given") }
            if let other = signed.firstIndex(where: { $0.vote != first }) {
                throw ParsedFailure(description: "\(votes[other]) votes for something else than \(votes[0])")
            }
            guard let certificate = RecoveryCertificate(fork, first, votes: signed) else {
                throw ParsedFailure(
                    description: "these are not votes on this proof by different remaining members with more "
                        + "than two thirds of the remaining weight")
            }
            show(Hexadecimal.encode(certificate.encoded))
        }
    }

    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Follows a recovery: takes back what is not on its branch and keeps to it from now on.")

        @OptionGroup var node: NodeOptions
        @Option(help: "Height at or below which nothing may be taken back.") var checkpoint: UInt64 = 0
        @Flag(help: "Really do it; without it the command only tells what it would follow.") var consent =
            false
        @Argument(help: "A file with the certificate in hexadecimal, or - for input.") var certificate: String

        func run() async throws {
            let desk = try RecoveryDesk(node.directory)
            let recovery: VerifiedRecovery
            do {
                recovery = try desk.verify(
                    try RecoveryCertificate(
                        decoding: try HexFile.read(certificate, bytesMax: RecoveryCertificate.bytesMax)))
            } catch let rejection as RecoveryRejection {
                throw ParsedFailure(description: "\(rejection.reason): \(rejection)")
            }
            let vote = recovery.vote
            show(
                "recovery of height \(vote.height): branch \(vote.branch), last block "
                    + "\(vote.lastHeight):\(vote.lastHash), members that remain: "
                    + "\(recovery.validators.members.count)"
            )
            guard consent else {
                return note("nothing was changed: repeat with --consent to follow it")
            }
            let followed = try desk.follow(recovery, checkpoint: checkpoint)
            show("followed: \(followed.undone) blocks taken back, the tip is \(followed.tip)")
            if followed.tip < followed.last {
                note("start the node: it fetches the branch up to height \(followed.last) from its peers")
            }
        }
    }
}

private func verified(_ path: String, _ desk: RecoveryDesk) throws -> ProvenFork {
    do {
        return try desk.verify(
            try ForkProof(decoding: try HexFile.read(path, bytesMax: ForkProof.bytesMax)))
    } catch let rejection as ForkProofRejection {
        throw ParsedFailure(description: "\(rejection.reason): \(rejection)")
    }
}
