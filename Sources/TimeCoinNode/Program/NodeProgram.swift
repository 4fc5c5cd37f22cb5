import Foundation
public import Logging
import NIOCore
import NIOPosix
import Synchronization
import TimeCoinConsensus
import TimeCoinControl
import TimeCoinCore
public import TimeCoinNet
import TimeCoinStore
import UnixSignals

/// How a node is to run.
public struct NodeConfiguration: Sendable {
    public var directory: NodeDirectory
    public var listen: PeerAddress
    public var peers: [PeerAddress]
    /// Opens node and operator key, and the wallet.
    public var passphrase: [UInt8]
    public var logLevel: Logger.Level
    /// A program with its arguments that opens the database of this node by ``NodeProgram/tryOpening(_:)``
    /// and ends; it is run when opening the database has ended this process repeatedly. `nil` runs none.
    public var trial: [String]?

    public init(
        directory: NodeDirectory, listen: PeerAddress, peers: [PeerAddress], passphrase: [UInt8],
        logLevel: Logger.Level
    ) {
        self.directory = directory
        self.listen = listen
        self.peers = peers
        self.passphrase = passphrase
        self.logLevel = logLevel
    }
}

/// A whole node: composes the libraries and serves until told to stop.
public struct NodeProgram: Sendable {
    public static let version = "0.1.0"

    private let configuration: NodeConfiguration
    private let logger: Logger

