import Foundation
import Logging
import Testing
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

@Suite("A node and forks")
struct ForkTests {
    @Test("K5: a second decision stops voting, is published and told, and undoes nothing")
    func conflict() throws {
        let forked = try ForkedWorld()
        var reactor = try forked.reactor(0)
        let before = reactor.state
        let effects = reactor.handle(
            .conflict(try forked.finding(), from: nil), at: forked.moment(before))
        #expect(reactor.state == before)
        #expect(reactor.signingStopped == "fork: height 1 was decided twice")
        let told = effects.compactMap { if case .report(.fork(let proof)) = $0 { proof } else { nil } }
        #expect(told == [forked.proof])
        let published = effects.count {
            if case .broadcast(.certificate) = $0 { true } else { false }
        }
        #expect(published == 2)
        // The same again is no news.
        let again = reactor.handle(.conflict(try forked.finding(), from: nil), at: forked.moment(before))
        #expect(!again.contains { if case .report(.fork) = $0 { true } else { false } })
    }

    @Test("what is older than the evidence period, or not above the checkpoint, is only logged")
    func old() throws {
        let forked = try ForkedWorld()
        for checkpoint in [Height(0), 1] {
            var settings = Reactor.Settings()
            settings.checkpoint = checkpoint
            var reactor = Reactor(
                state: forked.one.change.state, own: forked.set.members[0].operatorKey, signed: nil,
                secret: .zero, settings: settings, at: Instant(milliseconds: 1_000_000))
            let age = checkpoint == 0 ? Reactor.evidencePeriod + 1 : 0
            let effects = reactor.handle(
                .conflict(try forked.finding(age: age), from: nil), at: forked.moment(reactor.state))
            #expect(reactor.signingStopped == nil && reactor.fork == nil)
            let logged = effects.contains {
                if case .report(.oldConflict(height: 1)) = $0 { true } else { false }
            }
            #expect(logged)
            // It is logged once, and does not hide a fork above it.
            #expect(!reactor.isNews(conflictAt: 1) && reactor.isNews(conflictAt: 2))
        }
    }

