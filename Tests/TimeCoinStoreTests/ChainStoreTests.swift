import Foundation
import Testing
import TimeCoinCore
import TimeCoinStoreConformance

@testable import TimeCoinStore

@Suite struct ChainStoreTests {
    private func filled(_ directory: TemporaryDirectory, seed: UInt64, blocks: Int = 6) throws -> ModelChain {
        var chain = try ModelChain(seed: seed, outputsPerBlock: 40)
        try chain.extend(count: blocks)
        var options = StoreOptions()
        options.instance = 77
        let store = try ChainStore(opening: directory.path, chain: chain.genesis, options: options)
        try store.commit(chain.commits)
        return chain
    }

    @Test("S2: what was committed is there after closing and opening, and the chain goes on")
    func reopen() throws {
        let directory = try TemporaryDirectory()
        var chain = try filled(directory, seed: 30)
        for _ in 0..<3 {
            let store = try ChainStore(opening: directory.path, chain: chain.genesis)
            #expect(store.instance == 77)
            #expect(try StoreView(store, asking: chain) == StoreView(expected: chain))
            try chain.extend()
            try store.commit([chain.commits[chain.commits.count - 1]])
            try store.rollbackTip()
            try store.commit([chain.commits[chain.commits.count - 1]])
        }
    }

