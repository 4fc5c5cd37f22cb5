import BenchmarkSupport
import CReference
import Foundation
import TimeCoinStore

/// How long a database takes to open, and what an output takes on disk.
struct StoreSize {
    private static let openings = 9

    /// Opens a small and a large database in turns; both are in the page cache.
    static func compareOpening(_ small: OutputSet, _ large: OutputSet, _ name: String) throws {
        var times: [[Elapsed]] = [[], []]
        for turn in 0...openings {
            for (place, set) in [small, large].enumerated() {
                let time = try measured { _ = try set.open() }.time
                if turn > 0 { times[place].append(time) }
            }
        }
        Figure(
            "store/open-\(name)", Elapsed.median(times[1]).wall * 1000, "ms",
            reference: "the same of a database with 1,000 blocks, ms", Elapsed.median(times[0]).wall * 1000,
            floor: nil, ceiling: 3
        ).report()
    }

    /// Records of a step of a node's scrub.
    private static let stepRecords = 200
    /// Records that a node's scrub looks at in a second.
    private static let recordsPerSecond = 2000.0

    /// A whole pass of the scrub.
    static func scrub(_ set: OutputSet) throws {
        let store = try set.open()
        var place: ScrubPlace?
        var records = 0
        let time = try measured {
            repeat {
                let step = try store.scrub(from: place, records: stepRecords)
                // The blocks of the set have no certificates.
                if let damage = step.damages.first(where: { $0.record.table != "certificates" }) {
                    throw Failed("the set is damaged: \(damage)")
                }
                records += step.records
                place = step.next
            } while place != nil
        }.time
        let rate = Double(records) / time.processor
        Figure(
            "store/scrub", rate, "records/CPU-s", reference: "share of a core at a node's rate",
            recordsPerSecond / rate, floor: nil
        ).report()
    }

    /// Bytes in use, of all and of every table, for each unspent output.
    static func report(_ set: OutputSet, outputs: Int) throws {
        let raw = try RawDatabase(
            copying: set.directory + "/data.mdb", to: set.directory + ".raw")
        let tables = try raw.statistics()
        var all = 0
        for (name, statistics) in tables.sorted(by: { $0.key < $1.key }) {
            let pages = statistics.ms_branch_pages + statistics.ms_leaf_pages + statistics.ms_overflow_pages
            let bytes = pages * Int(statistics.ms_psize)
            all += bytes
            Figure(
                "store/bytes-an-output-\(name)", Double(bytes) / Double(outputs), "B",
                reference: "records of the table, an output", Double(statistics.ms_entries) / Double(outputs),
                floor: nil
            ).report()
        }
        let size =
            (try FileManager.default.attributesOfItem(atPath: set.directory + "/data.mdb")[.size]
            as? NSNumber)?.doubleValue ?? 0
        Figure(
            "store/bytes-an-output", Double(all) / Double(outputs), "B",
            reference: "bytes of the file, an output",
            size / Double(outputs), floor: nil
        ).report()
    }
}
