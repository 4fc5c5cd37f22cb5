import Foundation
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

private struct NobodyThere: PeerSending {
    func send(_ message: WireMessage, to peer: PeerKey) -> Bool { true }
    func broadcast(_ message: WireMessage, except: PeerKey?) {}
}

private final class NoJournal: ConsensusJournaling {
    func append(_ entry: JournalEntry, height: Height) {}
    func sync() {}
    func prune(below height: Height) {}
}

private final class Submissions: SubmissionRecording {
    private let appended = Mutex(0)
    var count: Int { appended.withLock { $0 } }
    func append(_ transaction: [UInt8], at clock: Timestamp) { appended.withLock { $0 += 1 } }
    func prune(before clock: Timestamp) {}
}

/// The core and the intake of an observer on a world's tip.
private struct Observer {
    let core: NodeCore
    let intake: TransactionIntake
    let submissions = Submissions()
    let events = EventLog()

    init(
        _ world: World, mempool: Mempool = Mempool(), returning: [Resubmission] = [],
        group: MultiThreadedEventLoopGroup
    ) {
        let moment = Moment(
            instant: Instant(milliseconds: 500_000), clock: world.state.header.time)
        var reactor = Reactor(
            state: world.state, own: nil, signed: nil, secret: .zero, settings: Reactor.Settings(),
            at: moment.instant)
        reactor.mempool = mempool
        core = NodeCore(
            reactor: reactor,
            parts: NodeCore.Parts(
                store: world.store, journal: NoJournal(), submissions: submissions, signer: nil,
                peers: NobodyThere(), events: events, view: PublishedView(state: world.state),
                clock: NodeClock { moment }, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }),
            returning: returning, loop: group.next())
        intake = TransactionIntake(
            core: core, resolver: TransactionResolver(store: world.store, faults: FaultReport(events)),
            proofs: ProofCache(), events: events, chain: world.state.chain)
    }

    var waiting: [Hash256] { get async { await core.read { $0.mempool.transactionIDs } } }
}

@Suite("What waited comes back")
struct ResubmissionTests {
    private func observing(
        _ world: World, returning: [Resubmission] = [], _ body: (Observer) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        try await body(Observer(world, returning: returning, group: group))
        try await group.shutdownGracefully()
    }

