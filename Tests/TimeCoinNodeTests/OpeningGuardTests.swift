import Foundation
import Logging
import Testing
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
        try FileManager.default.contentsOfDirectory(atPath: directory.root).sorted()
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
}
