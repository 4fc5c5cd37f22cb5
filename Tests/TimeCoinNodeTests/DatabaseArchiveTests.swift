import Foundation
import Synchronization
import Testing
import TimeCoinControl
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

@Suite("Export and import of a chain")
struct DatabaseArchiveTests {
    private func bytes(_ path: String) throws -> [UInt8] {
        Array(try #require(FileManager.default.contents(atPath: path)))
    }

    private func write(_ bytes: [UInt8], _ path: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    private func load(_ path: String, _ directory: NodeDirectory) async throws -> ChainImport.Summary {
        try await ChainImport.run(directory, from: path, progress: .silent)
    }

    @Test("what is exported and imported is the same chain, byte for byte, and exported again the same file")
    func roundTrip() async throws {
        let world = try DatabaseWorld(blocks: 12)
        defer { world.end() }
        let archive = try world.export(try world.node("a", height: 12), "all")
        let other = try world.node("b")
        let summary = try await load(archive, other)
        #expect(summary.imported == 12)
        #expect(summary.present == 0)
        try world.expect(other, height: 12)
        #expect(try bytes(try world.export(other, "again")) == bytes(archive))
        let again = try await load(archive, other)
        #expect((again.imported, again.present) == (0, 12))
    }

    @Test("an import goes on where the database stands, and refuses a gap")
    func resumes() async throws {
        let world = try DatabaseWorld(blocks: 9)
        defer { world.end() }
        let source = try world.node("a", height: 9)
        let head = try world.export(source, "head", through: 4)
        let tail = try world.export(source, "tail", from: 4)
        let other = try world.node("b")
        let gap = try await world.refusal(.badInput) { _ = try await load(tail, other) }
        #expect(gap.contains("begins with block 4"))
        #expect(try await load(head, other).height == 4)
        let summary = try await load(tail, other)
        #expect((summary.imported, summary.present) == (5, 1))
        try world.expect(other, height: 9)
    }

    @Test("a damaged byte is found, named by block and offset; what came before stays and the import goes on")
    func damaged() async throws {
        let world = try DatabaseWorld(blocks: 6)
        defer { world.end() }
        let source = try world.node("a", height: 6)
        let archive = try world.export(source, "all")
        let good = try bytes(archive)
        let start =
            try bytes(try world.export(source, "until", through: 3)).count
            - ChainArchive.frame(
                .end, 0, [UInt8](repeating: 0, count: ChainArchive.endBytes)
            ).count
        let end =
            start + ChainArchive.frameHeaderBytes + 4
            + EncodedCertifiedBlock(
                block: world.stored(4).block, certificate: world.stored(4).certificate
            ).encoded.count
        let places = [start, start + 2, start + 9, start + 15, start + 30, (start + end) / 2, end - 1]
        for (number, place) in places.enumerated() {
            var bad = good
            bad[place] ^= 0x10
            try write(bad, archive)
            let other = try world.node("b\(number)")
            let message = try await world.refusal(.badInput) { _ = try await load(archive, other) }
            #expect(message.contains("block 4, byte \(start)"), "\(place): \(message)")
            #expect(message.contains("the tip is 3"))
            try world.expect(other, height: 3)
            try write(good, archive)
            #expect(try await load(archive, other).imported == 3)
            try world.expect(other, height: 6)
        }
    }

    @Test("a cut archive is noticed wherever it was cut; the whole blocks before stay")
    func cut() async throws {
        let world = try DatabaseWorld(blocks: 4)
        defer { world.end() }
        let source = try world.node("a", height: 4)
        let good = try bytes(try world.export(source, "all"))
        let frame = ChainArchive.frameHeaderBytes + ChainArchive.endBytes + 4
        let cut = "\(world.root)/cut"
        for (number, count) in [3, 30, 56, 60, good.count / 2, good.count - frame, good.count - 1]
            .enumerated()
        {
            try write(Array(good.prefix(count)), cut)
            let message = try await world.refusal(.badInput) {
                _ = try await load(cut, try world.node("b\(number)"))
            }
            #expect(message.contains("cut") || count == 3, "\(count): \(message)")
        }
        try world.expect(try world.node("b5"), height: 4)
        // Something behind the end, and an end that does not fit.
        try write(good + [0], cut)
        #expect(
            try await world.refusal(.badInput) { _ = try await load(cut, try world.node("c")) }
                .contains("behind the end"))
        let wrong = ChainArchive.end(4, count: 4, last: .zero)
        try write(good.dropLast(frame) + wrong, cut)
        #expect(
            try await world.refusal(.badInput) { _ = try await load(cut, try world.node("d")) }
                .contains("does not fit"))
    }

