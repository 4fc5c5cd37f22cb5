import Foundation
import Testing
import TimeCoinCore

@testable import TimeCoinStore

@Suite("Snapshots of a chain")
struct SnapshotTests {
    private let blocks = 40

    private func snapshot(_ chain: StoredChain, pruning: Bool = false) throws -> String {
        let path = "\(chain.directory)/snapshot"
        let store = try chain.store()
        if pruning { _ = try store.prune(blocksBelow: 1) }
        let manifest = try store.snapshot { try SnapshotFile.write($0, to: path) }
        #expect(manifest.header.hash == chain.world.state.headerHash)
        return path
    }

    private func load(_ path: String, _ chain: StoredChain, into name: String = "loaded") throws {
        let trust = SnapshotTrust.validators(chain.world.state.header.validators)
        var reader = try SnapshotFile.Reader(path, genesis: chain.genesisState, trusting: trust)
        let loading = try SnapshotLoading(reader.snapshot, into: "\(chain.directory)/\(name)")
        while loading.nextSegment < reader.snapshot.segmentCount {
            try loading.add([try reader.segment(loading.nextSegment)])
        }
        try reader.finish()
        try loading.finish()
    }

    @Test("a loaded snapshot is the chain at its tip: outputs, state, proofs; and the chain goes on on it")
    func load() throws {
        // More than a segment: genesis makes 2,500 outputs.
        let chain = try StoredChain(blocks: blocks, allocations: 2500)
        let shorter = try chain.store(blocks: blocks - 3, named: "shorter")
        let path = "\(chain.directory)/snapshot"
        let manifest = try shorter.snapshot { try SnapshotFile.write($0, to: path) }
        #expect(manifest.segments.count == 1)
        #expect(manifest.chunks.count == 2)
        try load(path, chain)
        let report = try ChainStore.verify("\(chain.directory)/loaded", chain: chain.genesis)
        #expect(report.damages == [])
        #expect(report.height == Height(blocks - 3))
        let loaded = try chain.store(named: "loaded")
        let whole = try chain.store()
        #expect(try loaded.verification().damages == [])
        let expected = try whole.snapshot { try $0.outputs(from: 0, countMax: .max) }
        try loaded.snapshot { reader in
            #expect(try reader.outputs(from: 0, countMax: .max) == expected)
            #expect(try reader.state() == chain.world.state.encoded)
            for output in expected {
                #expect(try reader.output(output.outPoint) == output.entry)
                #expect(try reader.position(of: output.outPoint) == output.entry.position)
            }
            let locking = expected[0].entry.output.locking
            let unspent = try reader.unspent(locking: locking, after: nil, countMax: .max)
            #expect(unspent == expected.filter { $0.entry.output.locking == locking })
            #expect(try reader.base() == HistoryBase(headersFrom: 37, blocksFrom: 38))
            #expect(try reader.block(at: 37) == nil)
            #expect(try reader.header(at: 36) == nil)
            #expect(try reader.block(at: 38) == chain.commits[38].block)
        }
        // Back to the snapshot, and no further.
        for _ in 0..<3 { try loaded.rollbackTip() }
        #expect(throws: StoreFailure(.noUndo, "")) { try loaded.rollbackTip() }
    }

    @Test("a snapshot of a pruned store has fewer hashes and loads the same")
    func pruned() throws {
        let chain = try StoredChain(blocks: blocks, allocations: 80)
        let path = try snapshot(chain, pruning: true)
        try load(path, chain)
        #expect(try ChainStore.verify("\(chain.directory)/loaded", chain: chain.genesis).damages == [])
    }

