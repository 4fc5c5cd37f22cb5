import Testing
import TimeCoinCore
import TimeCoinStore
import TimeCoinStoreConformance

/// The checks for every store, run against the one on disk and the one in memory.
@Suite struct ChainStoreConformanceTests {
    @Test("S1: the store on disk does what every store must", arguments: StoreConformance.checks)
    func onDisk(check: StoreConformance.Check) throws {
        var directories: [TemporaryDirectory] = []
        try check.run { chain, options in
            let directory = try TemporaryDirectory()
            directories.append(directory)
            return try ChainStore(opening: directory.path, chain: chain, options: options)
        }
        #expect(!directories.isEmpty)
    }

    @Test("S1: the store in memory does what every store must", arguments: StoreConformance.checks)
    func inMemory(check: StoreConformance.Check) throws {
        try check.run { MemoryChainStore(chain: $0, options: $1) }
    }

    @Test("A store that forgets, answers late or keeps too much does not pass")
    func defective() {
        for defect in DefectiveStore.Defect.allCases {
            var violated = 0
            for check in StoreConformance.checks {
                do {
                    try check.run { DefectiveStore(MemoryChainStore(chain: $0, options: $1), defect) }
                } catch {
                    violated += 1
                }
            }
            #expect(violated > 0, "\(defect)")
        }
    }

    @Test("An undo record survives its encoding")
    func undoCodec() throws {
        var chain = try ModelChain(seed: 12)
        try chain.extend(count: 4)
        let store = MemoryChainStore(chain: chain.genesis)
        try store.commit(chain.commits)
        let undo = try #require(try store.snapshot { try $0.undo(at: 4) })
        let bytes = undo.encoded
        #expect(try UndoRecord(decoding: bytes) == undo)
        for cut in 0..<bytes.count {
            #expect(throws: DecodingFailure.self) { try UndoRecord(decoding: Array(bytes[..<cut])) }
        }
    }
}

/// A store in memory with one thing wrong.
private struct DefectiveStore: ChainStoring {
    enum Defect: CaseIterable {
        case dropsTheSecondOfABatch
        case doesNotTakeBack
        case takesBackTwo
        case writesHalfOfWhatItRefuses
    }

    private let store: MemoryChainStore
    private let defect: Defect

    init(_ store: MemoryChainStore, _ defect: Defect) {
        self.store = store
        self.defect = defect
    }

    var instance: UInt64 { store.instance }

    func snapshot<Result>(_ body: (any ChainReading) throws -> Result) throws -> Result {
        try store.snapshot(body)
    }

    func commit(_ blocks: [BlockCommit]) throws(StoreFailure) {
        switch defect {
        case .dropsTheSecondOfABatch where blocks.count > 1: try store.commit(Array(blocks.prefix(1)))
        case .writesHalfOfWhatItRefuses: for block in blocks { try store.commit([block]) }
        default: try store.commit(blocks)
        }
    }

    func rollbackTip() throws(StoreFailure) -> ChainTip {
        if defect == .takesBackTwo { try store.rollbackTip() }
        if defect == .doesNotTakeBack, let tip = try? store.snapshot({ try $0.tip() }) ?? nil { return tip }
        return try store.rollbackTip()
    }
}
