import Foundation
import Logging
import Testing
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

@Suite("What stands beside each other in a node's directory")
struct OpeningGuardTests {
    private let root = NSTemporaryDirectory() + "timecoin-opening.\(UUID().uuidString)"
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private struct Stopped: Error {}

    private func directory() throws -> NodeDirectory {
        let directory = NodeDirectory(dataDirectory: root, network: .local)
        try FileManager.default.createDirectory(
            atPath: directory.chain, withIntermediateDirectories: true)
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: directory.chain + "/data.mdb"))
        return directory
    }

    private func count(_ openings: Int, _ directory: NodeDirectory) throws {
        try Data(repeating: 46, count: openings).write(to: URL(fileURLWithPath: directory.root + "/opening"))
    }

    private func names(_ directory: NodeDirectory) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.root).sorted().filter { $0 != "LOCK" }
    }

    @Test("S2: an opening that ends, well or with an error, leaves no count; one that does not is counted")
    func counting() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let directory = try directory()
        let opening = OpeningGuard(directory, trial: ["/bin/false"], logger: logger)
        #expect(try opening.open { try names(directory) } == ["chain", "opening"])
        #expect(throws: Stopped.self) { try opening.open { throw Stopped() } }
        #expect(try names(directory) == ["chain"])
        try count(1, directory)
        let size = try opening.open { try PosixFileSystem().size(of: directory.root + "/opening") }
        #expect(size == 2)
    }

    @Test("S9: a database that ends every process that opens it is put aside whole, and not before")
    func quarantine() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let directory = try directory()
        let crash = ["/bin/sh", "-c", "kill -SEGV $$"]
        let fatal = OpeningGuard(directory, trial: crash, logger: logger)
        try count(1, directory)
        #expect(try fatal.open { 1 } == 1, "once may be anything")
        try count(2, directory)
        let tame = OpeningGuard(directory, trial: ["/bin/false"], logger: logger)
        #expect(try tame.open { 2 } == 2, "a trial that ends with an error is for the opening to report")
        for number in 1...2 {
            try FileManager.default.createDirectory(
                atPath: directory.chain, withIntermediateDirectories: true)
            try count(2, directory)
            let failure = #expect(throws: StoreFailure.self) {
                try fatal.open { Issue.record("it was opened") }
            }
            #expect(failure?.code == .corrupt)
            #expect(failure?.message.contains("chain.quarantine-\(number)") == true)
        }
        #expect(try names(directory) == ["chain.quarantine-1", "chain.quarantine-2"])
        let kept = try Data(
            contentsOf: URL(fileURLWithPath: directory.root + "/chain.quarantine-1/data.mdb"))
        #expect(kept == Data([1, 2, 3]))
    }

    @Test("S9: a trial that is ended from outside says nothing about the database")
    func endedFromOutside() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let directory = try directory()
        try count(2, directory)
        let trial = ["/bin/sh", "-c", "kill -KILL $$"]
        #expect(throws: TrialEnded.self) {
            try OpeningGuard(directory, trial: trial, logger: logger).open { Issue.record("it was opened") }
        }
        #expect(try names(directory) == ["chain", "opening"])
        #expect(try PosixFileSystem().size(of: directory.root + "/opening") == 2)
    }

    @Test("S2: a second start leaves the count of the first, which is still opening")
    func twoStarts() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let directory = try directory()
        let (first, second) = (
            OpeningGuard(directory, trial: nil, logger: logger),
            OpeningGuard(directory, trial: nil, logger: logger)
        )
        let counted = try first.open { () throws -> UInt64 in
            let failure = #expect(throws: StoreFailure.self) {
                try second.open { throw StoreFailure(.locked, "the database is open") }
            }
            #expect(failure?.code == .locked)
            return try PosixFileSystem().size(of: directory.root + "/opening")
        }
        #expect(counted == 1)
        // Somebody cleaned up meanwhile: the opening went well all the same.
        let cleaned = try first.open {
            try FileManager.default.removeItem(atPath: directory.root + "/opening")
            return 2
        }
        #expect(cleaned == 2)
        #expect(try second.open { 3 } == 3, "the lock is held only while the first opens")
    }

    @Test("K14: record first, then database: whatever crashes between, they share one number")
    func recordFirst() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let directory = NodeDirectory(dataDirectory: root, network: .local)
        let genesis = try World().chain.genesis
        try StoredSignRecord.create(at: directory.signRecord)
        for _ in 0..<2 {
            let store = try ChainStore(
                opening: directory.chain, chain: genesis.hash,
                options: try InstanceNumber.storeOptions(directory))
            let record = try StoredSignRecord(opening: directory.signRecord)
            #expect(record.instance == store.instance)
            #expect(
                InstanceNumber.refusal(record: record.instance, at: "r", database: store.instance, in: "c")
                    == nil)
        }
    }

    @Test("K14: a database without its record, or with another's, is never signed on")
    func foreignRecord() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let directory = NodeDirectory(dataDirectory: root, network: .local)
        let genesis = try World().chain.genesis
        let instance = try ChainStore(
            opening: directory.chain, chain: genesis.hash,
            options: try InstanceNumber.storeOptions(directory)
        ).instance
        #expect(throws: StoreFailure(.missing, "")) {
            try StoredSignRecord(opening: directory.signRecord)
        }
        // The record appears after the database: it is of elsewhere.
        try StoredSignRecord.create(at: directory.signRecord, instance: instance &+ 1)
        let store = try ChainStore(
            opening: directory.chain, chain: genesis.hash,
            options: try InstanceNumber.storeOptions(directory))
        #expect(store.instance == instance)
        let record = try StoredSignRecord(opening: directory.signRecord)
        let refusal = InstanceNumber.refusal(
            record: record.instance, at: directory.signRecord, database: store.instance,
            in: directory.chain)
        #expect(refusal?.contains("\(record.instance)") == true)
        #expect(refusal?.contains("put back the record") == true)
    }

    @Test("K13: a journal ahead of the chain is put aside whole, and its heights are never signed again")
    func journalAhead() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let directory = try directory()
        let gap = JournalGap(directory.journal)
        do {
            let journal = try gap.open(next: 1)
            for height in Height(1)...7 { try journal.append(.record(.start), height: height) }
            try journal.sync()
        }
        #expect(try gap.height() == 0)
        #expect(try gap.open(next: 7).entries(of: 7).count == 1, "it stands where the chain does")
        do {
            let journal = try gap.open(next: 3)
            #expect(try journal.entries(of: 7).isEmpty)
            try journal.append(.record(.start), height: 3)
            try journal.sync()
        }
        #expect(try gap.height() == 7)
        // The start after that finds entries of its height, and still remembers what was lost.
        #expect(try gap.open(next: 3).entries(of: 3).count == 1)
        #expect(try gap.height() == 7)
        let aside = try StoredJournal(opening: directory.journal + ".before-7")
        #expect(try aside.entries(of: 7).count == 1)
    }

    @Test("K13: a journal is whole put back at its height; without it the record remembers the height")
    func journalPutBack() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let directory = try directory()
        let gap = JournalGap(directory.journal)
        do {
            let journal = try gap.open(next: 7)
            try journal.append(.record(.start), height: 7)
            try journal.sync()
        }
        _ = try gap.open(next: 3)
        let files = PosixFileSystem()
        try files.rename(directory.journal, to: directory.root + "/journal.later")
        try files.rename(directory.journal + ".before-7", to: directory.journal)
        let signed = SignerPosition(height: 7, round: 0, kind: .precommit)
        #expect(try gap.height() == 0)
        let entries = try gap.open(next: 7).entries(of: 7)
        #expect(NodeRecovery.lostHeight(entries, signed, above: 6) == nil)
        // The signer's record remembers the height, too.
        #expect(NodeRecovery.lostHeight([], signed, above: 6) == 7)
        #expect(NodeRecovery.lostHeight([], signed, above: 2) == 7)
    }

    @Test("K13: the same heights may be lost any number of times, and every journal is kept")
    func lostAgain() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let directory = try directory()
        let gap = JournalGap(directory.journal)
        for _ in 1...4 {
            let journal = try gap.open(next: 3)
            try journal.append(.record(.start), height: 7)
            try journal.sync()
        }
        _ = try gap.open(next: 3)
        #expect(try gap.height() == 7)
        let aside = directory.journal + ".before-7"
        for path in [aside, aside + "/3", aside + "/3-2", aside + "/3-3"] {
            #expect(try StoredJournal(opening: path).lastHeight == 7)
        }
    }

    @Test("K13: a height whose journal was lost stays unsigned after the next start, too")
    func lostHeight() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let directory = try directory()
        let gap = JournalGap(directory.journal)
        try gap.mark(5)
        try gap.mark(3)
        #expect(try JournalGap(directory.journal).height() == 5)
        #expect(try JournalGap(directory.root + "/journal-of-another").height() == 0)
        do {
            let journal = try gap.open(next: 2)
            try journal.append(.record(.start), height: 5)
            try journal.sync()
        }
        _ = try gap.open(next: 2)
        #expect(try names(directory).filter { $0.hasPrefix("journal") } == ["journal", "journal.before-5"])
        #expect(try StoredJournal(opening: directory.journal + ".before-5/2").lastHeight == 5)
    }
}
