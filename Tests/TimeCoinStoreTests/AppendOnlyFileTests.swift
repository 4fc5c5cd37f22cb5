import Foundation
import Testing

@testable import TimeCoinStore

@Suite struct AppendOnlyFileTests {
    private static let name = "0000000000000001.v1"

    private static func payload(_ number: Int) -> [UInt8] {
        (0..<(7 * number % 90)).map { UInt8(truncatingIfNeeded: $0 * number) }
    }

    /// Writes records with heights 0, 0, 1, 1, 2, 2 …
    @discardableResult
    private static func write(
        _ path: String, count: Int, _ options: AppendOnlyFile.Options = AppendOnlyFile.Options()
    ) throws -> [JournalRecord] {
        let file = try AppendOnlyFile(opening: path, options: options)
        return try (0..<count).map { number in
            let sequence = try file.append(payload(number), height: UInt64(number / 2))
            try file.sync()
            return JournalRecord(sequence: sequence, height: UInt64(number / 2), payload: payload(number))
        }
    }

    private static func all(_ file: AppendOnlyFile, from height: UInt64 = 0) throws -> [JournalRecord] {
        var records: [JournalRecord] = []
        try file.records(fromHeight: height) { records.append($0) }
        return records
    }

    @Test("What was appended is read back after opening again, and the sequence goes on")
    func reopen() throws {
        let directory = try TemporaryDirectory()
        var expected = try AppendOnlyFileTests.write(directory.path, count: 9)
        let file = try AppendOnlyFile(opening: directory.path)
        #expect(file.torn == nil)
        #expect(try AppendOnlyFileTests.all(file) == expected)
        #expect(file.lastSequence == 9)
        #expect(file.lastHeight == 4)
        try file.append([1], height: 4)
        expected.append(JournalRecord(sequence: 10, height: 4, payload: [1]))
        #expect(try AppendOnlyFileTests.all(file) == expected)
        #expect(expected.map(\.sequence) == Array(1...10))
    }

    @Test("A directory that cannot be made is an error, not an endless attempt")
    func directoryThatCannotBe() {
        #expect(throws: StoreFailure.self) { try PosixFileSystem().createDirectory("/proc/x/y") }
    }

    @Test("A second owner, a falling height, a payload too large and another format are refused")
    func refusals() throws {
        let directory = try TemporaryDirectory()
        try AppendOnlyFileTests.write(directory.path, count: 9)
        do {
            let file = try AppendOnlyFile(opening: directory.path)
            #expect(throws: StoreFailure(.locked, "")) { try AppendOnlyFile(opening: directory.path) }
            #expect(throws: StoreFailure(.outOfOrder, "")) { try file.append([], height: 3) }
            let large = [UInt8](repeating: 0, count: AppendOnlyFile.payloadBytesMax + 1)
            #expect(throws: StoreFailure(.tooLarge, "")) { try file.append(large, height: 9) }
            // A refusal is not a fault.
            try file.append([UInt8](repeating: 7, count: AppendOnlyFile.payloadBytesMax), height: 9)
            try file.sync()
        }
        #expect(try AppendOnlyFileTests.all(AppendOnlyFile(opening: directory.path)).count == 10)
        for (version, code) in [(2, StoreFailure.Code.formatTooNew), (0, .formatTooOld)] {
            let path = directory.file("00000000000000aa.v\(version)")
            try TemporaryDirectory.write([], to: path)
            #expect(throws: StoreFailure(code, "")) { try AppendOnlyFile(opening: directory.path) }
            try FileManager.default.removeItem(atPath: path)
        }
    }

    @Test("K13: cut at every byte, a journal opens with every whole record and reports the torn rest")
    func everyCut() throws {
        let source = try TemporaryDirectory()
        let records = try AppendOnlyFileTests.write(source.path, count: 16)
        let bytes = try TemporaryDirectory.read(source.file(AppendOnlyFileTests.name))
        #expect(bytes.count > 900)
        var ends = [0]
        for record in records { ends.append(ends[ends.count - 1] + Frame.headerBytes + record.payload.count) }
        let directory = try TemporaryDirectory()
        let path = directory.file(AppendOnlyFileTests.name)
        for cut in 0...bytes.count {
            try TemporaryDirectory.write(Array(bytes[..<cut]), to: path)
            let whole = ends.lastIndex { $0 <= cut } ?? 0
            let file = try AppendOnlyFile(opening: directory.path)
            #expect(try AppendOnlyFileTests.all(file) == Array(records[..<whole]), "cut at \(cut)")
            let rest = UInt64(cut - ends[whole])
            #expect(file.torn == (rest == 0 ? nil : .init(bytes: rest, isProven: true)), "cut at \(cut)")
            // It goes on where it ends.
            #expect(try file.append([1], height: 99) == UInt64(whole + 1))
            #expect(try AppendOnlyFileTests.all(file).count == whole + 1)
        }
    }

