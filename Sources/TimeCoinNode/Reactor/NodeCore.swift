import NIOCore
import TimeCoinCore
import TimeCoinStore

/// The thread of a node's decisions: the shell around the reactor, fed by everything that happens.
actor NodeCore {
    /// Jobs that wait at most; one to build and some to judge is all that a height ever asks for, and one to
    /// connect what was fetched.
    static let jobsMax = 64
    /// Between two pulses, milliseconds.
    static let pulseInterval: UInt64 = 5

    nonisolated let unownedExecutor: UnownedSerialExecutor
    nonisolated let jobs: AsyncStream<CoreJob>
    private nonisolated let care: DatabaseCare?
    private nonisolated let clock: NodeClock
    private let jobSink: AsyncStream<CoreJob>.Continuation
    var shell: NodeShell

    typealias Parts = NodeShell.Parts

    /// - Parameter returning: what waited before the start, to be offered again.
    init(reactor: Reactor, parts: Parts, returning: [Resubmission] = [], loop: any EventLoop) {
        care = parts.care
        clock = parts.clock
        shell = NodeShell(reactor: reactor, parts: parts, returning: returning)
        unownedExecutor = loop.executor.asUnownedSerialExecutor()
        (jobs, jobSink) = AsyncStream.makeStream(
            of: CoreJob.self, bufferingPolicy: .bufferingOldest(NodeCore.jobsMax))
    }

    /// The first fault of this machine.
    var fault: (any Error)? { shell.fault }

    /// Begins; to be called once before anything else.
    func resume() {
        shell.resume()
        passJobs()
    }

    /// Hands in one event. Awaiting it is the back-pressure on whoever has it.
    func deliver(_ event: ReactorEvent) {
        shell.deliver(event)
        passJobs()
    }

    /// Compares deadlines with the clocks.
    func pulse() {
        shell.pulse()
        passJobs()
    }

    /// Reads from the reactor's present value.
    func read<Value: Sendable>(_ body: @Sendable (borrowing Reactor) -> Value) -> Value {
        body(shell.reactor)
    }

    /// As ``NodeShell/consensusReport()``.
    func consensusReport() -> ConsensusReport { shell.consensusReport() }

    /// As ``NodeShell/finishResubmission(leaving:)``.
    func finishResubmission(leaving orphans: [Resubmission]) {
        shell.finishResubmission(leaving: orphans)
    }

    /// What ``NodeShell/returning`` spends.
    func spentByReturning() -> Set<OutPoint> {
        Set(shell.returning.flatMap { $0.checked.transaction.inputs.map(\.previous) })
    }

    /// As ``NodeShell/waiting()``.
    func waiting() -> (transactions: [Resubmission], clock: Timestamp)? { shell.waiting() }

    /// Stops the jobs; nothing is signed after it.
    func stop() {
        jobSink.finish()
    }

    func passJobs() {
        for job in shell.takeJobs() { jobSink.yield(job) }
    }
}

extension NodeCore {
    /// Runs the jobs of building and judging until stopped.
    nonisolated func work(_ verifier: BlockVerifier, proposer: PublicKey?) async {
        await withDiscardingTaskGroup { group in
            for await job in jobs {
                group.addTask { await self.perform(job, verifier, proposer) }
            }
        }
    }

    /// Damage that a job meets is repaired, and the job begins again.
    nonisolated private func perform(_ job: CoreJob, _ verifier: BlockVerifier, _ proposer: PublicKey?) async
    {
        for _ in 0..<NodeShell.mendsMax {
            do {
                return try await attempt(job, verifier, proposer)
            } catch {
                guard let care, care.mend(error) else { return await fail(error) }
            }
        }
        await fail(StoreFailure(.corrupt, "the database is damaged again and again"))
    }

    nonisolated private func attempt(
        _ job: CoreJob, _ verifier: BlockVerifier, _ proposer: PublicKey?
    ) async throws {
        switch job {
        case .build(let parent, let time, let candidates, let round):
            guard let proposer else { return }
            let assembly = try verifier.build(
                on: parent, at: time, proposer: proposer, candidates: candidates)
            await deliver(.built(assembly, height: parent.height + 1, round: round))
        case .judge(let block, let parent):
            let result = try await verifier.judge(block, on: parent)
            await deliver(.judged(block.hash, result))
        case .connect(var batch):
            try await batch.judge(verifier, clock: clock)
            await deliver(.connected(batch))
        }
    }

    private func fail(_ error: any Error) {
        shell.fail(error)
    }
}
