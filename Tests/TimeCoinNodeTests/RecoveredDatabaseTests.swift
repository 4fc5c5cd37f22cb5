import Foundation
import Logging
import Testing
import TimeCoinCore
import TimeCoinNet
import TimeCoinTesting

@testable import TimeCoinNode
@testable import TimeCoinStore

/// A database of a chain that went on after a fork: genesis, the block that stays, and one by those who
/// remain.
@Suite("A database that goes on from a recovery")
struct RecoveredDatabaseTests {
    private let forked: ForkedWorld
    private let recovery: VerifiedRecovery
    private let place: NodeDirectory

    init() throws {
        forked = try ForkedWorld()
        recovery = try forked.recovery()
        place = NodeDirectory(
            dataDirectory: NSTemporaryDirectory() + "timecoin-recovered.\(UUID().uuidString)",
            network: .local)
        try FileManager.default.createDirectory(atPath: place.root, withIntermediateDirectories: true)
        let store = try ChainStore(opening: place.chain, chain: genesis.hash)
        let signed = try forked.world.certificate(of: forked.other.block.hash, at: 1, signers: [1, 2, 3])
        try store.commit([
            BlockCommit(genesis.block, change: genesis.change, certificate: []),
            BlockCommit(forked.other.block, change: forked.other.change, certificate: signed.encoded),
            try afterwards(),
        ])
    }

    private var genesis: Genesis { forked.world.chain.genesis }

    /// The block of height 2 as those decide it who remain.
    private func afterwards() throws -> BlockCommit {
        var world = forked.world
        try world.commit(forked.other)
        let state = try world.state.following(recovery)
        let block = try #require(
            try world.verifier.build(
                on: state, at: state.dueTime(of: 2), proposer: try forked.secret(0).publicKey,
                candidates: []
            ).block)
        let signatures = try [0, 3].map { place in
            try forked.secret(place).sign(
                Vote(type: .precommit, height: 2, round: 0, value: block.block.hash)
                    .signedBytes(chain: recovery.votingChain))
        }
        let certificate = Certificate(
            kind: .commit, height: 2, round: 0, value: block.block.hash, bitmap: [3], signatures: signatures,
            validRounds: [])
        return BlockCommit(block.block, change: block.change, certificate: certificate.encoded)
    }

    private func remove() { try? FileManager.default.removeItem(atPath: place.dataDirectory) }

    private func report(_ recoveries: [VerifiedRecovery]) throws -> DatabaseReport {
        try ChainStore.verify(
            place.chain, chain: genesis.hash, trusting: genesis.state.validators.hash,
            following: recoveries)
    }

    @Test("is sound where the recovery is followed, and else names the state and the recovery")
    func verify() throws {
        defer { remove() }
        #expect(try report([recovery]).damages == [])
        #expect(try report([recovery]).unfollowedRecovery == nil)
        let report = try report([])
        #expect(report.unfollowedRecovery == recovery.votingChain)
        let state = report.damages.first { $0.record.table == "state" }
        #expect(state?.reason.contains("\(recovery.votingChain)") == true, "\(report.damages)")
        let summary = VerificationSummary(report, of: place)
        #expect(
            summary.failure?.hint?.contains(
                "timecoin-node recovery apply --datadir \(place.dataDirectory) --network local") == true)
    }

    @Test("is not opened where the recovery is not followed, by no node and no command that goes on from it")
    func opening() throws {
        defer { remove() }
        let program = NodeProgram(
            NodeConfiguration(
                directory: place, listen: try #require(PeerAddress("127.0.0.1:1")), peers: [],
                passphrase: [], logLevel: .critical),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let store = try ChainStore(opening: place.chain, chain: genesis.hash)
        let refusal = #expect(throws: DatabaseFailure.self) {
            try program.openState(store, genesis, following: [])
        }
        #expect(refusal?.kind == .refused)
        #expect(refusal?.description.contains("\(recovery.votingChain)") == true)
        #expect(refusal?.hint?.contains("timecoin-node recovery apply --datadir") == true)
        #expect(try program.openState(store, genesis, following: [recovery]).height == 2)
        // At its own last block a recovery is not in the stored state yet.
        let early = try forked.other.change.state.following(recovery)
        let directory = RecoveryDirectory(place)
        #expect(throws: DatabaseFailure.self) { try directory.require(early, follows: [recovery]) }
        try directory.require(forked.other.change.state, follows: [recovery])
    }

    @Test("following its recovery afterwards takes nothing back, and there need be no database for it")
    func apply() throws {
        defer { remove() }
        let followed = try RecoveryDesk(place, genesis: genesis).follow(recovery)
        #expect(followed.undone == 0 && followed.tip == 2)
        #expect(try RecoveryDirectory(place).recoveries(genesis: genesis.state) == [recovery])
        let empty = NodeDirectory(dataDirectory: place.dataDirectory + "/new", network: .local)
        try FileManager.default.createDirectory(atPath: empty.root, withIntermediateDirectories: true)
        #expect(try RecoveryDesk(empty, genesis: genesis).follow(recovery).last == 1)
        #expect(try RecoveryDirectory(empty).recoveries(genesis: genesis.state) == [recovery])
        #expect(!NodeDatabase.exists(empty.chain))
    }
}
