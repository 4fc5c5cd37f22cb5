import Logging
import Synchronization
import Testing
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

/// The files of this machine on a disk with as much room as a test says.
private final class RoomyFileSystem: FileSystem {
    private let files = PosixFileSystem()
    private let room: Mutex<DiskSpace>

    init(_ space: DiskSpace) { room = Mutex(space) }

    func set(_ space: DiskSpace) { room.withLock { $0 = space } }

    func space(at path: String) throws(StoreFailure) -> DiskSpace { room.withLock { $0 } }
    func createDirectory(_ path: String) throws(StoreFailure) { try files.createDirectory(path) }
    func names(in directory: String) throws(StoreFailure) -> [String]? { try files.names(in: directory) }
    func lock(_ directory: String) throws(StoreFailure) -> any DirectoryLocking { try files.lock(directory) }
    func size(of path: String) throws(StoreFailure) -> UInt64 { try files.size(of: path) }
    func open(_ path: String, creating: Bool) throws(StoreFailure) -> any AppendableFile {
        try files.open(path, creating: creating)
    }
    func read(_ path: String, from offset: UInt64, count: Int) throws(StoreFailure) -> [UInt8] {
        try files.read(path, from: offset, count: count)
    }
    func truncate(_ path: String, to size: UInt64) throws(StoreFailure) { try files.truncate(path, to: size) }
    func rename(_ source: String, to target: String) throws(StoreFailure) {
        try files.rename(source, to: target)
    }
    func remove(_ path: String) throws(StoreFailure) { try files.remove(path) }
    func syncDirectory(_ path: String) throws(StoreFailure) { try files.syncDirectory(path) }
}

@Suite("A full disk, foreseen")
struct DiskWatermarkTests {
    private static let mebibyte: UInt64 = 1 << 20
    private static let large: UInt64 = 1 << 40

    private static func space(_ free: UInt64, of total: UInt64 = large) -> DiskSpace {
        DiskSpace(free: free * mebibyte, total: total)
    }

    @Test("low below 512 MiB, enough again only with a quarter more, empty below 64 MiB")
    func marks() {
        var mark = DiskWatermark()
        let steps: [(free: UInt64, said: DiskWatermark.Room?)] = [
            (10_000, nil), (512, nil), (511, .low), (511, nil), (512, nil), (639, nil), (640, .enough),
            (512, nil), (100, .low), (64, nil), (63, .empty), (64, .low), (600, nil), (641, .enough),
            (0, .empty), (9000, .enough),
        ]
        for (free, said) in steps {
            #expect(mark.take(Self.space(free)) == said, "\(free) MiB free")
        }
    }

    @Test("on a small disk the marks are 5 % and 1 % of it")
    func smallDisk() {
        var mark = DiskWatermark()
        let total = 100 * Self.mebibyte
        #expect(mark.take(Self.space(5, of: total)) == nil)
        #expect(mark.take(Self.space(4, of: total)) == .low)
        #expect(mark.take(Self.space(1, of: total)) == nil)
        #expect(mark.take(Self.space(0, of: total)) == .empty)
        #expect(mark.take(DiskSpace(free: 0, total: 0)) == .enough, "nothing is known: nothing ends by it")
    }

    @Test("whose disk is nearly full proposes nothing, says so once, and goes on when there is room")
    func reactor() throws {
        let world = try World(weights: [1])
        var reactor = Reactor(
            state: world.state, own: world.chain.members[0].publicKey, signed: SignerPositions(),
            secret: .zero, settings: Reactor.Settings(), at: Instant(milliseconds: 0))
        let moment = Moment(instant: Instant(milliseconds: 1), clock: world.state.dueTime(of: 1))
        func builds(_ effects: [ReactorEffect]) -> Bool {
            effects.contains { if case .build = $0 { true } else { false } }
        }
        func said(_ effects: [ReactorEffect]) -> [Bool] {
            effects.compactMap { if case .report(.diskRoom(let isLow)) = $0 { isLow } else { nil } }
        }
        #expect(said(reactor.handle(.diskRoom(isLow: true), at: moment)) == [true])
        #expect(said(reactor.handle(.diskRoom(isLow: true), at: moment)) == [])
        let due = reactor.handle(.wake, at: moment)
        #expect(reactor.machine.hasStarted && !builds(due))
        let report = reactor.report(deadlines: [], fault: nil, at: moment)
        #expect(report.sentence.contains("this node's disk is nearly full: it proposes nothing"))
        let mended = reactor.handle(.diskRoom(isLow: false), at: moment)
        #expect(said(mended) == [false] && builds(mended))
    }

    @Test("K12: the node looks now and then, holds back its proposals, and ends before a write fails")
    func shell() throws {
        let world = try World(weights: [1])
        let files = RoomyFileSystem(Self.space(100))
        let now = Mutex(UInt64(1000))
        let clock = world.state.dueTime(of: 1)
        let events = EventLog()
        var parts = NodeShell.Parts(
            store: world.store, journal: SilentJournal(), submissions: nil, signer: nil,
            peers: PeerLink(), events: events, view: PublishedView(state: world.state),
            clock: NodeClock { Moment(instant: Instant(milliseconds: now.withLock { $0 }), clock: clock) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        parts.disk = DiskWatch(files: files, path: "/")
        var shell = NodeShell(
            reactor: Reactor(
                state: world.state, own: nil, signed: nil, secret: .zero, settings: Reactor.Settings(),
                at: Instant(milliseconds: 0)), parts: parts)
        shell.pulse()
        #expect(shell.reactor.isDiskLow)
        files.set(Self.space(9000))
        shell.pulse()
        #expect(shell.reactor.isDiskLow, "it was just looked at")
        now.withLock { $0 += DiskWatermark.interval }
        shell.pulse()
        #expect(!shell.reactor.isDiskLow && shell.fault == nil)
        files.set(Self.space(10))
        now.withLock { $0 += DiskWatermark.interval }
        shell.pulse()
        #expect(shell.fault as? StoreFailure == StoreFailure(.full, ""))
    }
}

private final class SilentJournal: ConsensusJournaling {
    func append(_ entry: JournalEntry, height: Height) {}
    func sync() {}
    func prune(below height: Height) {}
}