    @Test("records tell of a certificate for another block only, and refuse one that does not verify")
    func records() throws {
        let forked = try ForkedWorld()
        let (world, one) = (forked.world, forked.one)
        let own = try world.certificate(of: one.block.hash, at: 1, signers: [0, 1, 2])
        try world.store.commit([BlockCommit(one.block, change: one.change, certificate: own.encoded)])
        let records = ForkRecords(store: world.store, archive: nil, journal: nil)
        let other = try world.certificate(of: forked.other.block.hash, at: 1, signers: [1, 2, 3])
        #expect(try records.finding(own, on: one.change.state) == nil)
        let same = try world.certificate(of: one.block.hash, at: 1, signers: [1, 2, 3])
        #expect(try records.finding(same, on: one.change.state) == nil)
        let finding = try #require(try records.finding(other, on: one.change.state))
        #expect(finding.height == 1 && finding.age == 0 && finding.below == nil)
        let few = try world.certificate(of: forked.other.block.hash, at: 1, signers: [1, 2])
        #expect(throws: CertificateRejection.tooLittleWeight) {
            try records.finding(few, on: one.change.state)
        }
        #expect(try records.certificate(at: 1, otherThan: forked.other.block.hash) == own)
        #expect(try records.certificate(at: 1, otherThan: one.block.hash) == nil)
    }

    @Test("on the way to a recovery only its branch is followed; then the blamed are gone and votes are new")
    func follows() throws {
        let forked = try ForkedWorld()
        let recovery = try forked.recovery()
        var reactor = Reactor(
            state: forked.world.state, own: forked.set.members[0].operatorKey, signed: nil, secret: .zero,
            settings: Reactor.Settings(), at: Instant(milliseconds: 1_000_000))
        reactor.recoveries = [recovery]
        func certified(_ block: ExecutedBlock, _ signers: [Int]) throws -> CertifiedBlock {
            try CertifiedBlock(
                block.block,
                certificate: try forked.world.certificate(of: block.block.hash, at: 1, signers: signers),
                validators: forked.set, chain: forked.anchor.chain)
        }
        #expect(!reactor.follows(try certified(forked.one, [0, 1, 2])))
        #expect(reactor.follows(try certified(forked.other, [1, 2, 3])))
        #expect(!reactor.isVoting)
        let written = ReactorEvent.committed(try forked.committed)
        let effects = reactor.handle(written, at: forked.moment(forked.other.change.state))
        #expect(effects.contains { if case .report(.recovered) = $0 { true } else { false } })
        #expect(reactor.state.validators == recovery.validators)
        #expect(reactor.machine.validators == recovery.validators)
        #expect(reactor.machine.chain == recovery.votingChain && reactor.machine.height == 2)
        #expect(reactor.own != nil && reactor.pendingRecovery == nil)
        // Who was to blame votes no more.
        var blamed = Reactor(
            state: forked.world.state, own: forked.set.members[1].operatorKey, signed: nil, secret: .zero,
            settings: Reactor.Settings(), at: Instant(milliseconds: 1_000_000))
        blamed.recoveries = [recovery]
        _ = blamed.handle(.committed(try forked.committed), at: forked.moment(forked.other.change.state))
        #expect(blamed.own == nil && !blamed.isVoting)
    }

    /// A block of height 2 as the members of before the recovery decided it.
    private func later(_ forked: ForkedWorld) throws -> CertifiedBlock {
        var world = forked.world
        try world.commit(forked.other)
        let block = try #require(try world.build([], at: world.state.dueTime(of: 2))).block
        return try CertifiedBlock(
            block, certificate: try world.certificate(of: block.hash, at: 2, signers: [1, 2, 3]),
            validators: forked.set, chain: forked.anchor.chain)
    }

    @Test("K5: on the way to a recovery the known fork stops nobody again, nor do own votes of before it")
    func onTheWay() throws {
        let forked = try ForkedWorld()
        var reactor = Reactor(
            state: forked.world.state, own: forked.set.members[3].operatorKey, signed: nil, secret: .zero,
            settings: Reactor.Settings(), at: Instant(milliseconds: 1_000_000))
        reactor.recoveries = [try forked.recovery()]
        let now = forked.moment(forked.world.state)
        _ = reactor.handle(.conflict(try forked.finding(), from: nil), at: now)
        #expect(reactor.signingStopped == nil && reactor.fork == nil)
        let peer = forked.world.chain.owner.publicKey
        reactor.catchUp.heard(peer, tip: 1)
        let asked = reactor.catchUp.request(above: 0, at: now.instant, patience: 5000)
        let request = try #require(asked)
        let item = try CertifiedBlock(
            forked.other.block,
            certificate: try forked.world.certificate(of: forked.other.block.hash, at: 1, signers: [1, 2, 3]),
            validators: forked.set, chain: forked.anchor.chain)
        let effects = reactor.handle(.blocks(id: request.id, items: [item], from: peer), at: now)
        #expect(effects.contains { if case .judge = $0 { true } else { false } })
        #expect(reactor.signingStopped == nil)
    }

    @Test("after a recovery nothing counts that was said or fetched under the set before it")
    func nothingOfBefore() throws {
        let forked = try ForkedWorld()
        var reactor = Reactor(
            state: forked.world.state, own: forked.set.members[0].operatorKey, signed: nil, secret: .zero,
            settings: Reactor.Settings(), at: Instant(milliseconds: 1_000_000))
        reactor.recoveries = [try forked.recovery()]
        let now = forked.moment(forked.world.state)
        let view = PublishedView(state: reactor.state)
        view.publish(reactor)
        #expect(view.current.isRecovering)
        // The smaller set has no place for the last of these.
        for place in 0..<4 {
            let vote = Vote(type: .prevote, height: 2, round: 0, value: forked.one.block.hash)
            let key = try forked.secret(place)
            let signed = SignedVote(
                vote: vote, member: key.publicKey,
                signature: key.sign(vote.signedBytes(chain: forked.anchor.chain)))
            let verified = try #require(
                VerifiedVote(signed, validators: forked.set, chain: forked.anchor.chain))
            _ = reactor.handle(.vote(verified), at: now)
        }
        let peer = forked.world.chain.owner.publicKey
        reactor.catchUp.heard(peer, tip: 2)
        let asked = reactor.catchUp.request(above: 0, at: now.instant, patience: 5000)
        let request = try #require(asked)
        let first = try CertifiedBlock(
            forked.other.block,
            certificate: try forked.world.certificate(of: forked.other.block.hash, at: 1, signers: [1, 2, 3]),
            validators: forked.set, chain: forked.anchor.chain)
        let items = [first, try later(forked)]
        _ = reactor.handle(.blocks(id: request.id, items: items, from: peer), at: now)
        _ = reactor.handle(.committed(try forked.committed), at: forked.moment(forked.other.change.state))
        #expect(reactor.machine.validators.members.count == 2)
        #expect(reactor.positions.isEmpty && reactor.early.isEmpty && reactor.contents.isEmpty)
        #expect(reactor.machine.footprint == 0 && reactor.signingStopped == nil)
        view.publish(reactor)
        #expect(!view.current.isRecovering && view.current.validators.members.count == 2)
    }

    @Test("whoever fills the directory of evidence leaves room for the proofs of forks")
    func room() throws {
        let path = NSTemporaryDirectory() + "timecoin-evidence.\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for number in 0..<EvidenceDirectory.filesMax {
            try Data().write(to: URL(fileURLWithPath: "\(path)/\(number).hex"))
        }
        let proof = try ForkedWorld().proof
        EvidenceDirectory(path).keep(proof, logger: Logger(label: "test"))
        let file = "\(path)/fork-1-\(proof.name).hex"
        #expect(try HexFile.read(file, bytesMax: ForkProof.bytesMax) == proof.encoded)
    }

    @Test("polkas of heights that are over outlive a restart, by height")
    func archive() throws {
        let path = NSTemporaryDirectory() + "timecoin-polkas.\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let forked = try ForkedWorld()
        let first = try forked.world.certificate(of: forked.one.block.hash, at: 1, signers: [0, 1, 2])
        let second = try forked.world.certificate(of: forked.other.block.hash, at: 2, signers: [0, 1, 2])
        do {
            let archive = try PolkaArchive(opening: path)
            try archive.keep([first, second], height: 1)
            try archive.keep([second], height: 3)
        }
        let archive = try PolkaArchive(opening: path)
        #expect(try archive.polkas(of: 1) == [first, second])
        #expect(try archive.polkas(of: 2).isEmpty)
        #expect(try archive.polkas(of: 3) == [second])
        // A height that was kept already is not written again after a crash.
        try archive.keep([first], height: 3)
        #expect(try archive.polkas(of: 3) == [second])
    }
}