    @Test("over a restart: chains, ages and order are kept, what is final or invalid is left out")
    func restart() async throws {
        var world = try World()
        let parent = try world.payment(0)
        let child = try world.payment(after: parent)
        let grandchild = try world.payment(after: child)
        let other = try world.payment(1)
        let final = try world.payment(2)
        let rival = try world.payment(1, fee: 5001)
        try world.commit(
            try #require(
                try world.build([try world.admission(final)], at: world.state.dueTime(of: 1))))
        let kept = [parent, final, child, other, grandchild, rival].enumerated().map {
            Resubmission($0.element, age: UInt64(6000 - 1000 * $0.offset))
        }
        try await observing(world) { observer in
            #expect(await observer.core.waiting() == nil)
            await observer.intake.resubmit(kept)
            #expect(await observer.waiting == [parent, child, other, grandchild].map(\.txid))
            let waiting = try #require(await observer.core.waiting()).transactions
            #expect(waiting.map(\.checked) == [parent, child, other, grandchild])
            #expect(waiting.map(\.age) == [6000, 4000, 3000, 2000])
            // It was not handed in now.
            #expect(observer.submissions.count == 0)
        }
    }

    @Test("what spends a payment that is not known here yet is tried again when a block has brought it")
    func orphans() async throws {
        var world = try World()
        let parent = try world.payment(0)
        let child = try world.payment(after: parent)
        let kept = [Resubmission(child, age: 7000)]
        let block = try #require(
            try world.build([try world.admission(parent)], at: world.state.dueTime(of: 1)))
        try await observing(world, returning: kept) { observer in
            async let resubmission: Void = observer.intake.resubmit(kept)
            while await observer.core.waiting() == nil { await Task.yield() }
            #expect(await observer.waiting.isEmpty)
            // A stop now would keep it, and the wallet leaves alone what it spends.
            #expect(await observer.core.waiting()?.transactions.map(\.checked) == [child])
            #expect(await observer.core.spentByReturning() == [child.transaction.inputs[0].previous])
            let batch = try world.batch(block)
            try world.commit(block)
            await observer.core.deliver(.committed(batch))
            await resubmission
            #expect(await observer.waiting == [child.txid])
            #expect(await observer.core.waiting()?.transactions.map(\.age) == [7000])
            #expect(await observer.core.spentByReturning().isEmpty)
        }
    }

    @Test("what spends an output that the chain has seen spent is given up at once")
    func spentForGood() async throws {
        var world = try World()
        let parent = try world.payment(0)
        let first = try world.payment(after: parent)
        let rival = try world.payment(after: parent, fee: 6000)
        for (slot, payment) in [(1 as Slot, parent), (2, first)] {
            let admission = try world.admission(payment)
            try world.commit(try #require(try world.build([admission], at: world.state.dueTime(of: slot))))
        }
        try await observing(world) { observer in
            await observer.intake.resubmit([Resubmission(rival, age: 0)])
            #expect(await observer.core.waiting()?.transactions.isEmpty == true)
        }
    }

    @Test("the wallet does not spend again what a payment from before the start spends")
    func walletWaits() async throws {
        var world = try World()
        let path = NSTemporaryDirectory() + "timecoin-wallet.\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = try WalletFile.create(path, passphrase: [])
        let key = try #require(file.keys.first)
        let allocation = try #require(world.chain.allocation(0))
        let amount = try #require(Amount(decimal: "5"))
        let fee = try #require(Amount(units: 5000))
        let payment = world.chain.payment(
            of: allocation.outPoint, worth: allocation.entry.output.value, paying: amount, to: key, fee: fee)
        let incoming = try CheckedTransaction(checking: try #require(payment))
        let admission = try world.admission(incoming)
        try world.commit(try #require(try world.build([admission], at: world.state.dueTime(of: 1))))
        let coin = OutPoint(transaction: incoming.txid, index: 0)
        // Its script fails, so it comes back to nothing when it is offered.
        let before = try CheckedTransaction(
            checking: Transaction(
                inputs: [TransactionInput(previous: coin, unlocking: .empty)],
                outputs: [TransactionOutput(value: allocation.entry.output.value, locking: .keyHash(of: key))]
            ))
        let kept = [Resubmission(before, age: 0)]
        try await observing(world, returning: kept) { observer in
            let wallet = Wallet(
                file: file, store: world.store, core: observer.core, intake: observer.intake,
                chain: world.state.chain)
            let first = try await wallet.owned().map(\.outPoint)
            await observer.intake.resubmit(kept)
            let then = try await wallet.owned().map(\.outPoint)
            #expect(first.isEmpty && then == [coin])
        }
    }

    @Test("what waited too long already is dropped as if the node had never stopped")
    func expired() async throws {
        let world = try World()
        let checked = try world.payment(0)
        let expiry = Mempool.Limits().expiryMilliseconds
        for (uptime, age, stays) in [(expiry * 2, expiry - 1, true), (expiry * 2, expiry + 1, false)] {
            var reactor = Reactor(
                state: world.state, own: nil, signed: nil, secret: .zero, settings: Reactor.Settings(),
                at: Instant(milliseconds: uptime))
            var admission = try world.admission(checked)
            admission.age = age
            let moment = Moment(
                instant: Instant(milliseconds: uptime), clock: world.state.header.time)
            _ = reactor.handle(.admitted([admission]), at: moment)
            _ = reactor.handle(.tick, at: moment)
            #expect(reactor.mempool.isEmpty != stays)
        }
    }

    @Test("cancelled before the end, it does not say that everything was offered again")
    func cancelled() async throws {
        let world = try World()
        try await observing(world) { observer in
            let kept = try (0..<3).map { Resubmission(try world.payment($0), age: 0) }
            await withTaskGroup(of: Void.self) { group in
                group.cancelAll()
                group.addTask { await observer.intake.resubmit(kept) }
            }
            #expect(await observer.core.waiting() == nil)
        }
    }

    @Test("O4: handed in again, it waits once, is logged once, and after it is final the answer says so")
    func idempotent() async throws {
        var world = try World()
        let checked = try world.payment(0)
        try await observing(world) { observer in
            try await observer.intake.submit(checked)
            for _ in 0..<20 {
                await #expect(throws: MempoolRejection.alreadyWaiting(checked.txid)) {
                    try await observer.intake.submit(checked)
                }
            }
            #expect(await observer.waiting == [checked.txid])
            #expect(observer.submissions.count == 1)
        }
        let admission = try world.admission(checked)
        try world.commit(try #require(try world.build([admission], at: world.state.dueTime(of: 1))))
        try await observing(world) { observer in
            await #expect(throws: MempoolRejection.alreadyFinal(checked.txid)) {
                try await observer.intake.submit(checked)
            }
            #expect(await observer.waiting.isEmpty && observer.submissions.count == 0)
        }
    }

    // MARK: - Undone blocks

    @Test("undone payments wait again, oldest first and before what spends from them; coinbases do not")
    func undone() async throws {
        var world = try World()
        let parent = try world.payment(0)
        let child = try world.payment(after: parent)
        let other = try world.payment(1)
        let first = try #require(
            try world.build([try world.admission(parent)], at: world.state.dueTime(of: 1)))
        try world.commit(first)
        let second = try #require(
            try world.build(
                [try world.admission(child), try world.admission(other)], at: world.state.dueTime(of: 2)))
        #expect(second.block.transactions[0].transaction.kind == .coinbase)
        try world.commit(second)
        // Waits on top of the undone blocks, and spends from them.
        let last = try world.payment(after: child)
        var mempool = Mempool()
        let now = Instant(milliseconds: 500_000)
        let admission = try world.admission(last)
        _ = try mempool.admit(
            admission.verified, proof: admission.proof, at: Instant(milliseconds: 499_000))
        try world.store.rollbackTip()
        try world.store.rollbackTip()
        world.state = try ChainState(
            decoding: try #require(try world.store.snapshot { try $0.state() }))

        let again = mempool.reinstate([first.block, second.block], at: now)
        #expect(mempool.isEmpty && mempool.memoryBytes == 0)
        #expect(again.map(\.checked) == [parent] + second.block.transactions.dropFirst() + [last])
        #expect(again.map(\.age) == [0, 0, 0, 1000])
        try await observing(world) { observer in
            await observer.intake.resubmit(again)
            #expect(await Set(observer.waiting) == Set([parent, child, other, last].map(\.txid)))
            #expect(await observer.core.read { $0.mempool.candidates().count } == 4)
        }
    }

    @Test("of two that spend one output the undone one is in first, unless the other pays for its place")
    func undoneConflicts() async throws {
        var world = try World()
        let undone = try world.payment(0)
        let block = try #require(
            try world.build([try world.admission(undone)], at: world.state.dueTime(of: 1)))
        for (fee, winner) in [(5001 as UInt64, undone.txid), (50_000, nil)] {
            let rival = try world.payment(0, fee: fee)
            var mempool = Mempool()
            let admission = try world.admission(rival)
            _ = try mempool.admit(
                admission.verified, proof: admission.proof, at: Instant(milliseconds: 1))
            let again = mempool.reinstate([block.block], at: Instant(milliseconds: 2))
            #expect(again.map(\.checked) == [undone, rival])
            try await observing(world) { observer in
                await observer.intake.resubmit(again)
                #expect(await observer.waiting == [winner ?? rival.txid])
            }
        }
        // Whoever waits in both places waits once.
        var mempool = Mempool()
        let admission = try world.admission(undone)
        _ = try mempool.admit(admission.verified, proof: admission.proof, at: Instant(milliseconds: 1))
        #expect(mempool.reinstate([block.block], at: Instant(milliseconds: 2)).map(\.checked) == [undone])
        try world.commit(block)
    }

    @Test("K5: at a start blocks without a valid certificate are taken back, certified ones never")
    func uncertified() throws {
        for (certified, wrong) in [(0, false), (1, false), (3, false), (1, true)] {
            var world = try World()
            var blocks: [CheckedBlock] = []
            for height in 1...3 as ClosedRange<Int> {
                let admission = try world.admission(try world.payment(height))
                let block = try #require(
                    try world.build([admission], at: world.state.dueTime(of: Slot(height))))
                var certificate: [UInt8] = []
                if height <= certified {
                    certificate = try world.certificate(
                        of: block.block.hash, at: Height(height), signers: [0, 1, 2]
                    ).encoded
                } else if wrong {
                    certificate = try world.certificate(
                        of: block.block.hash, at: Height(height), signers: [0, 1]
                    ).encoded
                }
                try world.store.commit([
                    BlockCommit(block.block, change: block.change, certificate: certificate)
                ])
                world.state = block.change.state
                blocks.append(block.block)
            }
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let result = try UncertifiedBlocks.rollBack(world.store, from: world.state, logger: logger)
            #expect(result.state.height == Height(certified))
            #expect(result.undone.map(\.hash) == blocks.dropFirst(certified).map(\.hash))
            let tip = try world.store.snapshot { try $0.tip() }
            #expect(tip?.height == Height(certified))
            #expect(try world.store.snapshot { try $0.state() } == result.state.encoded)
        }
    }
}
