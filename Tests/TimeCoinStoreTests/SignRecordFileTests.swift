import Foundation
import Testing

@testable import TimeCoinStore

@Suite struct SignRecordFileTests {
    private static func created(_ instance: UInt64 = 5, count: Int = 0) throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        try SignRecordFile.create(in: directory.path, instance: instance)
        guard count > 0 else { return directory }
        let file = try SignRecordFile(opening: directory.path)
        for number in 0..<count {
            try file.append([UInt8(truncatingIfNeeded: number), 9, 9], height: UInt64(number))
        }
        return directory
    }

    @Test("K14: a missing record is not an empty one, and an existing one is not created again")
    func missing() throws {
        let none = try TemporaryDirectory()
        #expect(throws: StoreFailure(.missing, "")) { try SignRecordFile(opening: none.path) }
        #expect(throws: StoreFailure(.missing, "")) { try SignRecordFile(opening: none.file("deeper")) }
        let directory = try SignRecordFileTests.created(0x0123_4567_89ab_cdef)
        #expect(throws: StoreFailure(.exists, "")) {
            try SignRecordFile.create(in: directory.path, instance: 6)
        }
        let file = try SignRecordFile(opening: directory.path)
        #expect(file.instance == 0x0123_4567_89ab_cdef)
        #expect(file.records.isEmpty)
        #expect(throws: StoreFailure(.locked, "")) { try SignRecordFile(opening: directory.path) }
        #expect(throws: StoreFailure(.tooLarge, "")) {
            try file.append([UInt8](repeating: 0, count: SignRecordFile.payloadBytesMax + 1), height: 1)
        }
        try file.append([1], height: 1)
    }

    @Test("K14: records survive opening again, in order")
    func reopen() throws {
        let directory = try SignRecordFileTests.created(count: 20)
        let file = try SignRecordFile(opening: directory.path)
        #expect(file.records.map(\.height) == Array(0..<20))
        #expect(file.records.allSatisfy { $0.payload == [UInt8($0.height), 9, 9] })
        #expect(!file.wasTorn)
    }

    @Test("K13: cut at any byte, the record has every whole entry; within its first it is refused")
    func everyCut() throws {
        let source = try SignRecordFileTests.created(count: 4)
        let bytes = try TemporaryDirectory.read(source.file("signed.v1"))
        let first = Frame.headerBytes + 8
        let each = Frame.headerBytes + 3
        let directory = try TemporaryDirectory()
        for cut in 0..<bytes.count {
            try TemporaryDirectory.write(Array(bytes[..<cut]), to: directory.file("signed.v1"))
            guard cut >= first else {
                #expect(throws: StoreFailure(.corrupt, ""), "cut at \(cut)") {
                    try SignRecordFile(opening: directory.path)
                }
                continue
            }
            let file = try SignRecordFile(opening: directory.path)
            #expect(file.records.count == (cut - first) / each, "cut at \(cut)")
            #expect(file.wasTorn == !(cut - first).isMultiple(of: each), "cut at \(cut)")
        }
    }

    @Test("K13: with any flipped bit nothing may be signed, and the file is left alone")
    func everyFlip() throws {
        let source = try SignRecordFileTests.created(count: 4)
        let bytes = try TemporaryDirectory.read(source.file("signed.v1"))
        let directory = try TemporaryDirectory()
        let path = directory.file("signed.v1")
        for bit in 0..<8 * bytes.count {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            try TemporaryDirectory.write(flipped, to: path)
            #expect(throws: StoreFailure(.corrupt, ""), "bit \(bit)") {
                try SignRecordFile(opening: directory.path)
            }
            let after = try TemporaryDirectory.read(path)
            #expect(after == flipped, "bit \(bit)")
        }
    }

    @Test("K13: an entry of which a power cut left some sectors and not the others is cut off")
    func everySectorLost() throws {
        let source = try TemporaryDirectory()
        try SignRecordFile.create(in: source.path, instance: 5)
        let payload = [UInt8](repeating: 7, count: 1200)
        do {
            let file = try SignRecordFile(opening: source.path)
            for height in 0..<3 { try file.append(payload, height: UInt64(height)) }
        }
        let bytes = try TemporaryDirectory.read(source.file("signed.v1"))
        let last = bytes.count - payload.count - Frame.headerBytes
        let sectors = [last] + Array(stride(from: (last / 512 + 1) * 512, to: bytes.count, by: 512))
        let directory = try TemporaryDirectory()
        for kept in 0..<(1 << sectors.count) - 1 {
            var left = bytes
            for (number, start) in sectors.enumerated() where kept & 1 << number == 0 {
                for place in start..<min(bytes.count, (start / 512 + 1) * 512) { left[place] = 0 }
            }
            try TemporaryDirectory.write(left, to: directory.file("signed.v1"))
            let file = try SignRecordFile(opening: directory.path)
            #expect(file.records.map(\.height) == [0, 1], "sectors \(kept)")
            #expect(file.wasTorn)
        }
    }

    @Test("K13: a sector that is gone under several entries is damage: all but the last were durable")
    func sectorOfSeveralLost() throws {
        let source = try TemporaryDirectory()
        try SignRecordFile.create(in: source.path, instance: 5)
        do {
            let file = try SignRecordFile(opening: source.path)
            for height in 0..<10 {
                try file.append([UInt8](repeating: 7, count: 110), height: UInt64(height))
            }
        }
        let bytes = try TemporaryDirectory.read(source.file("signed.v1"))
        let border = bytes.count / 512 * 512
        let frame = 110 + Frame.headerBytes
        try #require(bytes.count - border > 2 * frame, "the last sector holds more than one")
        let directory = try TemporaryDirectory()
        // What is left of the last entry keeps the rest from being zeros to the end.
        for kept in [1, frame] {
            var left = bytes
            for place in border..<bytes.count - kept { left[place] = 0 }
            try TemporaryDirectory.write(left, to: directory.file("signed.v1"))
            #expect(throws: StoreFailure(.corrupt, "")) { try SignRecordFile(opening: directory.path) }
        }
        // One bit of the last entry, of which one zero lies behind a border, is no power cut.
        let one = try TemporaryDirectory()
        try SignRecordFile.create(in: one.path, instance: 5)
        do {
            let file = try SignRecordFile(opening: one.path)
            try file.append([7], height: 0)
            let begun = try TemporaryDirectory.read(one.file("signed.v1")).count
            let payload = [UInt8](repeating: 7, count: 512 - begun - Frame.headerBytes) + [0]
            try file.append(payload, height: 1)
        }
        var flipped = try TemporaryDirectory.read(one.file("signed.v1"))
        #expect(flipped.count == 513)
        flipped[300] ^= 1
        try TemporaryDirectory.write(flipped, to: one.file("signed.v1"))
        #expect(throws: StoreFailure(.corrupt, "")) { try SignRecordFile(opening: one.path) }
    }

    @Test("A long record is compacted to its last entries and stays readable")
    func compaction() throws {
        let directory = try SignRecordFileTests.created(count: 1)
        var count = 1
        do {
            let file = try SignRecordFile(opening: directory.path)
            let payload = [UInt8](repeating: 3, count: SignRecordFile.payloadBytesMax)
            for _ in 0..<600 {
                try file.append(payload, height: UInt64(count))
                count += 1
            }
            #expect(file.records.count < 600)
        }
        let size = try TemporaryDirectory.read(directory.file("signed.v1")).count
        #expect(size < Int(SignRecordFile.compactionBytes))
        let file = try SignRecordFile(opening: directory.path)
        #expect(file.instance == 5)
        #expect(file.records.count >= SignRecordFile.recordsKept)
        #expect(file.records.map(\.height) == Array(UInt64(count - file.records.count)..<UInt64(count)))
        #expect(file.records.last?.sequence == UInt64(count + 1))
        try file.append([1], height: 9999)
    }

    @Test(
        "K12: after the n-th operation failed nothing is acknowledged, and no acknowledged entry is lost"
    )
    func latch() throws {
        let payload = [UInt8](repeating: 3, count: SignRecordFile.payloadBytesMax)
        // Enough entries before it that a compaction is among the operations that fail.
        let entries = Int(SignRecordFile.compactionBytes) / (payload.count + Frame.headerBytes)
        let full = try TemporaryDirectory()
        try SignRecordFile.create(in: full.path, instance: 5)
        do {
            let file = try SignRecordFile(opening: full.path)
            for number in 0..<entries - 1 { try file.append(payload, height: UInt64(number)) }
        }
        let bytes = try TemporaryDirectory.read(full.file("signed.v1"))
        for number in 0..<16 {
            let directory = try TemporaryDirectory()
            try TemporaryDirectory.write(bytes, to: directory.file("signed.v1"))
            let files = FaultyFileSystem()
            var acknowledged = UInt64(entries - 2)
            do {
                let file = try SignRecordFile(opening: directory.path, files: files)
                files.fail(after: number)
                #expect(throws: StoreFailure(.io, ""), "operation \(number)") {
                    for _ in 0..<100 {
                        try file.append(payload, height: acknowledged + 1)
                        acknowledged += 1
                    }
                }
                let operations = files.operations
                #expect(throws: StoreFailure(.latched, "")) { try file.append([1], height: 1000) }
                #expect(files.operations == operations)
            }
            let file = try SignRecordFile(opening: directory.path)
            #expect((file.records.last?.height ?? 0) >= acknowledged, "operation \(number)")
        }
    }
}
