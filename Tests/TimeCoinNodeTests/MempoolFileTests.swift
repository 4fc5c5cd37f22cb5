import Foundation
import Logging
import Synchronization
import Testing
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

/// Keeps the messages that a node logs.
private struct WarningLines: LogHandler {
    private final class Lines: Sendable {
        let kept = Mutex<[String]>([])
    }

    private let lines = Lines()
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .warning

    var count: Int { lines.kept.withLock { $0.count } }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        lines.kept.withLock { $0.append("\(event.message)") }
    }
}

@Suite("What waits, on disk")
struct MempoolFileTests {
    private let lines = WarningLines()
    private var logger: Logger { Logger(label: "test") { [lines] _ in lines } }
    private let clock = Timestamp(milliseconds: 1_000_000_000)

    private func inDirectory(_ body: (String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "timecoin-mempool.\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    private func waiting(_ count: Int) throws -> [Resubmission] {
        let world = try World()
        return try (0..<count).map { Resubmission(try world.payment($0), age: UInt64(1000 * (count - $0))) }
    }

    /// The only segment of a directory of frames.
    private func segment(_ path: String) throws -> URL {
        let names = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".v1") }
        #expect(names.count == 1)
        return URL(fileURLWithPath: path).appending(path: try #require(names.first))
    }

    @Test("what is written is read, in its order, as much older as it is later")
    func roundTrip() throws {
        try inDirectory { path in
            let file = MempoolFile(path + "/mempool")
            #expect(file.read(at: clock, logger: logger).isEmpty)
            for count in [5, 0, 3] {
                let waiting = try waiting(count)
                try file.write(waiting, at: clock)
                // Twice: reading takes nothing away.
                for _ in 0..<2 {
                    let later = clock.advanced(byMilliseconds: 250)
                    let read = file.read(at: later, logger: logger)
                    #expect(read.map(\.checked.wtxid) == waiting.map(\.checked.wtxid))
                    #expect(read.map(\.age) == waiting.map { $0.age + 250 })
                }
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["mempool"])
            #expect(lines.count == 0)
        }
    }

    @Test("a clock that was set back makes nothing older, and what is no transaction is left out")
    func strangeContent() throws {
        try inDirectory { path in
            let file = MempoolFile(path + "/mempool")
            let waiting = try waiting(2)
            try file.write(waiting, at: clock)
            let read = file.read(at: Timestamp(milliseconds: 5), logger: logger)
            #expect(read.map(\.age) == [0, 0])
            try autoreleased {
                let frames = try AppendOnlyFile(opening: path + "/mempool")
                for junk in [[], [1, 2, 3], [UInt8](repeating: 0xff, count: 300)] as [[UInt8]] {
                    try frames.append(junk, height: 0)
                }
                try frames.sync()
            }
            #expect(file.read(at: clock, logger: logger).map(\.checked) == waiting.map(\.checked))
        }
    }

    private func autoreleased(_ body: () throws -> Void) rethrows { try body() }

    @Test("cut at every byte: a beginning of what was written, and nothing else")
    func cut() throws {
        try inDirectory { path in
            let file = MempoolFile(path + "/mempool")
            let waiting = try waiting(3)
            try file.write(waiting, at: clock)
            let segment = try segment(path + "/mempool")
            let whole = try Data(contentsOf: segment)
            var counts: Set<Int> = []
            for length in stride(from: 0, through: whole.count, by: 7) {
                try whole.prefix(length).write(to: segment)
                let read = file.read(at: clock, logger: logger)
                #expect(read.map(\.checked) == waiting.prefix(read.count).map(\.checked), "cut at \(length)")
                counts.insert(read.count)
            }
            #expect(counts.isSuperset(of: [0, 1, 2]))
        }
    }

    @Test("a damaged byte: set aside or left out, never a transaction that nobody sent, never a failure")
    func damage() throws {
        try inDirectory { path in
            let file = MempoolFile(path + "/mempool")
            let waiting = try waiting(3)
            let known = Set(waiting.map(\.checked.wtxid))
            var aside = 0
            for place in stride(from: 0, to: 800, by: 13) {
                try file.write(waiting, at: clock)
                let segment = try segment(path + "/mempool")
                var bytes = try Data(contentsOf: segment)
                guard place < bytes.count else { break }
                bytes[place] ^= 0x10
                try bytes.write(to: segment)
                let before = lines.count
                let read = file.read(at: clock, logger: logger)
                #expect(lines.count == before + 1, "\(place)")
                #expect(read.count < 3 && read.allSatisfy { known.contains($0.checked.wtxid) }, "\(place)")
                let damaged = path + "/mempool" + DamagedFiles.suffix
                if FileManager.default.fileExists(atPath: damaged) {
                    aside += 1
                    try FileManager.default.removeItem(atPath: damaged)
                    #expect(file.read(at: clock, logger: logger).isEmpty)
                }
            }
            #expect(aside > 10)
        }
    }

    @Test("a damaged log of what was handed in is set aside, and begun anew; one in use is not touched")
    func damagedSubmissions() throws {
        try inDirectory { root in
            let path = root + "/submitted"
            let world = try World()
            let handed = try (0..<4).map { try world.payment($0) }
            try autoreleased {
                let log = try SubmissionLog(opening: path, at: clock, logger: logger)
                for checked in handed { try log.append(checked.transaction.encoded, at: clock) }
                #expect(throws: StoreFailure(.locked, "")) {
                    _ = try SubmissionLog(opening: path, at: clock, logger: logger)
                }
            }
            let later = clock.advanced(byMilliseconds: 3000)
            try autoreleased {
                let log = try SubmissionLog(opening: path, at: later, logger: logger)
                #expect(log.kept.map(\.checked) == handed)
                #expect(log.kept.allSatisfy { $0.age == 3000 })
            }
            let segment = try segment(path)
            var bytes = try Data(contentsOf: segment)
            bytes[100] ^= 1
            try bytes.write(to: segment)
            try autoreleased {
                let log = try SubmissionLog(opening: path, at: later, logger: logger)
                #expect(log.kept.isEmpty && lines.count == 1)
                try log.append(handed[1].transaction.encoded, at: later)
            }
            #expect(try Data(contentsOf: self.segment(path + DamagedFiles.suffix)) == bytes)
            let log = try SubmissionLog(opening: path, at: later, logger: logger)
            #expect(log.kept.map(\.checked) == [handed[1]] && lines.count == 1)
        }
    }
}