@Suite("Recovery by the operator", .serialized)
struct RecoveryDeskTests {
    private let root = NSTemporaryDirectory() + "timecoin-recovery.\(UUID().uuidString)"

    /// The directory of a member whose store holds the genesis and these blocks.
    private func directory(
        _ forked: ForkedWorld, _ place: Int, _ blocks: [(ExecutedBlock, [Int])]
    ) throws -> NodeDirectory {
        let directory = NodeDirectory(dataDirectory: "\(root)/\(place)", network: .local)
        let files = FileManager.default
        try files.createDirectory(atPath: directory.root, withIntermediateDirectories: true)
        try KeyFile.create(
            directory.operatorKey, secret: try forked.secret(place).seed, purpose: "operator", passphrase: [])
        try StoredSignRecord.create(at: directory.signRecord)
        let genesis = forked.world.chain.genesis
        let store = try ChainStore(
            opening: directory.chain, chain: genesis.hash, options: InstanceNumber.storeOptions(directory))
        try store.commit([BlockCommit(genesis.block, change: genesis.change, certificate: [])])
        for (block, signers) in blocks {
            let certificate = try forked.world.certificate(of: block.block.hash, at: 1, signers: signers)
            try store.commit([
                BlockCommit(block.block, change: block.change, certificate: certificate.encoded)
            ])
        }
        return directory
    }