    @Test("another chain, another version and another file are refused, and nothing is created")
    func foreign() async throws {
        let world = try DatabaseWorld(blocks: 2)
        let stranger = try DatabaseWorld(blocks: 2, weights: [1, 1, 1])
        defer {
            world.end()
            stranger.end()
        }
        let archive = try stranger.export(try stranger.node("a", height: 2), "all")
        let node = try world.node("b")
        #expect(
            try await world.refusal(.badInput) { _ = try await load(archive, node) }.contains("of the chain"))
        var bytes = try bytes(archive)
        bytes[8] = 9
        try write(bytes, archive)
        #expect(
            try await world.refusal(.badInput) { _ = try await load(archive, node) }.contains("version 9"))
        #expect(
            try await world.refusal(.badInput) { _ = try await load(node.genesis, node) }
                .contains("no exported chain"))
        #expect(!FileManager.default.fileExists(atPath: node.chain))
    }

    @Test("a block that breaks a rule, or that too few have certified, is refused as a peer's would be")
    func judged() async throws {
        let world = try DatabaseWorld(blocks: 5)
        defer { world.end() }
        let third = world.blocks[2].block
        let altered = try world.world.unchecked(third.transactions, like: third.header, stateRoot: .zero)
        let weak = try world.world.certificate(of: third.hash, at: 3, signers: [0, 1]).encoded
        let fitting = try world.world.certificate(of: altered.hash, at: 3, signers: [0, 1, 2]).encoded
        let cases: [(block: [UInt8], certificate: [UInt8], words: String)] = [
            (third.encoded, weak, "block 3"), (altered.encoded, fitting, "state-root"),
            (third.encoded, world.certificates[1], "certificate-of-another-block"),
            (third.encoded, [], "certificate cannot be read"),
        ]
        for (number, item) in cases.enumerated() {
            let node = try world.node("n\(number)")
            let path = "\(world.root)/bad\(number)"
            var writer = try ArchiveWriter(
                writing: path, chain: world.world.chain.genesis.hash, first: 1)
            try writer.append(world.stored(1))
            try writer.append(world.stored(2))
            try writer.append(StoredBlock(height: 3, block: item.block, certificate: item.certificate))
            try writer.finish(at: 3, last: third.hash)
            let message = try await world.refusal(.badInput) { _ = try await load(path, node) }
            #expect(message.contains("block 3") && message.contains(item.words), "\(message)")
            try world.expect(node, height: 2)
        }
    }

    @Test("K5: another certified block at a height that is there is a fork, and is refused as one")
    func forked() async throws {
        let world = try DatabaseWorld(blocks: 3)
        let branch = try DatabaseWorld(blocks: 3, offset: 10)
        defer {
            world.end()
            branch.end()
        }
        let archive = try branch.export(try branch.node("a", height: 3), "all")
        let node = try world.node("b", height: 2)
        let message = try await world.refusal(.badInput) { _ = try await load(archive, node) }
        #expect(message.contains("block 1 is not the one"))
        try world.expect(node, height: 2)
    }

    @Test("progress is told once an interval of the clock, with the rate and the time that is left")
    func progress() {
        var meter = ProgressMeter("x", unit: "blocks", from: 100, total: 300, at: Instant(milliseconds: 0))
        #expect(meter.advance(to: 110, at: Instant(milliseconds: 999)) == nil)
        let first = meter.advance(to: 150, at: Instant(milliseconds: 2000))
        #expect(first?.tenthsPerSecond == 250)
        #expect(first?.secondsLeft == 6)
        #expect(first?.json["persecond"]?.token == "25.0")
        #expect(meter.advance(to: 151, at: Instant(milliseconds: 2999)) == nil)
        #expect(meter.advance(to: 151, at: Instant(milliseconds: 3000)) != nil)
        #expect(meter.finish(at: Instant(milliseconds: 3000)).done == 151)
    }

    @Test("a long import tells its progress by the clock that it is given")
    func told() async throws {
        let world = try DatabaseWorld(blocks: 6)
        defer { world.end() }
        let archive = try world.export(try world.node("a", height: 6), "all")
        let ticks = Mutex<UInt64>(0)
        let reports = Mutex<[ProgressReport]>([])
        let clock = NodeClock {
            let now = ticks.withLock { ticks in
                ticks += 500
                return ticks
            }
            return Moment(instant: Instant(milliseconds: now), clock: Timestamp(milliseconds: now))
        }
        let sink = ProgressSink(clock: clock) { report in reports.withLock { $0.append(report) } }
        _ = try await ChainImport.run(try world.node("b"), from: archive, progress: sink)
        let told = reports.withLock { $0 }
        // Half a second a block, and a second between two reports; the last is the end.
        #expect(told.count == 4)
        #expect(told.map(\.done) == told.map(\.done).sorted())
        #expect(told.allSatisfy { $0.total == UInt64((try? bytes(archive).count) ?? 0) })
        #expect(told.first?.secondsLeft.map { $0 > 0 } == true)
    }
}
