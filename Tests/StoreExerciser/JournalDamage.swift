import Foundation
import TimeCoinNode
import TimeCoinStore
import TimeCoinStoreConformance

/// A journal cut at every byte, and with every bit flipped.
struct JournalDamage {
    /// Of the header of a record. Unit: bytes.
    private static let headerBytes = 28

    private let directory: String
    private let records: [JournalRecord]
    private let bytes: [UInt8]
    /// Where records end, from 0.
    private let ends: [Int]

    private var path: String { directory + "/0000000000000001.v1" }

    /// Writes a journal of at least so many bytes.
    init(in directory: String, bytes count: Int, seed: UInt64) throws {
        self.directory = directory
        var random = SeededGenerator(seed: seed, part: 0)
        var records: [JournalRecord] = []
        var ends = [0]
        do {
            let file = try ConsensusJournal(opening: directory)
            while ends[ends.count - 1] < count {
                let payload = (0..<Int.random(in: 0...120, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                let height = UInt64(records.count / 3)
                try file.append(payload, height: height)
                records.append(
                    JournalRecord(sequence: UInt64(records.count + 1), height: height, payload: payload))
                ends.append(ends[ends.count - 1] + JournalDamage.headerBytes + payload.count)
            }
            try file.sync()
        }
        self.records = records
        self.ends = ends
        bytes = Array(try Data(contentsOf: URL(fileURLWithPath: directory + "/0000000000000001.v1")))
        guard bytes.count == ends.last else {
            throw ChainComparison.Difference(description: "the journal has \(bytes.count) bytes")
        }
    }

    private func write(_ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    private func expect(_ holds: Bool, _ what: @autoclosure () -> String) throws {
        guard holds else { throw ChainComparison.Difference(description: what()) }
    }

    private func opened() throws -> (records: [JournalRecord], torn: AppendOnlyFile.TornTail?) {
        let journal = try ConsensusJournal(opening: directory)
        var found: [JournalRecord] = []
        try journal.replay(fromHeight: 0) { found.append($0) }
        return (found, journal.torn)
    }

    /// Every whole record is there, and the rest is a torn tail.
    func cutEverywhere() throws -> Int {
        var whole = 0
        for cut in 0...bytes.count {
            if whole + 1 < ends.count, ends[whole + 1] <= cut { whole += 1 }
            try write(Array(bytes[..<cut]))
            let (found, torn) = try opened()
            try expect(found == Array(records[..<whole]), "cut at \(cut): \(found.count) records")
            let rest = UInt64(cut - ends[whole])
            try expect(torn?.bytes ?? 0 == rest, "cut at \(cut): a tail of \(torn?.bytes ?? 0)")
            try expect(torn?.isProven ?? true, "cut at \(cut): not seen to be torn")
        }
        return bytes.count + 1
    }

    /// In the last record an unproven tail, so that nothing is signed up to its height; before it damage,
    /// which is left alone.
    func flipEverywhere() throws -> Int {
        let last = ends[ends.count - 2]
        let before = Array(records.dropLast())
        for bit in 0..<8 * bytes.count {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            try write(flipped)
            guard bit / 8 < last else {
                let (found, torn) = try opened()
                try expect(found == before, "bit \(bit): \(found.count) records")
                try expect(torn?.isProven == false, "bit \(bit): \(String(describing: torn))")
                try write(flipped)
                let height = try StoredJournal(opening: directory).damagedUpTo
                try expect(height == before.last?.height, "bit \(bit): signs above \(height ?? 0)")
                continue
            }
            do {
                let found = try opened()
                throw ChainComparison.Difference(
                    description: "bit \(bit): opened, \(found.records.count) records")
            } catch let failure as StoreFailure {
                try expect(failure.code == .corrupt, "bit \(bit): \(failure)")
            }
            let after = try Data(contentsOf: URL(fileURLWithPath: path))
            try expect(Array(after) == flipped, "bit \(bit): the file was changed")
        }
        return 8 * bytes.count
    }
}
