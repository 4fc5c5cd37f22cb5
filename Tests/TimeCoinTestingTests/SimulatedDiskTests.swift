import Testing
import TimeCoinStore

@testable import TimeCoinTesting

@Suite("Simulated disk")
struct SimulatedDiskTests {
    private func disk(_ seed: UInt64 = 1) throws -> (SimulatedDisk, any AppendableFile) {
        let disk = SimulatedDisk(seed: seed, number: 0)
        try disk.createDirectory("d")
        let file = try disk.open("d/f", creating: true)
        try file.append([1, 2, 3])
        try file.sync()
        try disk.syncDirectory("d")
        try file.append([4, 5, 6])
        return (disk, file)
    }

    @Test("a killed process loses nothing; a loss of power leaves what was synced and a prefix of the rest")
    func endings() throws {
        let (killed, _) = try disk()
        _ = killed.end(.killed)
        #expect(try killed.read("d/f", from: 0, count: 10) == [1, 2, 3, 4, 5, 6])
        var lengths: Set<Int> = []
        for seed in 0..<40 as Range<UInt64> {
            let (lost, _) = try disk(seed)
            let losses = lost.end(.powerLost)
            let left = try lost.read("d/f", from: 0, count: 10)
            #expect(left == Array([1, 2, 3, 4, 5, 6].prefix(left.count)))
            #expect(left.count >= 3)
            #expect((losses.lost == 1) == (left.count < 6))
            #expect((losses.torn == 1) == (left.count == 4 || left.count == 5))
            lengths.insert(left.count)
        }
        #expect(lengths == [3, 4, 5, 6])
    }

    @Test("a name that no directory sync made durable is gone after a loss of power")
    func names() throws {
        let (disk, _) = try disk()
        _ = try disk.open("d/g", creating: true)
        try disk.rename("d/f", to: "d/h")
        _ = disk.end(.powerLost)
        #expect(try disk.names(in: "d") == ["f"])
    }

    @Test("the k-th operation fails once; a full disk takes nothing; a dead process does nothing")
    func faults() throws {
        let (disk, file) = try disk()
        disk.fail(after: 1)
        try file.append([7])
        #expect(throws: StoreFailure(.io, "")) { try file.append([8]) }
        try file.append([9])
        disk.setFull(true)
        #expect(throws: StoreFailure(.full, "")) { try file.append([8]) }
        disk.setFull(false)
        disk.crash(after: 0)
        #expect(throws: StoreFailure(.io, "")) { try file.sync() }
        #expect(disk.isDead)
        #expect(!disk.survives())
        #expect(throws: StoreFailure(.io, "")) { try file.append([1]) }
        _ = disk.end(.killed)
        #expect(disk.survives())
    }

    @Test("the durable copy is what was synced")
    func copy() throws {
        let (disk, _) = try disk()
        #expect(try disk.durableCopy().read("d/f", from: 0, count: 10) == [1, 2, 3])
        #expect(try disk.read("d/f", from: 0, count: 10).count == 6)
    }
}