    @Test("S12: any byte of a snapshot changed, and it is refused")
    func flipped() throws {
        let chain = try StoredChain(blocks: 12, allocations: 70)
        let path = try snapshot(chain)
        let intact = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        var generator = SeededGenerator(seed: 5)
        for round in 0..<200 {
            var bytes = intact
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            if round % 2 == 0 { StoredChain.renewFrames(&bytes) }
            let damaged = "\(chain.directory)/damaged"
            try Data(bytes).write(to: URL(fileURLWithPath: damaged))
            #expect(throws: SnapshotRejection.self, "byte \(place)") {
                try load(damaged, chain, into: "not-\(round)")
            }
        }
    }

    @Test("S12: cut, longer, of another chain or certified by others: refused with the reason")
    func refused() throws {
        let chain = try StoredChain(blocks: 6, allocations: 30)
        let path = try snapshot(chain)
        let intact = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        let changed = "\(chain.directory)/changed"
        for count in [0, 7, 8, 12, 100, intact.count / 2, intact.count - 1] {
            try Data(intact[..<count]).write(to: URL(fileURLWithPath: changed))
            let rejection = #expect(throws: SnapshotRejection.self) {
                try load(changed, chain, into: "cut-\(count)")
            }
            #expect(rejection?.rule == .malformed)
        }
        try Data(intact + [0]).write(to: URL(fileURLWithPath: changed))
        #expect(throws: SnapshotRejection.self) { try load(changed, chain, into: "longer") }
        for (genesis, trust, rule) in [
            (
                try World(allocations: 3).state, SnapshotTrust.block(chain.world.state.headerHash),
                SnapshotRejection.Rule.wrongChain
            ),
            (chain.genesisState, .block(.zero), .untrusted),
            (chain.genesisState, .validators(.zero), .untrusted),
        ] {
            let rejection = #expect(throws: SnapshotRejection.self) {
                try SnapshotFile.Reader(path, genesis: genesis, trusting: trust)
            }
            #expect(rejection?.rule == rule)
        }
    }

    @Test("S12: a state that is not under the header, or a header without its certificate, is refused")
    func forged() throws {
        let chain = try StoredChain(blocks: 6, allocations: 30)
        let manifest = try chain.store().snapshot { try SnapshotManifest(of: $0) }
        let older = try chain.store(blocks: 5, named: "older").snapshot { try SnapshotManifest(of: $0) }
        let trust = SnapshotTrust.validators(chain.world.state.header.validators)
        let forgeries = [
            manifest.with(state: older.state), manifest.with(certificate: older.certificate),
            manifest.with(certificate: []), manifest.with(header: older.header),
            manifest.with(chunks: []), manifest.with(chunks: manifest.chunks + [.zero]),
            manifest.with(peaks: Array(manifest.peaks.reversed())),
        ]
        _ = try VerifiedSnapshot(manifest, genesis: chain.genesisState, trusting: trust)
        for forgery in forgeries {
            #expect(throws: SnapshotRejection.self) {
                try VerifiedSnapshot(forgery, genesis: chain.genesisState, trusting: trust)
            }
        }
    }

    @Test("S12: every bit of a manifest matters")
    func manifestBits() throws {
        let chain = try StoredChain(blocks: 3, allocations: 30)
        let bytes = try chain.store().snapshot { try SnapshotManifest(of: $0) }.encoded
        let trust = SnapshotTrust.validators(chain.world.state.header.validators)
        for bit in 0..<8 * bytes.count {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let manifest = try? SnapshotManifest(decoding: changed) else { continue }
            #expect(throws: SnapshotRejection.self, "bit \(bit % 8) of byte \(bit / 8)") {
                try VerifiedSnapshot(manifest, genesis: chain.genesisState, trusting: trust)
            }
        }
    }

    @Test("pruning takes away old blocks and long spent leaves, and what is left is sound")
    func prune() throws {
        let chain = try StoredChain(blocks: blocks, allocations: 130)
        var options = StoreOptions()
        (options.undoBlocks, options.undoSlots) = (4, 1)
        let directory = "\(chain.directory)/chain"
        let store = try ChainStore(opening: directory, chain: chain.genesis, options: options)
        for commit in chain.commits { try store.commit([commit]) }
        #expect(throws: StoreFailure(.wrongHeight, "")) { try store.prune(blocksBelow: 40) }
        let report = try store.prune(blocksBelow: 30)
        #expect(report.blocks == 30)
        #expect(report.certificates == 20)
        #expect(report.base == HistoryBase(headersFrom: 0, blocksFrom: 30))
        #expect(try store.prune(blocksBelow: 30).blocks == 0)
        try store.snapshot { reader throws in
            #expect(try reader.block(at: 29) == nil)
            #expect(try reader.header(at: 29) == chain.commits[29].header)
            #expect(try reader.block(at: 30) == chain.commits[30].block)
            #expect(try reader.certificate(at: 27) == chain.commits[27].certificate)
        }
        #expect(try store.verification().damages == [])
        try store.rollbackTip()
        try store.commit([chain.commits[blocks]])
        #expect(try store.verification().damages == [])
    }
}

extension SnapshotManifest {
    fileprivate func with(
        header: BlockHeader? = nil, certificate: [UInt8]? = nil, state: [UInt8]? = nil,
        peaks: [Hash256]? = nil, chunks: [Hash256]? = nil
    ) -> SnapshotManifest {
        SnapshotManifest(
            header: header ?? self.header, certificate: certificate ?? self.certificate,
            state: state ?? self.state, segments: segments, peaks: peaks ?? self.peaks,
            chunks: chunks ?? self.chunks)
    }
}

extension StoredChain {
    /// Makes the checksums of a snapshot's frames right again, as somebody would who forges it.
    static func renewFrames(_ bytes: inout [UInt8]) {
        var offset = 8
        while offset + 8 <= bytes.count {
            let length = bytes[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
            guard offset + 8 + length <= bytes.count else { return }
            let sum = CRC32C.checksum(bytes[offset + 8..<offset + 8 + length])
            for place in 0..<4 {
                bytes[offset + 4 + place] = UInt8(truncatingIfNeeded: sum >> UInt32(8 * place))
            }
            offset += 8 + length
        }
    }
}
