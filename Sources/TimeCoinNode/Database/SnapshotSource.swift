import Foundation
import TimeCoinCore
import TimeCoinStore

/// A snapshot's file, read from front to back and believed only as far as it is proven.
struct SnapshotSource {
    private var reader: SnapshotFile.Reader
    private let path: String
    private let bytes: UInt64
    private var next = 0
    private var unspent: UInt64 = 0
    private var values = Amount.zero

    /// Reads and verifies what stands before the segments.
    ///
    /// - Parameters:
    ///   - genesis: of the chain that it must be of.
    ///   - block: the hash of a block that is trusted to be final; without it the set of genesis is trusted.
    /// - Throws: ``DatabaseFailure`` `badInput`; faults of the disk.
    init(_ path: String, genesis: Genesis, trusting block: Hash256?) throws {
        guard FileManager.default.isReadableFile(atPath: path) else {
            throw DatabaseFailure(.badInput, "cannot read the file \(path)")
        }
        self.path = path
        bytes = try PosixFileSystem().size(of: path)
        let trust = block.map { SnapshotTrust.block($0) } ?? .validators(genesis.state.validators.hash)
        do {
            reader = try SnapshotFile.Reader(path, genesis: genesis.state, trusting: trust)
        } catch let rejection as SnapshotRejection {
            throw SnapshotSource.failure(rejection, path)
        }
    }

    var snapshot: VerifiedSnapshot { reader.snapshot }
    var summary: SnapshotSummary { SnapshotSummary(snapshot, bytes: bytes) }
    /// Segments read.
    var done: UInt64 { UInt64(next) }
    var total: UInt64 { UInt64(snapshot.segmentCount) }

    /// The next segment; `nil` after the last, when nothing is behind it and the outputs add up to what the
    /// state says.
    ///
    /// - Throws: as the initializer.
    mutating func segment() throws -> SnapshotSegment? {
        do {
            guard next < snapshot.segmentCount else {
                try finish()
                return nil
            }
            let segment = try reader.segment(next)
            next += 1
            for output in segment.outputs {
                unspent += 1
                values = values.adding(output.entry.output.value) ?? .maximum
            }
            return segment
        } catch let rejection as SnapshotRejection {
            throw SnapshotSource.failure(rejection, path)
        }
    }

    private func finish() throws {
        try reader.finish()
        let state = snapshot.state
        guard unspent == state.outputCount, values == state.supply.unspent else {
            throw DatabaseFailure(
                .badInput,
                "\(path): \(unspent) outputs worth \(values), the state says "
                    + "\(state.outputCount) worth \(state.supply.unspent)")
        }
    }

    private static func failure(_ rejection: SnapshotRejection, _ path: String) -> DatabaseFailure {
        let hint =
            switch rejection.rule {
            case .untrusted:
                "where the set has changed since genesis, name a block that you know to be final, from a "
                    + "node of your own or a release: `--trusted HASH`"
            case .wrongChain: "take a snapshot of this chain"
            default: "get the file again, or from elsewhere"
            }
        return DatabaseFailure(.badInput, "\(path): \(rejection)", hint: hint)
    }
}