    @Test("S2: a second instance is refused while the first lives, and only then")
    func secondInstance() throws {
        let directory = try TemporaryDirectory()
        let chain = try ModelChain(seed: 31)
        do {
            let first = try ChainStore(opening: directory.path, chain: chain.genesis)
            #expect(throws: StoreFailure(.locked, "")) {
                try ChainStore(opening: directory.path, chain: chain.genesis)
            }
            try first.commit(chain.commits)
        }
        let second = try ChainStore(opening: directory.path, chain: chain.genesis)
        #expect(try second.snapshot { try $0.tip() }?.height == 0)
    }

    @Test("Another chain, other options, a newer or older format are refused and change nothing")
    func identity() throws {
        let directory = try TemporaryDirectory()
        let chain = try filled(directory, seed: 32)
        let other = try ModelChain(seed: 33)
        #expect(throws: StoreFailure(.wrongChain, "")) {
            try ChainStore(opening: directory.path, chain: other.genesis)
        }
        var options = StoreOptions()
        options.addressIndex = false
        #expect(throws: StoreFailure(.wrongOptions, "")) {
            try ChainStore(opening: directory.path, chain: chain.genesis, options: options)
        }
        for (format, code) in [(UInt32(3), StoreFailure.Code.formatTooNew), (1, .formatTooOld)] {
            try rewriteIdentity(directory, format: format)
            #expect(throws: StoreFailure(code, "")) {
                try ChainStore(opening: directory.path, chain: chain.genesis)
            }
        }
        try rewriteIdentity(directory, format: 2)
        let store = try ChainStore(opening: directory.path, chain: chain.genesis)
        #expect(try StoreView(store, asking: chain) == StoreView(expected: chain))
    }

    @Test("Spent outputs are deleted once half of their chunk is spent, and come back with a rollback")
    func sweeping() throws {
        let directory = try TemporaryDirectory()
        var chain = try ModelChain(seed: 38, outputsPerBlock: 900)
        try chain.extend(count: 12)
        let last = chain
        try chain.extend(count: 6)
        let created = chain.commits.reduce(0) { $0 + $1.created.count }
        do {
            let store = try ChainStore(opening: directory.path, chain: chain.genesis)
            for commit in chain.commits { try store.commit([commit]) }
            #expect(try StoreView(store, asking: chain) == StoreView(expected: chain))
        }
        let kept = try records("outputs", directory, chain)
        #expect(kept < 2 * chain.outputs.count, "at most as many spent ones as unspent ones")
        #expect(kept > chain.outputs.count, "spent ones of chunks that are mostly unspent stay")
        #expect(kept < created)
        #expect(try records("sweeps", directory, chain) == 0)
        let store = try ChainStore(opening: directory.path, chain: chain.genesis)
        for _ in 0..<6 { try store.rollbackTip() }
        #expect(try StoreView(store, asking: last) == StoreView(expected: last))
        for commit in chain.commits[13...] { try store.commit([commit]) }
        #expect(try StoreView(store, asking: chain) == StoreView(expected: chain))
    }

    @Test("S1: a thousand blocks are taken back one by one, to the byte, and can be written again")
    func deepRollback() throws {
        let directory = try TemporaryDirectory()
        var chain = try ModelChain(seed: 39, outputsPerBlock: 9, blocksPerSlot: 5)
        try chain.extend(count: 30)
        let before = chain
        try chain.extend(count: Int(StoreOptions.undoBlocksMin))
        do {
            let store = try ChainStore(opening: directory.path, chain: chain.genesis)
            try store.commit(chain.commits)
            #expect(
                try store.snapshot { try $0.undo(at: 30) } == nil, "or the test asks for less than is kept")
            for _ in 0..<StoreOptions.undoBlocksMin { try store.rollbackTip() }
            #expect(try StoreView(store, asking: before) == StoreView(expected: before))
            #expect(throws: StoreFailure(.noUndo, "")) { try store.rollbackTip() }
        }
        let store = try ChainStore(opening: directory.path, chain: chain.genesis)
        try store.commit(Array(chain.commits[31...]))
        let view = try StoreView(store, asking: chain)
        #expect(view == StoreView(expected: chain))
    }

    @Test(
        "S12: rows of transactions of which only the unspent outputs are known lead to them and to no other")
    func rowsOfSnapshots() throws {
        let directory = try TemporaryDirectory()
        var chain = try ModelChain(seed: 41, outputsPerBlock: 60)
        try chain.extend(count: 14)
        do {
            let store = try ChainStore(opening: directory.path, chain: chain.genesis)
            try store.commit(chain.commits)
        }
        let unspent = Dictionary(
            grouping: StoreView(expected: chain).listed, by: { $0.outPoint.transaction })
        let environment = try Environment(directory: directory.path, mapBytes: 1 << 30)
        let identity = try environment.table(ChainIdentity.tableName, 0, checksumKey: .zero)
        let key = try environment.read { transaction in
            try ChainIdentity(
                decoding: try #require(try transaction.record(identity, ChainIdentity.key))
            ).checksumKey
        }
        let tables = try ChainTables(environment, checksumKey: key)
        try environment.write { transaction throws(StoreFailure) in
            for (identifier, outputs) in unspent {
                guard let row = TransactionRecord(unspent: outputs) else { continue }
                _ = try transaction.put(row.encoded, tables.transactions, RecordKey(identifier))
            }
        }
        try environment.read { transaction throws in
            let reader = ChainReader(transaction: transaction, tables: tables, addressIndex: true)
            for commit in chain.commits {
                for committed in commit.transactions where unspent[committed.identifier] != nil {
                    for index in 0...committed.outputCount {
                        let outPoint = OutPoint(transaction: committed.identifier, index: index)
                        #expect(try reader.output(outPoint) == chain.outputs[outPoint], "\(outPoint)")
                    }
                }
            }
        }
    }

    private func records(
        _ name: String, _ directory: TemporaryDirectory, _ chain: ModelChain
    ) throws -> Int {
        let environment = try Environment(directory: directory.path, mapBytes: 1 << 30)
        let table = try environment.table(name, 0, checksumKey: .zero)
        return Int(try environment.read { try $0.count(table) })
    }

    private func rewriteIdentity(_ directory: TemporaryDirectory, format: UInt32) throws {
        let environment = try Environment(directory: directory.path, mapBytes: 1 << 30)
        let table = try environment.table(ChainIdentity.tableName, 0, checksumKey: .zero)
        try environment.write { transaction throws(StoreFailure) in
            guard var bytes = try transaction.record(table, ChainIdentity.key) else {
                throw StoreFailure(.missing, "identity")
            }
            bytes[0] = UInt8(format)
            _ = try transaction.put(bytes, table, ChainIdentity.key)
        }
    }

    @Test("A reader that is kept longer than its snapshot answers nothing")
    func escapedReader() throws {
        let directory = try TemporaryDirectory()
        let chain = try filled(directory, seed: 34)
        let store = try ChainStore(opening: directory.path, chain: chain.genesis)
        let reader = try store.snapshot { $0 }
        #expect(throws: StoreFailure(.closed, "")) { try reader.tip() }
        #expect(throws: StoreFailure(.closed, "")) {
            try reader.output(OutPoint(transaction: .zero, index: 0))
        }
    }

    @Test("A full map refuses the write, keeps what was there, and a larger map goes on")
    func fullMap() throws {
        let directory = try TemporaryDirectory()
        var chain = try ModelChain(seed: 35, outputsPerBlock: 400)
        try chain.extend(count: 12)
        var options = StoreOptions()
        options.mapBytes = 512 << 10
        var written = 0
        do {
            let store = try ChainStore(opening: directory.path, chain: chain.genesis, options: options)
            #expect(throws: StoreFailure(.full, "")) {
                for commit in chain.commits {
                    try store.commit([commit])
                    written += 1
                }
            }
            #expect(try store.snapshot { try $0.tip() }?.height == UInt64(written - 1))
        }
        let store = try ChainStore(opening: directory.path, chain: chain.genesis)
        try store.commit(Array(chain.commits[written...]))
        #expect(try StoreView(store, asking: chain) == StoreView(expected: chain))
    }

    @Test("K12: after a write that the disk refused, no later write succeeds")
    func latch() async throws {
        await #expect(processExitsWith: .success) {
            let directory = try TemporaryDirectory()
            var chain = try ModelChain(seed: 36, outputsPerBlock: 400)
            try chain.extend(count: 12)
            let store = try ChainStore(opening: directory.path, chain: chain.genesis)
            try store.commit([chain.commits[0]])
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 400 << 10, rlim_max: rlim_t.max)
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            var failures: [StoreFailure.Code] = []
            for commit in chain.commits.dropFirst() {
                do throws(StoreFailure) {
                    try store.commit([commit])
                } catch {
                    failures.append(error.code)
                    break
                }
            }
            let height = try store.snapshot { try $0.tip() }?.height ?? 0
            limit.rlim_cur = rlim_t.max
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            do throws(StoreFailure) {
                try store.commit([chain.commits[Int(height) + 1]])
            } catch {
                failures.append(error.code)
            }
            exit(failures == [.io, .latched] ? EXIT_SUCCESS : EXIT_FAILURE)
        }
    }

    @Test("S2: killed with -9 at any moment, 20 times, no acknowledged block is lost and no other appears")
    func kills() async throws {
        let directory = try TemporaryDirectory()
        var chain = try ModelChain(seed: 37)
        try chain.extend(count: 150)
        for round in 0..<20 {
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = directory.path as String, round = round as Int] in
                var chain = try ModelChain(seed: 37)
                try chain.extend(count: 150)
                let store = try ChainStore(opening: "\(path)/chain", chain: chain.genesis)
                let next = try store.snapshot { try $0.tip() }.map { Int($0.height) + 1 } ?? 0
                let acknowledged = try PosixFileSystem().open("\(path)/acknowledged", creating: true)
                // The killer races with the commits; the microseconds differ each round.
                Thread.detachNewThread {
                    usleep(UInt32(700 * round + 300))
                    kill(getpid(), SIGKILL)
                }
                for commit in chain.commits[next...] {
                    try store.commit([commit])
                    try acknowledged.append([1])
                }
                kill(getpid(), SIGKILL)
            }
            let acknowledged = (try? PosixFileSystem().size(of: directory.file("acknowledged"))) ?? 0
            let store = try ChainStore(opening: directory.file("chain"), chain: chain.genesis)
            let tip = try store.snapshot { try $0.tip() }
            let written = tip.map { $0.height + 1 } ?? 0
            #expect(written >= acknowledged, "round \(round)")
            guard let tip else { continue }
            var model = try ModelChain(seed: 37)
            try model.extend(count: Int(tip.height))
            #expect(try StoreView(store, asking: model) == StoreView(expected: model), "round \(round)")
        }
    }

    @Test("S9: swapped, altered, shortened and misplaced records are found by name")
    func records() throws {
        let directory = try TemporaryDirectory()
        let environment = try Environment(directory: directory.path, mapBytes: 1 << 20)
        let key = SipHash.Key(low: 1, high: 2)
        let table = try environment.table("a", 1, checksumKey: key)
        // Other views of the same records: as another table, and of another database.
        let otherTable = Table(name: "b", identifier: 2, handle: table.handle, checksumKey: key)
        let otherDatabase = Table(
            name: "c", identifier: 1, handle: table.handle, checksumKey: SipHash.Key(low: 1, high: 3))
        try environment.write { transaction throws(StoreFailure) in
            _ = try transaction.put([1, 2, 3], table, RecordKey(5))
            _ = try transaction.put([4, 5, 6], otherTable, RecordKey(6))
        }
        try environment.read { transaction throws in
            #expect(try transaction.record(table, RecordKey(5)) == [1, 2, 3])
            for (view, number) in [(otherTable, UInt64(5)), (otherDatabase, 5), (table, 6)] {
                let failure = #expect(throws: StoreFailure.self) {
                    try transaction.record(view, RecordKey(number))
                }
                #expect(failure?.code == .corrupt)
                #expect(failure?.damaged == [.init(table: view.name, key: RecordKey(number).bytes)])
            }
            // An absence next to a damaged record is not believed.
            #expect(throws: StoreFailure(.corrupt, "")) { try transaction.record(table, RecordKey(7)) }
            #expect(try transaction.record(table, RecordKey(4)) == nil)
        }
    }

    @Test("S9: 300 flipped bits, swapped and stale pages: a fault is reported or every answer is right")
    func damagedFiles() async throws {
        let directory = try TemporaryDirectory()
        let damage = try DatabaseDamage(creating: directory.path)
        // A process that LMDB crashes on a damaged page leaves the rest to the next one.
        var progress = DatabaseDamage.Progress()
        while progress.next < DatabaseDamage.count {
            let before = progress.next
            await #expect(processExitsWith: .success) { [path = directory.path as String] in
                try DatabaseDamage(opening: path).run()
            }
            progress = try damage.progress()
            try #require(progress.next > before)
        }
        print("damages: \(progress), crashed: \(progress.crashed)")
        #expect(progress.silent == 0, "\(progress.notes.joined(separator: "\n"))")
        #expect(
            progress.reportedOnOpening + progress.reportedLater > DatabaseDamage.count / 6,
            "or nothing was tested")
        #expect(progress.crashed < DatabaseDamage.count / 20)
    }

    @Test("Types of file systems are read from the table of mounts, the deepest and latest mount first")
    func mounts() {
        let mounts = """
            22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
            30 22 0:40 / /mnt/share rw - nfs4 host:/x rw
            31 30 0:41 / /mnt/share/local\\040disk rw - tmpfs tmpfs rw
            32 22 0:42 / /data rw - ext4 /dev/sdb rw
            33 22 0:43 / /data rw shared:7 master:2 - fuse.sshfs host: rw
            """
        for (path, type) in [
            ("/home", "ext4"), ("/mnt/share", "nfs4"), ("/mnt/share/a/b", "nfs4"), ("/mnt/shared", "ext4"),
            ("/mnt/share/local disk/x", "tmpfs"), ("/data/x", "fuse.sshfs"),
        ] {
            #expect(NetworkFileSystem.type(of: path, mounts: mounts) == type, "\(path)")
        }
        #expect(NetworkFileSystem.types.contains("nfs4"))
        #expect(!NetworkFileSystem.types.contains("ext4"))
    }
}
