import Foundation
import Testing
import TimeCoinCore
import TimeCoinTesting

@testable import TimeCoinNode
@testable import TimeCoinStore

/// Databases that agree with themselves in everything, and that others made than the members of the chain.
@Suite("Databases that others than the members made")
struct ForgedDatabaseTests {
    private let directory = NSTemporaryDirectory() + "timecoin-forged.\(UUID().uuidString)"
    private let real: World
    /// The same money, other members.
    private let fake: World

    init() throws {
        real = try World(allocations: 10)
        fake = try World(weights: [7, 1], allocations: 10)
    }

    /// The first block of the other members on a genesis, with their certificate.
    ///
    /// - Parameters:
    ///   - recovery: that the state claims to come after.
    ///   - header: what its header becomes.
    private func block(
        claiming recovery: Hash256? = nil, as header: (BlockHeader) -> BlockHeader
    ) throws -> BlockCommit {
        let executed = try #require(try fake.build([], at: fake.state.dueTime(of: 1)))
        let checked = try CheckedBlock(
            header: header(executed.block.header), transactions: executed.block.transactions)
        let chain = real.chain.genesis.hash
        let votes = recovery ?? chain
        let signatures = try fake.state.validators.members.map { member in
            let key = try #require(fake.chain.members.first { $0.publicKey == member.operatorKey })
            let vote = Vote(type: .precommit, height: 1, round: 0, value: checked.hash)
            return key.sign(vote.signedBytes(chain: votes))
        }
        let certificate = Certificate(
            kind: .commit, height: 1, round: 0, value: checked.hash, bitmap: [3], signatures: signatures,
            validRounds: [])
        let made = BlockCommit(checked, change: executed.change, certificate: certificate.encoded)
        var writer = ByteWriter()
        checked.header.encode(into: &writer)
        writer.write(chain)
        let rest = BlockHeader.byteCount + Hash256.byteCount
        return BlockCommit(
            header: made.header, block: made.block, certificate: made.certificate,
            transactions: made.transactions, created: made.created, spent: made.spent, nodes: made.nodes,
            chunks: made.chunks, leafCount: made.leafCount,
            state: writer.bytes + made.state[rest...] + (recovery?.bytes ?? []),
            validators: made.validators)
    }

    /// Writes a database of the real chain's name, whose first block need not be its genesis.
    private func report(_ commits: [BlockCommit]) throws -> DatabaseReport {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let chain = real.chain.genesis.hash
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        do {
            let environment = try Environment(directory: directory, mapBytes: 1 << 30)
            let identity = try ChainStore.identity(environment, chain: chain, StoreOptions())
            let tables = try ChainTables(environment, checksumKey: identity.checksumKey)
            try environment.write { transaction throws(StoreFailure) in
                let writer = ChainWriter(transaction, tables, StoreOptions())
                for commit in commits { try writer.apply(commit, chain: commits[0].hash) }
                try writer.finish()
            }
        }
        return try ChainStore.verify(
            directory, chain: chain, trusting: real.state.validators.hash)
    }

    /// The state root of the fake block once its state claims a recovery.
    private func root(claiming recovery: Hash256) throws -> Hash256 {
        let executed = try #require(try fake.build([], at: fake.state.dueTime(of: 1)))
        return try ChainState(decoding: executed.change.state.encoded + recovery.bytes).roots.root
    }

    private func genesis(_ world: World) -> BlockCommit {
        BlockCommit(world.chain.genesis.block, change: world.chain.genesis.change, certificate: [])
    }

    @Test("a whole other chain under the name of this one is not sound: it does not begin with its genesis")
    func otherGenesis() throws {
        let report = try report([genesis(fake), try block { $0 }])
        #expect(report.damages.contains { $0.record.table == "headers" }, "\(report.damages)")
    }

    @Test("a block that names the members and is certified by others in its state is not sound")
    func otherMembers() throws {
        let set = real.state.validators.hash
        let forged = try block { header in
            BlockHeader(
                version: header.version, kind: header.kind, height: header.height, slot: header.slot,
                previous: real.chain.genesis.hash, time: header.time,
                transactionRoot: header.transactionRoot, witnessRoot: header.witnessRoot,
                stateRoot: header.stateRoot, validators: set, nextValidators: set,
                evidenceRoot: header.evidenceRoot, attestationRoot: header.attestationRoot,
                proposer: header.proposer)
        }
        let report = try report([genesis(real), forged])
        #expect(report.damages.map(\.record.table) == ["certificates"], "\(report.damages)")
    }

    @Test("a block of other members says so, and no header names their set")
    func unnamedSet() throws {
        let other = fake.state.validators.hash
        let forged = try block { header in
            BlockHeader(
                version: header.version, kind: header.kind, height: header.height, slot: header.slot,
                previous: real.chain.genesis.hash, time: header.time,
                transactionRoot: header.transactionRoot, witnessRoot: header.witnessRoot,
                stateRoot: header.stateRoot, validators: other, nextValidators: other,
                evidenceRoot: header.evidenceRoot, attestationRoot: header.attestationRoot,
                proposer: header.proposer)
        }
        let report = try report([genesis(real), forged])
        #expect(report.damages.map(\.record.table) == ["headers"], "\(report.damages)")
    }

    @Test("a block of other members is not sound because its state claims a recovery")
    func claimedRecovery() throws {
        let other = fake.state.validators.hash
        let recovery = Blake2b.hash256(.recovery, [1])
        let root = try root(claiming: recovery)
        let forged = try block(claiming: recovery) { header in
            BlockHeader(
                version: header.version, kind: header.kind, height: header.height, slot: header.slot,
                previous: real.chain.genesis.hash, time: header.time,
                transactionRoot: header.transactionRoot, witnessRoot: header.witnessRoot,
                stateRoot: root, validators: other, nextValidators: other,
                evidenceRoot: header.evidenceRoot, attestationRoot: header.attestationRoot,
                proposer: header.proposer)
        }
        let report = try report([genesis(real), forged])
        #expect(report.unfollowedRecovery == recovery)
        #expect(
            Set(report.damages.map(\.record.table)) == ["state", "headers", "certificates"],
            "\(report.damages)")
    }
}
