import Foundation
import Testing
import TimeCoinCore

@testable import TimeCoinStore

@Suite("The map and the readers of the database")
struct EnvironmentTests {
    private static let key = SipHash.Key(low: 1, high: 2)

    private static func commit(_ number: UInt64, _ environment: Environment, _ table: Table) throws {
        try environment.write { transaction throws(StoreFailure) in
            _ = try transaction.put([1], table, RecordKey(number))
        }
    }

    @Test("the map that programs use is larger than the disk, a bounded one stays as it is")
    func mapSize() throws {
        let directory = try TemporaryDirectory()
        let disk = try PosixFileSystem().space(at: directory.path)
        #expect(disk.free <= disk.total && disk.total > 0)
        do {
            let environment = try Environment(
                directory: directory.path, mapBytes: StoreOptions.mapBytesDefault)
            let size = try environment.mapBytes()
            #expect(UInt64(size) >= min(disk.total, UInt64(Environment.mapBytesMax / 2)))
            #expect(size >= StoreOptions.mapBytesDefault)
        }
        let other = try TemporaryDirectory()
        let bounded = try Environment(directory: other.path, mapBytes: 1 << 20)
        #expect(try bounded.mapBytes() == 1 << 20)
    }

    @Test("The file of the readers has its room before it is needed: no reader dies of a full disk")
    func readersFile() throws {
        let directory = try TemporaryDirectory()
        let environment = try Environment(directory: directory.path, mapBytes: 1 << 20)
        var information = stat()
        #expect(stat(directory.file("lock.mdb"), &information) == 0)
        #expect(information.st_blocks * 512 >= information.st_size)
        withExtendedLifetime(environment) {}
    }

    @Test("a database that a crash met while it was created begins anew; one with a commit does not")
    func creationCutShort() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("data.mdb")
        do { _ = try Environment(directory: directory.path, mapBytes: 1 << 20) }
        let whole = try TemporaryDirectory.read(path)
        let zeros = [UInt8](repeating: 0, count: whole.count)
        let sector = 512
        for cut in stride(from: 0, through: whole.count, by: 97) {
            let border = cut - cut % sector
            for left in [
                Array(whole[..<cut]), Array(whole[..<border] + zeros[border...]),
                Array(zeros[..<border] + whole[border...]),
            ] {
                try TemporaryDirectory.write(left, to: path)
                let environment = try Environment(directory: directory.path, mapBytes: 1 << 20)
                let table = try environment.table("a", 1, checksumKey: EnvironmentTests.key)
                try EnvironmentTests.commit(1, environment, table)
            }
        }
        let committed = try TemporaryDirectory.read(path)
        for cut in [152, 200, 4095, 4096, 4200] {
            let left = Array(committed[..<cut])
            try TemporaryDirectory.write(left, to: path)
            #expect(throws: StoreFailure(.corrupt, ""), "cut at \(cut)") {
                try Environment(directory: directory.path, mapBytes: 1 << 20)
            }
            #expect(try TemporaryDirectory.read(path) == left)
        }
    }

    @Test("a snapshot in use is told with how far it lies behind, and one of a killed process is cleared")
    func killedReader() async throws {
        let directory = try TemporaryDirectory()
        let environment = try Environment(directory: directory.path, mapBytes: 1 << 20)
        let table = try environment.table("a", 1, checksumKey: EnvironmentTests.key)
        #expect(try environment.oldestSnapshotLag() == nil)
        try environment.read { _ in
            for number in UInt64(0)..<3 { try EnvironmentTests.commit(number, environment, table) }
            #expect(try environment.oldestSnapshotLag() == 3)
        }
        #expect(try environment.oldestSnapshotLag() == nil)
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = directory.path as String] in
            let environment = try Environment(directory: path, mapBytes: 1 << 20)
            try environment.read { _ in _ = kill(getpid(), SIGKILL) }
        }
        for number in UInt64(3)..<8 { try EnvironmentTests.commit(number, environment, table) }
        #expect(try environment.oldestSnapshotLag() == 5)
        await #expect(processExitsWith: .success) { [path = directory.path as String] in
            let environment = try Environment(directory: path, mapBytes: 1 << 20)
            exit(try environment.oldestSnapshotLag() == nil ? EXIT_SUCCESS : EXIT_FAILURE)
        }
        #expect(try environment.oldestSnapshotLag() == nil)
    }
}