    public init(_ configuration: NodeConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Runs until SIGTERM, SIGINT or `stop`.
    ///
    /// - Throws: ``StoreFailure``, ``KeyFailure``, ``GenesisDocument/Failure``, ``Genesis/Failure``, or what
    ///   kept it
    ///   from listening.
    public func run() async throws {
        let directory = configuration.directory
        let genesis = try directory.readGenesis()
        try DatabaseSwap.settle(directory)
        let opening = OpeningGuard(directory, trial: configuration.trial, logger: logger)
        let store = try opening.open {
            try ChainStore(
                opening: directory.chain, chain: genesis.hash,
                options: try InstanceNumber.storeOptions(directory))
        }
        let recoveries = try RecoveryDirectory(directory).recoveries(genesis: genesis.state)
        let (stored, undone) = try UncertifiedBlocks.rollBack(
            store, from: try openState(store, genesis, following: recoveries), logger: logger)
        let state = try recoveries.reduce(stored) { try $0.following($1) }
        let journal = try gap(recoveries).open(next: state.height + 1)
        let submissions = try SubmissionLog(
            opening: directory.submissions, at: NodeClock.system.moment.clock, logger: logger)
        let signer = try openSigner(state, recoveries, instance: store.instance)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        do {
            let node = try assemble(
                store: store, genesis: genesis, state: state, recoveries: recoveries, undone: undone,
                journal: journal, submissions: submissions, signer: signer?.signer,
                stopped: signer?.stopped,
                group: group)
            try await node.run(logger: logger)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
        logger.info("stopped")
    }

    /// Opens the database of a node as a start does, and closes it.
    ///
    /// - Throws: ``StoreFailure``, ``GenesisDocument/Failure``, ``Genesis/Failure``.
    public static func tryOpening(_ directory: NodeDirectory) throws {
        let genesis = try GenesisDocument(reading: directory.genesis).genesis()
        _ = try ChainStore(
            opening: directory.chain, chain: genesis.hash,
            options: try InstanceNumber.storeOptions(directory))
    }

    /// The state after the tip, as it is stored; genesis is written where nothing is.
    ///
    /// - Throws: ``DatabaseFailure`` `refused` where it goes on from another recovery than these.
    func openState(
        _ store: ChainStore, _ genesis: Genesis, following recoveries: [VerifiedRecovery]
    ) throws -> ChainState {
        if let bytes = try store.snapshot({ try $0.state() }) {
            let state = try ChainState(decoding: bytes)
            try RecoveryDirectory(configuration.directory).require(state, follows: recoveries)
            return state
        }
        try store.commit([BlockCommit(genesis.block, change: genesis.change, certificate: [])])
        return genesis.state
    }

    /// `nil` for a node whose operator key is no member's: it observes.
    ///
    /// - Parameter instance: of the database. With another one's record nothing is signed, for that reason.
    private func openSigner(
        _ state: ChainState, _ recoveries: [VerifiedRecovery], instance: UInt64
    ) throws -> (signer: Signer, stopped: String?)? {
        let directory = configuration.directory
        let recovery = recoveries.last
        let key = try NodeSetup.key(directory.operatorKey, "operator", configuration.passphrase)
        guard (recovery?.validators ?? state.validators).index(of: key.publicKey) != nil else {
            logger.notice("this operator key is no member's: the node observes and does not vote")
            return nil
        }
        let path = directory.path(\.signRecord, after: recovery?.votingChain)
        let record = try StoredSignRecord(opening: path)
        let stopped = InstanceNumber.refusal(
            record: record.instance, at: path, database: instance, in: directory.chain)
        if let stopped { logger.critical("signing is stopped: \(stopped)") }
        let signer = try Signer(
            secret: key, chain: recovery?.votingChain ?? state.votingChain, record: record)
        return (signer, stopped)
    }

    private func gap(_ recoveries: [VerifiedRecovery]) -> JournalGap {
        JournalGap(configuration.directory.path(\.journal, after: recoveries.last?.votingChain))
    }

    private func lostHeight(_ entries: [JournalEntry], _ signer: Signer?, above height: Height) -> Height {
        let lost = NodeRecovery.lostHeight(entries, signer?.signedAtStart.last, above: height)
        if let lost {
            logger.critical(
                "the journal of the height being decided is missing: nothing is signed up to this height",
                metadata: ["height": "\(lost)"])
        }
        return lost ?? 0
    }

    /// The reactor as the last stop has left it.
    private func reactor(
        on state: ChainState, _ recoveries: [VerifiedRecovery], _ journal: StoredJournal, _ signer: Signer?,
        stopped: String?, at now: Instant
    ) throws -> Reactor {
        let entries = try journal.entries(of: state.height + 1)
        let gap = gap(recoveries)
        let lost = max(
            journal.damagedUpTo ?? 0, lostHeight(entries, signer, above: state.height))
        if lost > state.height { try gap.mark(lost) }
        var reactor = Reactor(
            state: state, own: signer?.key, signed: signer?.signedAtStart,
            secret: Hash256(Randomness.bytes(Hash256.byteCount)) ?? .zero, settings: Reactor.Settings(),
            signsAbove: max(lost, try gap.height()),
            at: now)
        reactor.recoveries = recoveries
        reactor.signingStopped = stopped
        if let proof = try RecoveryDirectory(configuration.directory).openFork(recoveries) {
            reactor.signingStopped = Reactor.reason(forkAt: proof.height)
            logger.critical(
                "a fork was found before: nothing is signed until the operator follows a recovery")
        }
        reactor.replay(entries)
        return reactor
    }

    private func assemble(
        store: ChainStore, genesis: Genesis, state: ChainState, recoveries: [VerifiedRecovery],
        undone: [CheckedBlock], journal: StoredJournal, submissions: SubmissionLog, signer: Signer?,
        stopped: String?, group: MultiThreadedEventLoopGroup
    ) throws -> RunningNode {
        let clock = NodeClock.system
        let directory = configuration.directory
        var reactor = try reactor(
            on: state, recoveries, journal, signer, stopped: stopped, at: clock.moment.instant)
        let mempoolFile = MempoolFile(directory.mempool)
        // What of it became final meanwhile, or can no longer be paid, is refused, and rightly so.
        let waited =
            reactor.mempool.reinstate(undone, at: clock.moment.instant)
            + mempoolFile.read(at: clock.moment.clock, logger: logger) + submissions.kept
        let view = PublishedView(state: state)
        let link = PeerLink()
        let events = EventLog(evidence: EvidenceDirectory(directory.evidence))
        let care = DatabaseCare(
            store: store, directory: directory, genesis: genesis.state, events: events, peers: link,
            recoveries: recoveries, logger: logger)
        let faults = FaultReport(events, care: care)
        let proofs = ProofCache()
        let resolver = TransactionResolver(store: store, faults: faults)
        let polkas = try PolkaArchive(opening: directory.path(\.polkas, after: recoveries.last?.votingChain))
        var parts = NodeCore.Parts(
            store: store, journal: journal, submissions: submissions, signer: signer, peers: link,
            events: events, view: view, clock: clock, logger: logger)
        parts.polkas = polkas
        parts.disk = DiskWatch(files: PosixFileSystem(), path: directory.root)
        parts.forks = RecoveryDirectory(directory)
        parts.care = care
        let core = NodeCore(
            reactor: reactor, parts: parts, returning: waited, loop: group.next())
        let intake = TransactionIntake(
            core: core, resolver: resolver, proofs: proofs, events: events, chain: state.chain)
        let ingress = PeerIngress(
            core: core, view: view, store: store, intake: intake, signer: signer, clock: clock, peers: link,
            faults: faults, records: ForkRecords(store: store, archive: polkas, journal: journal),
            logger: logger, care: care)
        let identity = try NodeIdentity(
            seed: try NodeSetup.key(directory.nodeKey, "node", configuration.passphrase).seed)
        let network = PeerNetwork(
            configuration: NetworkConfiguration(
                listen: configuration.listen, peers: configuration.peers, network: directory.network.rawValue,
                genesis: state.chain, userAgent: "timecoin/\(NodeProgram.version)"),
            identity: identity, limits: WireType.frameLimits, handler: ingress, logger: logger, group: group,
            clock: { clock.moment.clock })
        link.connect(network)
        let wallet = Wallet(
            file: try WalletFile(reading: directory.wallet), store: store, core: core, intake: intake,
            chain: state.chain)
        let stop = StopRequest()
        let api = NodeAPI(
            core: core, store: store, database: "\(directory.chain)/\(ChainStore.fileName)", wallet: wallet,
            intake: intake, peers: link, events: events, stop: stop, network: directory.network,
            started: clock.moment.instant, clock: clock, care: care,
            backup: DatabaseBackup(of: store, in: directory, clock: clock))
        let socket = SocketPath.forListening(networkDirectory: directory.root)
        if let pointer = socket.pointer {
            try Data(socket.path.utf8).write(to: URL(fileURLWithPath: pointer))
        }
        return RunningNode(
            core: core, verifier: BlockVerifier(store: store, chain: state.chain, proofs: proofs),
            proposer: signer?.key,
            network: network,
            server: ControlServer(path: socket.path, answering: api, group: group), wallet: wallet,
            events: events, stop: stop, passphrase: configuration.passphrase, intake: intake,
            waited: waited, mempoolFile: mempoolFile, care: care, link: link, clock: clock)
    }
}

/// Asks the program to end.
final class StopRequest: Sendable {
    private let stream = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
    private let isRequested = Atomic<Bool>(false)

    /// The end is wanted, as soon as the answer that says so has left.
    func request() {
        isRequested.store(true, ordering: .relaxed)
    }

    func stopIfRequested() {
        if isRequested.load(ordering: .relaxed) { stream.continuation.yield() }
    }

    func wait() async {
        for await _ in stream.stream { return }
    }
}

/// The tasks of a node.
private struct RunningNode: Sendable {
    let core: NodeCore
    let verifier: BlockVerifier
    let proposer: PublicKey?
    let network: PeerNetwork
    let server: ControlServer
    let wallet: Wallet
    let events: EventLog
    let stop: StopRequest
    let passphrase: [UInt8]
    let intake: TransactionIntake
    /// What waited before this start.
    let waited: [Resubmission]
    let mempoolFile: MempoolFile
    let care: DatabaseCare
    let link: PeerLink
    let clock: NodeClock

    func run(logger: Logger) async throws {
        if (try? await wallet.unlock(passphrase: passphrase)) == nil {
            logger.notice("the wallet is locked: it has another passphrase")
        }
        // Ports and sockets first: a node that cannot be reached shall not begin to sign.
        try await network.bind()
        await core.resume()
        // The first of these to end ends the others: a signal, a call of `stop`, or a fault of this machine.
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // Beside the work of consensus: a full mempool takes a while to verify.
                await withDiscardingTaskGroup { jobs in
                    jobs.addTask { await intake.resubmit(waited) }
                    jobs.addTask { await core.work(verifier, proposer: proposer) }
                }
            }
            group.addTask { try await network.run() }
            group.addTask { try await server.run() }
            group.addTask { try await pulse() }
            group.addTask { await care.scrub() }
            group.addTask {
                for await error in events.failures { throw error }
            }
            group.addTask { await stop.wait() }
            group.addTask {
                let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
                for await signal in signals {
                    logger.info("stopping", metadata: ["signal": "\(signal)"])
                    return
                }
            }
            defer { group.cancelAll() }
            try await group.next()
            await core.stop()
        }
        await keepWaiting(logger)
    }

    /// Writes down what waits. Without it the next start has less to offer, and nothing worse.
    private func keepWaiting(_ logger: Logger) async {
        guard let waiting = await core.waiting() else {
            return logger.notice(
                "stopped before everything was verified that waited: its file stays as it is")
        }
        do {
            try mempoolFile.write(waiting.transactions, at: waiting.clock)
            logger.info(
                "kept what waits for a block", metadata: ["count": "\(waiting.transactions.count)"])
        } catch {
            logger.warning("what waits for a block was not kept", metadata: ["reason": "\(error)"])
        }
    }

    private func pulse() async throws {
        while !Task.isCancelled {
            await core.pulse()
            care.pulse(peers: { link.peers.map(\.key) }, at: clock.moment.instant)
            try await Task.sleep(for: .milliseconds(NodeCore.pulseInterval))
        }
    }
}
