import Foundation
import Testing
import TimeCoinCore
import TimeCoinTesting

@testable import TimeCoinNode
@testable import TimeCoinStore

/// A chain of real, certified blocks, and a directory for its database, which goes away with the object.
final class StoredChain {
    let directory: String
    let world: World
    let commits: [BlockCommit]

    /// - Parameters:
    ///   - blocks: above genesis; every third is a scheduled one, the others hold payments.
    ///   - allocations: outputs of genesis; two are spent in a payment block, and each fifth payment in the
    ///     block that creates what it spends.
    init(blocks: Int, allocations: Int = 60) throws {
        directory = NSTemporaryDirectory() + "timecoin-stored.\(UUID().uuidString)"
        var world = try World(allocations: allocations)
        let genesis = world.chain.genesis
        var commits = [BlockCommit(genesis.block, change: genesis.change, certificate: [])]
        var next = 0
        for height in 1...max(1, blocks) {
            let block = try StoredChain.block(height, &next, allocations, world)
            let certificate = try world.certificate(
                of: block.block.hash, at: block.block.header.height, signers: [0, 1, 2])
            commits.append(
                BlockCommit(block.block, change: block.change, certificate: certificate.encoded))
            try world.commit(block)
        }
        self.world = world
        self.commits = commits
    }

    private static func block(
        _ height: Int, _ next: inout Int, _ allocations: Int, _ world: World
    ) throws -> ExecutedBlock {
        let due = world.state.dueTime(of: world.state.slot + 1)
        if height % 3 == 0 || next + 2 > allocations {
            return try #require(try world.build([], at: max(due, world.state.nextBlockTime(at: due))))
        }
        var admissions: [Admission] = []
        for _ in 0..<2 {
            admissions.append(try world.admission(try world.payment(next)))
            next += 1
        }
        let time = world.state.nextBlockTime(at: world.state.header.time)
        return try #require(try world.build(admissions, at: time))
    }

    deinit {
        try? FileManager.default.removeItem(atPath: directory)
    }

    var genesis: Hash256 { world.chain.genesis.hash }
    var genesisState: ChainState { world.chain.genesis.state }

    /// The database with the first blocks, all of them unless said otherwise.
    func store(blocks: Int? = nil, named name: String = "chain") throws -> ChainStore {
        let path = "\(directory)/\(name)"
        let store = try ChainStore(opening: path, chain: genesis)
        let written = try store.snapshot { try $0.tip() }.map { Int($0.height) + 1 } ?? 0
        let wanted = blocks.map { $0 + 1 } ?? commits.count
        if written < wanted { try store.commit(Array(commits[written..<wanted])) }
        return store
    }

    /// A database's file, which crashes the engine wherever it is read.
    static func withoutEntries(_ path: String) throws -> Data {
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        // Behind the two first pages those of records have bit 1 of the flags, and after 16 bytes say in 16
        // bits each where the records begin: here far behind the end of the page.
        for page in stride(from: 8192, to: bytes.count, by: 4096) where bytes[page + 10] & 2 != 0 {
            let end = Int(bytes[page + 12]) | Int(bytes[page + 13]) << 8
            for place in stride(from: page + 16, to: page + min(end, 4096), by: 2) {
                bytes[place] = 0xf0
                bytes[place + 1] = 0xff
            }
        }
        return bytes
    }

    /// Changes records beside the store, which must be closed.
    func damage(
        _ table: String, named name: String = "chain",
        _ body: (WriteTransaction, Table) throws(StoreFailure) -> Void
    ) throws {
        let environment = try Environment(directory: "\(directory)/\(name)", mapBytes: 1 << 30)
        let identityTable = try environment.table(ChainIdentity.tableName, 0, checksumKey: .zero)
        let identity = try environment.read { transaction in
            try ChainIdentity(
                decoding: try #require(try transaction.record(identityTable, ChainIdentity.key)))
        }
        let tables = try ChainTables(environment, checksumKey: identity.checksumKey)
        let found = try #require(tables.all.first { $0.name == table })
        try environment.write { transaction throws(StoreFailure) in try body(transaction, found) }
    }
}
