import Synchronization
import TimeCoinConsensus
package import TimeCoinCore
package import TimeCoinStore

/// Where the polkas of heights that are over are kept, to show in case of a fork who is to blame.
package protocol PolkaKeeping: AnyObject, Sendable {
    /// Keeps the polkas of a height that was decided; heights never fall.
    func keep(_ polkas: [Certificate], height: Height) throws
    /// What was kept of a height.
    func polkas(of height: Height) throws -> [Certificate]
    /// Lets go what is of lower heights, as far as that is cheap.
    func prune(below height: Height) throws
}

/// The polkas as a file. They are made durable with the next segment, not with every block: what a crash
/// takes of the last heights, the journal still has.
package final class PolkaArchive: PolkaKeeping {
    private let file: Mutex<ConsensusJournal>

    package init(opening directory: String, files: any FileSystem = PosixFileSystem()) throws {
        file = Mutex(
            try ConsensusJournal(opening: directory, options: AppendOnlyFile.Options(), files: files))
    }

    package func keep(_ polkas: [Certificate], height: Height) throws {
        try file.withLock { file in
            guard height > file.lastHeight else { return }
            for polka in polkas { try file.append(polka.encoded, height: height) }
        }
    }

    package func polkas(of height: Height) throws -> [Certificate] {
        try file.withLock { file in
            var polkas: [Certificate] = []
            try file.replay(fromHeight: height) { frame in
                if frame.height == height, let polka = try? Certificate(decoding: frame.payload) {
                    polkas.append(polka)
                }
            }
            return polkas
        }
    }

    package func prune(below height: Height) throws {
        try file.withLock { try $0.prune(below: height) }
    }
}

extension StoredJournal {
    /// The polkas in what the journal still keeps of a height.
    package func polkas(
        of height: Height, validators: ValidatorSet, chain: Hash256, check: SignatureCheck = .ed25519
    ) throws -> [VerifiedCertificate] {
        var heard = HeardPolkas(height: height, validators: validators)
        for case .record(let record) in try entries(of: height) {
            if let input = record.input(validators: validators, chain: chain, check: check) {
                heard.take(input)
            }
        }
        return heard.polkas
    }
}
