import Foundation
import Testing
import TimeCoinConsensus
import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

@testable import TimeCoinNode

/// Two whole nodes of a network of four whose other members signed two branches, on real disks and sockets.
@Suite("Forked nodes, from the alarm to the next block", .serialized)
struct ForkedNodesTests {
    private let root = NSTemporaryDirectory() + "tc-forked.\(UUID().uuidString.prefix(8))"

    private struct Late: Error {
        let node: Int
    }

    struct Network {
        var homes: [NodeDirectory] = []
        var keys: [SigningKey] = []
        let genesis: Genesis
        var ports: [Int] = []

        /// Numbers in the order of the set.
        init(root: String) throws {
            for number in 0..<4 {
                let home = NodeDirectory(dataDirectory: "\(root)/\(number)", network: .local)
                _ = try NodeSetup.create(home, passphrase: [])
                homes.append(home)
            }
            homes = try homes.map { ($0, try NodeSetup.key($0.operatorKey, "operator", [])) }
                .sorted { $0.1.publicKey < $1.1.publicKey }.map(\.0)
            keys = try homes.map { try NodeSetup.key($0.operatorKey, "operator", []) }
            let document = GenesisDocument(
                parameters: .local(slotMilliseconds: 400, paymentIntervalMilliseconds: 0),
                time: Timestamp(milliseconds: UInt64(Date().timeIntervalSince1970 * 1000) - 3000),
                validators: keys.map {
                    GenesisDocument.Validator(
                        operatorKey: $0.publicKey, weight: 1, payout: Address(of: $0.publicKey))
                },
                allocations: [
                    GenesisDocument.Allocation(
                        address: Address(of: keys[0].publicKey), amount: try #require(Amount(decimal: "10")))
                ])
            genesis = try document.genesis()
            for home in homes { try document.write(to: home.genesis) }
            ports = try FreePorts.find(2).map { Int($0) }
        }

        /// Writes blocks, each decided by these members, as if the node had taken part.
        func grow(_ number: Int, blocks count: Int, signers: [Int]) throws {
            let store = try ChainStore(
                opening: homes[number].chain, chain: genesis.hash,
                options: try InstanceNumber.storeOptions(homes[number]))
            try store.commit([BlockCommit(genesis.block, change: genesis.change, certificate: [])])
            var state = genesis.state
            for _ in 0..<count {
                let verifier = BlockVerifier(store: store, chain: genesis.hash, proofs: ProofCache())
                let block = try #require(
                    try verifier.build(
                        on: state, at: state.dueTime(of: state.slot + 1), proposer: keys[number].publicKey,
                        candidates: []
                    ).block)
                let votes = try signers.map { signer in
                    let vote = Vote(
                        type: .precommit, height: state.height + 1, round: 0, value: block.block.hash)
                    let signed = SignedVote(
                        vote: vote, member: keys[signer].publicKey,
                        signature: keys[signer].sign(vote.signedBytes(chain: genesis.hash)))
                    return try #require(
                        VerifiedVote(signed, validators: state.validators, chain: genesis.hash))
                }
                let certificate = try #require(
                    Certificate(.commit, of: votes, validators: state.validators))
                try store.commit([
                    BlockCommit(block.block, change: block.change, certificate: certificate.encoded)
                ])
                state = block.change.state
            }
        }

        /// A program of the product, as an operator starts it.
        func program(_ arguments: [String], of name: String = "timecoin-node") -> Process {
            let process = Process()
            process.executableURL = [
                Bundle.main.bundleURL, Bundle.main.bundleURL.deletingLastPathComponent(),
            ].map { $0.appendingPathComponent(name) }
                .first { FileManager.default.isExecutableFile(atPath: $0.path) }
            process.arguments = arguments
            process.standardError = FileHandle.nullDevice
            return process
        }

        func start(_ place: Int) throws -> Process {
            let process = program([
                "run", "--datadir", home(place).dataDirectory, "--network", "local", "--listen",
                "127.0.0.1:\(ports[place])", "--peer", "127.0.0.1:\(ports[1 - place])", "--log-level",
                "error",
            ])
            try process.run()
            return process
        }

        /// Calls a running node with the command line, once it answers. In a process of its own, so that it
        /// does not wait for the other tests of this one.
        func call(_ home: NodeDirectory, _ method: [String]) throws -> JSONValue {
            let process = program(
                [
                    "--datadir", home.dataDirectory, "--network", "local", "--wait-ready", "-o", "json",
                ] + method, of: "timecoin-cli")
            let output = Pipe()
            process.standardOutput = output
            try process.run()
            let data = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0, "\(method)")
            return try JSONValue(parsing: Array(data))
        }

        /// Runs a command on a stopped node.
        ///
        /// - Returns: what it says.
        func command(_ place: Int, _ arguments: [String], status: Int32 = 0) throws -> String {
            let process = program(
                Array(arguments.prefix(2)) + ["--datadir", home(place).dataDirectory, "--network", "local"]
                    + arguments.dropFirst(2))
            let output = Pipe()
            process.standardOutput = output
            try process.run()
            let data = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            #expect(process.terminationStatus == status, "\(arguments)")
            return String(decoding: data, as: UTF8.self)
        }

        func home(_ place: Int) -> NodeDirectory { homes[place == 0 ? 0 : 3] }
    }

    /// Runs both nodes until each fulfils the condition, then stops them.
    private func run(
        _ network: Network, until isReached: (NodeDirectory) throws -> Bool
    ) throws {
        let processes = try (0..<2).map { try network.start($0) }
        defer { for process in processes where process.isRunning { process.terminate() } }
        // Far more than they need: the machine may be full of other tests.
        let end = ContinuousClock.now.advanced(by: .seconds(180))
        for place in 0..<2 {
            let home = network.home(place)
            var next: Int64 = 1
            while try !isReached(home) {
                guard ContinuousClock.now < end else {
                    for method in ["getconsensusinfo", "getpeerinfo"] {
                        for place in 0..<2 {
                            Issue.record("\(place): \(try network.call(network.home(place), [method]))")
                        }
                    }
                    throw Late(node: place)
                }
                try #require(processes[place].isRunning, "node \(place) ended")
                // Returns with the next event, and now and then without one.
                let events = try network.call(home, ["getevents", "\(next)", "1"])
                next = try #require(events["next"]?.integer)
            }
        }
        for process in processes {
            process.terminate()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
        }
    }

    @Test("both find the fork and stop; the operators recover; blocks go on with the members that remain")
    func endToEnd() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let network = try Network(root: root)
        try network.grow(0, blocks: 2, signers: [0, 1, 2])
        try network.grow(3, blocks: 1, signers: [1, 2, 3])
        try run(network) { FileManager.default.fileExists(atPath: $0.fork) }
        let proofs = try [0, 3].map {
            try ForkProof(
                decoding: try HexFile.read(network.homes[$0].fork, bytesMax: ForkProof.bytesMax))
        }
        #expect(proofs[0].height == 1 && proofs[0] == proofs[1])
        let anchor = TrustAnchor(
            chain: network.genesis.hash, validators: network.genesis.state.validators.hash)
        let fork = try proofs[0].verify(against: anchor)
        #expect(fork.blamed.map(\.misbehaviour.member) == [1, 2].map { network.keys[$0].publicKey })
        let kept = try FileManager.default.contentsOfDirectory(atPath: network.homes[3].evidence)
        #expect(kept.contains("fork-1-\(proofs[1].name).hex"))
        // A node that was stopped by a fork stays so.
        try run(network) { home in
            let reason = try network.call(home, ["getconsensusinfo"])["reason"]?.string
            return reason == "fork: height 1 was decided twice"
        }
        let branch = try ChainStore(opening: network.homes[3].chain, chain: network.genesis.hash)
            .snapshot { try #require(try $0.hash(at: 1)) }
        let proof = network.homes[3].fork
        for arguments in [["recovery", "show", proof], ["evidence", "verify", proof]] {
            let text = try network.command(0, arguments)
            #expect(text.contains("to blame: \(network.keys[1].publicKey) of weight 1, two-votes"))
            #expect(text.contains("weight 2 of 4 is to blame"))
        }
        let votes = try (0..<2).map { place in
            let vote = try network.command(
                place, ["recovery", "sign", "--branch", "\(branch)", "--last", "1:\(branch)", proof])
            let path = "\(root)/\(place).vote"
            try Data(vote.utf8).write(to: URL(fileURLWithPath: path))
            return path
        }
        let rival = fork.proof.branches.first { $0 != branch }
        let refused = try network.command(
            0, ["recovery", "sign", "--branch", "\(rival ?? .zero)", proof], status: 1)
        #expect(refused.isEmpty)
        let recovery = "\(root)/recovery.hex"
        let certificate = try network.command(1, ["recovery", "combine", proof] + votes)
        try Data(certificate.utf8).write(to: URL(fileURLWithPath: recovery))
        let looked = try network.command(0, ["recovery", "apply", recovery])
        #expect(looked.contains("members that remain: 2") && !looked.contains("followed"))
        let followed = try (0..<2).map {
            try network.command($0, ["recovery", "apply", "--consent", recovery])
        }
        #expect(followed[0].contains("followed: 2 blocks taken back, the tip is 0"))
        #expect(followed[1].contains("followed: 0 blocks taken back, the tip is 1"))
        try run(network) { home in
            try network.call(home, ["getblockcount"]).integer.map { $0 >= 5 } ?? false
        }
        let hashes = try [0, 3].map { number in
            try ChainStore(opening: network.homes[number].chain, chain: network.genesis.hash).snapshot {
                reader in
                (first: try reader.hash(at: 1), fifth: try reader.header(at: 5))
            }
        }
        #expect(hashes.allSatisfy { $0.first == branch })
        #expect(hashes[0].fifth != nil && hashes[0].fifth == hashes[1].fifth)
        #expect(hashes[0].fifth?.validators == fork.remaining?.hash)
    }
}
