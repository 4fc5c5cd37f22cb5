import Foundation
package import TimeCoinCore
import TimeCoinStore

/// What an operator has told this node to follow after forks, and the fork that it found itself.
///
/// Each recovery begins a new life of the votes: a signer's record, journal and polkas of their own.
struct RecoveryDirectory: Sendable {
    /// Recoveries followed, one after the other, at most.
    static let recoveriesMax = 64

    private let directory: NodeDirectory

    init(_ directory: NodeDirectory) { self.directory = directory }

    /// All of them in their order, verified from the genesis on.
    ///
    /// - Throws: ``RecoveryRejection`` for a file that does not hold; ``RecoveryDesk/Refusal`` for too many;
    ///   faults of the disk.
    func recoveries(genesis: ChainState) throws -> [VerifiedRecovery] {
        let files = FileManager.default
        guard files.fileExists(atPath: directory.recoveries) else { return [] }
        let names = try files.contentsOfDirectory(atPath: directory.recoveries)
            .filter { $0.hasSuffix(".hex") }.sorted()
        // Without one of them the chain would be another.
        guard names.count <= RecoveryDirectory.recoveriesMax else {
            throw RecoveryDesk.Refusal(
                description: "\(directory.recoveries) has \(names.count) recoveries, at most "
                    + "\(RecoveryDirectory.recoveriesMax) can be followed")
        }
        let certificates = try names.map { name -> RecoveryCertificate in
            try RecoveryCertificate(
                decoding: try HexFile.read(
                    "\(directory.recoveries)/\(name)", bytesMax: RecoveryCertificate.bytesMax))
        }
        var recoveries: [VerifiedRecovery] = []
        for certificate in certificates.sorted(by: { $0.proof.height < $1.proof.height }) {
            let anchor = RecoveryDirectory.anchor(genesis: genesis, recoveries)
            recoveries.append(try certificate.verify(against: anchor))
        }
        return recoveries
    }

    /// What signs at the tip after these recoveries.
    static func anchor(genesis: ChainState, _ recoveries: [VerifiedRecovery]) -> TrustAnchor {
        recoveries.last.map { TrustAnchor(chain: $0.votingChain, validators: $0.validators.hash) }
            ?? TrustAnchor(chain: genesis.votingChain, validators: genesis.validators.hash)
    }

    /// Refuses a stored state that these recoveries do not lead to.
    ///
    /// A database that came from elsewhere may go on from a recovery that was never followed here: anybody
    /// can write one, with members of its own. The record of what is signed after it is not there, either.
    ///
    /// - Throws: ``DatabaseFailure`` `refused`, with the command to run.
    func require(_ state: ChainState, follows recoveries: [VerifiedRecovery]) throws(DatabaseFailure) {
        let followed = recoveries.last { $0.vote.lastHeight < state.height }?.votingChain
        guard let recovery = state.recovery, recovery != followed else { return }
        throw RecoveryDirectory.unfollowed(recovery, directory.chain, directory)
    }

    /// - Parameters:
    ///   - recovery: what votes have named since.
    ///   - path: of the database that goes on from it.
    static func unfollowed(
        _ recovery: Hash256, _ path: String, _ directory: NodeDirectory
    ) -> DatabaseFailure {
        DatabaseFailure(
            .refused,
            "the database in \(path) goes on from a recovery that is not followed here, with votes on the "
                + "chain \(recovery)", hint: followHint(directory))
    }

    static func followHint(_ directory: NodeDirectory) -> String {
        "get the certificate of that recovery from other operators and look at it, then `timecoin-node "
            + "recovery apply --datadir \(directory.dataDirectory) --network \(directory.network.rawValue) "
            + "--consent FILE`; if they know of none, somebody made this database: `timecoin-node restore "
            + "--replace` a backup of your own"
    }

    /// Keeps one more; durable on return.
    func keep(_ recovery: VerifiedRecovery) throws {
        try FileManager.default.createDirectory(
            atPath: directory.recoveries, withIntermediateDirectories: true)
        let number = String(format: "%020llu", recovery.vote.height)
        try HexFile.write(recovery.certificate.encoded, to: "\(directory.recoveries)/\(number).hex")
    }

    /// The fork that stopped this node from signing, unless a recovery from it is followed.
    func openFork(_ recoveries: [VerifiedRecovery]) throws -> ForkProof? {
        guard FileManager.default.fileExists(atPath: directory.fork) else { return nil }
        let proof = try ForkProof(
            decoding: try HexFile.read(directory.fork, bytesMax: ForkProof.bytesMax))
        let isOver = recoveries.contains {
            $0.vote.height <= proof.height && $0.fork.proof.validators == proof.validators
        }
        return isOver ? nil : proof
    }
}

extension RecoveryDirectory: ForkMarking {
    func mark(_ proof: ForkProof) throws { try HexFile.write(proof.encoded, to: directory.fork) }
}

/// What outlives a restart of a node that found a fork.
package protocol ForkMarking: Sendable {
    /// Durable on return: whoever starts the node again finds it not signing.
    func mark(_ proof: ForkProof) throws
}

extension NodeDirectory {
    var polkas: String { root + "/polkas" }
    var recoveries: String { root + "/recoveries" }
    var fork: String { root + "/fork.hex" }

    /// Votes after a recovery are others than those before: what remembers them is, too.
    func path(_ part: KeyPath<NodeDirectory, String>, after recovery: Hash256?) -> String {
        recovery.map { "\(self[keyPath: part])-\($0.description.prefix(16))" } ?? self[keyPath: part]
    }
}

/// Bytes as a file of hexadecimal text.
public enum HexFile {
    /// Why a file is not read.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// - Parameter bytesMax: a file of more is refused.
    public static func read(_ path: String, bytesMax: Int) throws -> [UInt8] {
        let data =
            path == "-"
            ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: path)
        guard let data else { throw Failure(description: "cannot read the file \(path)") }
        let text = String(decoding: data.prefix(2 * bytesMax + 2), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        guard let bytes = Hexadecimal.decode(text) else {
            throw Failure(description: "\(path) is not hexadecimal of at most \(bytesMax) bytes")
        }
        return bytes
    }

    /// A file beside it, synced, renamed over it; durable on return, the name too.
    static func write(_ bytes: [UInt8], to path: String) throws {
        let draft = path + ".new"
        try Data((Hexadecimal.encode(bytes) + "\n").utf8).write(to: URL(fileURLWithPath: draft))
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: draft))
        try handle.synchronize()
        try handle.close()
        let files = PosixFileSystem()
        try files.rename(draft, to: path)
        try files.syncDirectory(URL(fileURLWithPath: path).deletingLastPathComponent().path)
    }
}