    @Test("from the proof to both nodes on one branch: show, sign once, combine, follow")
    func endToEnd() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let forked = try ForkedWorld()
        let genesis = forked.world.chain.genesis
        let losing = try directory(forked, 0, [(forked.one, [0, 1, 2])])
        let winning = try directory(forked, 3, [(forked.other, [1, 2, 3])])
        let desks = try [losing, winning].map { try RecoveryDesk($0, genesis: genesis) }
        let fork = try desks[0].verify(forked.proof)
        let branch = forked.other.block.hash
        let votes = try desks.map { desk in
            let vote = try desk.terms(fork, branch: branch, last: nil)
            return try desk.sign(vote, fork, passphrase: [])
        }
        #expect(votes[0].vote == votes[1].vote)
        // The same again gives the same; the other branch is never signed.
        #expect(try desks[0].sign(votes[0].vote, fork, passphrase: []) == votes[0])
        let rival = try desks[0].terms(fork, branch: forked.one.block.hash, last: nil)
        #expect(throws: RecoveryDesk.Refusal.self) { try desks[0].sign(rival, fork, passphrase: []) }
        let certificate = try #require(RecoveryCertificate(fork, votes[0].vote, votes: votes))
        let recovery = try desks[0].verify(certificate)
        #expect(throws: RecoveryDesk.Refusal.self) { try desks[0].follow(recovery, checkpoint: 1) }
        let lost = try desks[0].follow(recovery)
        #expect(lost.undone == 1 && lost.tip == 0 && lost.last == 1)
        // An interrupted command is repeated.
        #expect(try desks[0].follow(recovery).undone == 0)
        let kept = try desks[1].follow(recovery, checkpoint: 1)
        #expect(kept.undone == 0 && kept.tip == 1)
        let found = try RecoveryDirectory(losing).recoveries(genesis: genesis.state)
        #expect(found == [recovery])
        #expect(try RecoveryDesk(losing, genesis: genesis).anchor.chain == recovery.votingChain)
        let record = try StoredSignRecord(
            opening: losing.path(\.signRecord, after: recovery.votingChain))
        #expect(record.positions.last == nil)
        // A store that is rolled back takes the block of the other branch.
        let store = try ChainStore(opening: losing.chain, chain: genesis.hash)
        try store.commit([
            BlockCommit(forked.other.block, change: forked.other.change, certificate: [1])
        ])
        #expect(try store.snapshot { try $0.hash(at: 1) } == branch)
    }

    @Test("K14: a recovery does not make a foreign record fit, nor a missing one")
    func foreignStaysForeign() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let forked = try ForkedWorld()
        let genesis = forked.world.chain.genesis
        let recovery = try forked.recovery()
        let foreign = try directory(forked, 0, [(forked.other, [1, 2, 3])])
        try FileManager.default.removeItem(atPath: foreign.signRecord)
        let without = try directory(forked, 3, [(forked.other, [1, 2, 3])])
        try FileManager.default.removeItem(atPath: without.signRecord)
        try StoredSignRecord.create(at: foreign.signRecord)
        for place in [foreign, without] {
            #expect(try RecoveryDesk(place, genesis: genesis).follow(recovery).tip == 1)
        }
        let record = try StoredSignRecord(
            opening: foreign.path(\.signRecord, after: recovery.votingChain))
        let store = try ChainStore(opening: foreign.chain, chain: genesis.hash)
        #expect(record.instance != store.instance)
        #expect(throws: StoreFailure(.missing, "")) {
            try StoredSignRecord(opening: without.path(\.signRecord, after: recovery.votingChain))
        }
    }

    @Test("whatever is signed, the genesis block stays")
    func genesisStays() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let forked = try ForkedWorld()
        let place = try directory(forked, 3, [(forked.other, [1, 2, 3])])
        let commits = try [(forked.one, [0, 1, 2]), (forked.other, [1, 2, 3])].map { block, signers in
            try VerifiedCertificate(
                try forked.world.certificate(of: block.block.hash, at: 0, signers: signers),
                validators: forked.set, chain: forked.anchor.chain)
        }
        let proof = try #require(
            ForkProof(commits[0], commits[1], polkas: [], validators: forked.set))
        let desk = try RecoveryDesk(place, genesis: forked.world.chain.genesis)
        let recovery = try forked.recovery(from: try desk.verify(proof), lastHeight: 0)
        #expect(throws: RecoveryDesk.Refusal.self) { try desk.follow(recovery) }
    }

    @Test("of too many recoveries none is left out in silence")
    func tooMany() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let forked = try ForkedWorld()
        let place = try directory(forked, 3, [(forked.other, [1, 2, 3])])
        try FileManager.default.createDirectory(
            atPath: place.recoveries, withIntermediateDirectories: true)
        for number in 0...RecoveryDirectory.recoveriesMax {
            try HexFile.write([0], to: "\(place.recoveries)/\(number).hex")
        }
        #expect(throws: RecoveryDesk.Refusal.self) {
            try RecoveryDirectory(place).recoveries(genesis: forked.world.state)
        }
    }

    @Test("a fork that was found stops the node after a restart, until a recovery is followed")
    func marker() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let forked = try ForkedWorld()
        let place = try directory(forked, 3, [(forked.other, [1, 2, 3])])
        let records = RecoveryDirectory(place)
        #expect(try records.openFork([]) == nil)
        try records.mark(forked.proof)
        #expect(try RecoveryDirectory(place).openFork([]) == forked.proof)
        #expect(try RecoveryDirectory(place).openFork([forked.recovery()]) == nil)
    }
}
