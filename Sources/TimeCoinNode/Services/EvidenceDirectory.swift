import Foundation
import Logging
import TimeCoinCore

/// Evidence as files that an operator can hand to anybody: one a pair of statements, named by its hash.
///
/// It is a convenience: nothing depends on it, so a disk that does not write is logged and no more.
struct EvidenceDirectory: Sendable {
    /// Files kept of members' contradictions, and as many of forks: whoever fills the one leaves room for
    /// the other. What comes beyond is logged alone.
    static let filesMax = 1000
    private static let forkPrefix = "fork-"

    private let path: String

    init(_ path: String) { self.path = path }

    /// Writes the evidence unless it is there already.
    func keep(_ evidence: Evidence, logger: Logger) {
        keep(
            evidence.encoded, as: "\(evidence.name).hex", logger: logger,
            [
                "kind": "\(evidence.misbehaviour.kind)", "member": "\(evidence.misbehaviour.member)",
            ])
    }

    /// Writes the proof of a fork unless it is there already.
    func keep(_ proof: ForkProof, logger: Logger) {
        keep(
            proof.encoded, as: "\(EvidenceDirectory.forkPrefix)\(proof.height)-\(proof.name).hex",
            logger: logger, ["kind": "fork", "height": "\(proof.height)"])
    }

    private func keep(_ bytes: [UInt8], as name: String, logger: Logger, _ metadata: Logger.Metadata) {
        let file = "\(path)/\(name)"
        do {
            let files = FileManager.default
            try files.createDirectory(atPath: path, withIntermediateDirectories: true)
            let isFork = name.hasPrefix(EvidenceDirectory.forkPrefix)
            let kept = try files.contentsOfDirectory(atPath: path)
                .count { $0.hasPrefix(EvidenceDirectory.forkPrefix) == isFork }
            guard !files.fileExists(atPath: file), kept < EvidenceDirectory.filesMax else { return }
            try Data((Hexadecimal.encode(bytes) + "\n").utf8).write(
                to: URL(fileURLWithPath: file), options: .atomic)
            logger.warning("kept evidence", metadata: metadata.merging(["file": "\(file)"]) { $1 })
        } catch {
            logger.error("evidence cannot be kept", metadata: ["file": "\(file)", "error": "\(error)"])
        }
    }
}