    @Test(
        "K13: any flipped bit is damage and the file left alone, or in the last record an unproven tail"
    )
    func everyFlip() throws {
        let source = try TemporaryDirectory()
        let records = try AppendOnlyFileTests.write(source.path, count: 16)
        let bytes = try TemporaryDirectory.read(source.file(AppendOnlyFileTests.name))
        let last = bytes.count - Frame.headerBytes - records[15].payload.count
        let directory = try TemporaryDirectory()
        let path = directory.file(AppendOnlyFileTests.name)
        for bit in 0..<8 * bytes.count {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            try TemporaryDirectory.write(flipped, to: path)
            if bit / 8 < last {
                #expect(throws: StoreFailure(.corrupt, ""), "bit \(bit)") {
                    try AppendOnlyFile(opening: directory.path)
                }
                let after = try TemporaryDirectory.read(path)
                #expect(after == flipped, "bit \(bit)")
            } else {
                let file = try AppendOnlyFile(opening: directory.path)
                #expect(file.torn == .init(bytes: UInt64(bytes.count - last), isProven: false), "bit \(bit)")
                #expect(try AppendOnlyFileTests.all(file) == Array(records[..<15]), "bit \(bit)")
            }
        }
    }

    @Test("K13: zeros behind the last record are a torn tail")
    func zeroTail() throws {
        let directory = try TemporaryDirectory()
        let records = try AppendOnlyFileTests.write(directory.path, count: 4)
        let path = directory.file(AppendOnlyFileTests.name)
        let bytes = try TemporaryDirectory.read(path)
        try TemporaryDirectory.write(bytes + [UInt8](repeating: 0, count: 5000), to: path)
        let file = try AppendOnlyFile(opening: directory.path)
        #expect(file.torn == .init(bytes: 5000, isProven: true))
        #expect(try AppendOnlyFileTests.all(file) == records)
    }

    @Test("Segments rotate, are read only from a height on, and old ones go except the last few")
    func segments() throws {
        let directory = try TemporaryDirectory()
        var options = AppendOnlyFile.Options()
        options.segmentBytes = 300
        options.segmentsMin = 2
        let records = try AppendOnlyFileTests.write(directory.path, count: 60, options)
        func names() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: directory.path).filter { $0.hasSuffix(".v1") }
                .sorted()
        }
        let before = try names()
        try #require(before.count > 6)
        do {
            let file = try AppendOnlyFile(opening: directory.path, options: options)
            for height in UInt64(0)...31 {
                let found = try AppendOnlyFileTests.all(file, from: height)
                #expect(found == records.filter { $0.height >= height }, "height \(height)")
            }
            // What lies wholly below is not even read.
            let first = directory.file(before[0])
            let bytes = try TemporaryDirectory.read(first)
            try TemporaryDirectory.write([UInt8](repeating: 1, count: bytes.count), to: first)
            #expect(try AppendOnlyFileTests.all(file, from: 20) == records.filter { $0.height >= 20 })
            #expect(throws: StoreFailure(.corrupt, "")) { try AppendOnlyFileTests.all(file) }
            try TemporaryDirectory.write(bytes, to: first)
            try file.prune(below: 12)
            #expect(try AppendOnlyFileTests.all(file, from: 12) == records.filter { $0.height >= 12 })
            let after = try names()
            #expect(after.count < before.count)
            try file.prune(below: .max)
            #expect(try names() == Array(before.suffix(2)))
        }
        let file = try AppendOnlyFile(opening: directory.path, options: options)
        #expect(file.lastSequence == 60)
        #expect(file.lastHeight == 29)
    }

    @Test("K13: damage at the end of a full segment, or a missing segment, is never a torn tail")
    func olderSegments() throws {
        let directory = try TemporaryDirectory()
        var options = AppendOnlyFile.Options()
        options.segmentBytes = 300
        try AppendOnlyFileTests.write(directory.path, count: 40, options)
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
            .filter { $0.hasSuffix(".v1") }.sorted()
        let path = directory.file(names[1])
        let bytes = try TemporaryDirectory.read(path)
        try TemporaryDirectory.write(Array(bytes.dropLast()), to: path)
        do {
            let file = try AppendOnlyFile(opening: directory.path)
            #expect(throws: StoreFailure(.corrupt, "")) { try AppendOnlyFileTests.all(file) }
        }
        try FileManager.default.removeItem(atPath: path)
        #expect(throws: StoreFailure(.corrupt, "")) { try ConsensusJournal.dump(directory.path) { _ in } }
        #expect(throws: StoreFailure(.missing, "")) {
            try ConsensusJournal.dump(directory.file("none")) { _ in }
        }
    }

    @Test("A dump reads a torn journal and changes nothing")
    func dump() throws {
        let directory = try TemporaryDirectory()
        let records = try AppendOnlyFileTests.write(directory.path, count: 6)
        let path = directory.file(AppendOnlyFileTests.name)
        let torn = Array(try TemporaryDirectory.read(path).dropLast())
        try TemporaryDirectory.write(torn, to: path)
        var found: [JournalRecord] = []
        let isTorn = try ConsensusJournal.dump(directory.path) { found.append($0) }
        #expect(isTorn)
        #expect(found == Array(records[..<5]))
        #expect(try TemporaryDirectory.read(path) == torn)
    }

    @Test("K12: when the n-th append or sync fails, nothing is written after it, whatever n is")
    func latch() throws {
        var options = AppendOnlyFile.Options()
        options.segmentBytes = 200
        for number in 0..<40 {
            let directory = try TemporaryDirectory()
            let files = FaultyFileSystem()
            var acknowledged = 0
            do {
                let journal = try ConsensusJournal(opening: directory.path, options: options, files: files)
                files.fail(after: number)
                #expect(throws: StoreFailure(.io, ""), "operation \(number)") {
                    for record in 0..<100 {
                        try journal.append(AppendOnlyFileTests.payload(record), height: UInt64(record))
                        try journal.sync()
                        acknowledged += 1
                    }
                }
                let operations = files.operations
                #expect(throws: StoreFailure(.latched, "")) { try journal.append([1], height: 1000) }
                #expect(throws: StoreFailure(.latched, "")) { try journal.sync() }
                #expect(throws: StoreFailure(.latched, "")) { try journal.prune(below: 5) }
                #expect(files.operations == operations)
            }
            #expect(files.hasFailed)
            let file = try AppendOnlyFile(opening: directory.path, options: options)
            let found = try AppendOnlyFileTests.all(file)
            #expect(found.count >= acknowledged, "operation \(number)")
        }
    }
}
