import Foundation
import Testing
import TimeCoinConsensus
import TimeCoinControl
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

@Suite("Networks on this machine, and what their nodes leave")
struct LocalNetworkTests {
    /// A directory of this test's own, gone at its end.
    private func inDirectory(_ body: (String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "/timecoin-test.\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    @Test("K22: a member's keys are all different, are not made again, and are those that a start reads")
    func identities() throws {
        try inDirectory { path in
            let home = NodeDirectory(dataDirectory: path, network: .local)
            let made = try NodeSetup.create(home, passphrase: [])
            let wallet = try WalletFile(reading: home.wallet)
            #expect(Set([made.nodeKey, made.operatorKey] + wallet.keys).count == 2 + wallet.keys.count)
            for _ in 0..<2 {
                let found = try #require(NodeSetup.complete(home, passphrase: []))
                #expect(found.nodeKey == made.nodeKey && found.operatorKey == made.operatorKey)
                #expect(found.address == made.address)
                #expect(throws: (any Error).self) { try NodeSetup.create(home, passphrase: []) }
            }
        }
    }

    @Test("ports are free, different, and none from which the system serves outgoing connections")
    func ports() throws {
        let ports = try FreePorts.find(40)
        #expect(Set(ports).count == 40)
        if let ephemeral = FreePorts.ephemeralRange(), ephemeral.lowerBound > 1100 {
            #expect(!ports.contains { ephemeral.contains($0) }, "\(ports)")
        }
    }

    @Test("a process that nobody asked about is gone when it has ended, not when its memory has")
    func states() throws {
        guard case .running(let words) = DetachedProcess.state(getpid()) else {
            Issue.record("this process runs")
            return
        }
        #expect(!words.isEmpty)
        let pid = try DetachedProcess.start(["/bin/true"], log: "/dev/null")
        // Not waited for by its parent, it stays in the table of processes.
        let end = ContinuousClock.now.advanced(by: .seconds(10))
        while DetachedProcess.state(pid) != .gone, .now < end { usleep(1000) }
        #expect(DetachedProcess.state(pid) == .gone)
        #expect(waitpid(pid, nil, WNOHANG) == pid)
        #expect(!DetachedProcess.isNode(getpid(), dataDirectory: words[0]))
    }

    @Test("the journal's dump has the votes of certificates, and each vote once")
    func dump() throws {
        let world = try World()
        let validators = world.state.validators
        let chain = world.state.chain
        let value = Blake2b.hash256(.block, [1])
        func votes(_ type: VoteType, round: Round, validRound: Round?) throws -> [VerifiedVote] {
            try world.chain.members.map { key in
                let vote = Vote(type: type, height: 1, round: round, value: value, validRound: validRound)
                let signed = SignedVote(
                    vote: vote, member: key.publicKey, signature: key.sign(vote.signedBytes(chain: chain)))
                return try #require(VerifiedVote(signed, validators: validators, chain: chain))
            }
        }
        let prevotes = try votes(.prevote, round: 1, validRound: 0)
        let precommits = try votes(.precommit, round: 1, validRound: nil)
        let polka = try #require(Certificate(.polka, of: prevotes, validators: validators))
        let commit = try #require(Certificate(.commit, of: precommits, validators: validators))
        let round = RoundCertificate(height: 1, round: 1, votes: prevotes.map(\.signed))
        try inDirectory { path in
            let home = NodeDirectory(dataDirectory: path, network: .local)
            try FileManager.default.createDirectory(
                atPath: home.root, withIntermediateDirectories: true)
            let document = GenesisDocument(
                parameters: world.state.parameters, time: TestChain.genesisTime,
                validators: world.chain.members.map {
                    .init(operatorKey: $0.publicKey, weight: 1, payout: Address(of: $0.publicKey))
                }, allocations: [])
            try document.write(to: home.genesis)
            var journal: StoredJournal? = try StoredJournal(opening: home.journal)
            let records: [TimeCoinConsensus.JournalRecord] = [
                .vote(prevotes[0].signed), .certificate(polka), .roundCertificate(round),
                .vote(precommits[1].signed), .certificate(commit), .certificate(commit),
            ]
            for record in records {
                try journal?.append(.record(record), height: 1)
            }
            try journal?.sync()
            var lines: [JSONValue] = []
            #expect(throws: StoreFailure(.locked, "")) { try JournalDump.run(home) { lines.append($0) } }
            #expect(lines.isEmpty)
            journal = nil
            try JournalDump.run(home) { lines.append($0) }
            #expect(lines.count == prevotes.count + precommits.count)
            #expect(Set(lines).count == lines.count)
            for vote in prevotes + precommits {
                let line = lines.first { $0["signature"]?.string == vote.signed.signature.description }
                #expect(line?["member"]?.string == vote.signed.member.description)
                #expect(line?["type"]?.string == "\(vote.vote.type)")
                #expect(line?["validRound"]?.integer == vote.vote.validRound.map { Int64($0) })
            }
        }
    }
}
