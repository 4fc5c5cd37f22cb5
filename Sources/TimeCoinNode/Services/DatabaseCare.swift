import Logging
import Synchronization
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinStore

/// Looks after the database of a running node: looks at every record again and again, keeps what is damaged,
/// repairs it, and fetches what has to come from a peer.
package final class DatabaseCare: Sendable {
    /// Records that the scrub looks at in a second. At this rate it costs less than 1 % of a core.
    static let recordsPerSecond = 2000
    /// Records of one step, hence of one short snapshot.
    static let stepRecords = 200
    /// From the end of a pass to the next. Unit: milliseconds.
    static let passInterval: UInt64 = 60_000
    /// Damaged records that are known at once; more are repaired, but not told apart.
    static let knownMax = 1000

    /// How the care stands, for people.
    struct Report: Sendable {
        var passes: UInt64 = 0
        /// Records looked at in this pass.
        var records: UInt64 = 0
        var table = ""
        var found: UInt64 = 0
        var repaired: UInt64 = 0
        /// Blocks that are asked of peers.
        var wanted = 0
        /// What `verifyWhole` found; `nil` before its end.
        var verified: Bool?
    }

    struct State {
        var report = Report()
        var wanted = WantedBlocks()
        /// What waits for the block of a height.
        var waiting: [Height: [DatabaseReport.Damage]] = [:]
        /// Damaged and not repaired.
        var open: Set<StoreFailure.DamagedRecord> = []
        var isVerificationWanted = false
    }

    let store: ChainStore
    let directory: NodeDirectory
    let events: EventLog
    let peers: any PeerSending
    let logger: Logger
    /// Those that the operator follows, in the order of their heights.
    let recoveries: [VerifiedRecovery]
    /// Sets of validators that need not be in the database to be known.
    let sets: [ValidatorSet]
    /// Under which certificates were signed: the chain, and what it was called after each recovery.
    let votingChains: [Hash256]
    let state = Mutex(State())

    /// - Parameter genesis: the state of the genesis block.
    init(
        store: ChainStore, directory: NodeDirectory, genesis: ChainState, events: EventLog,
        peers: any PeerSending, recoveries: [VerifiedRecovery], logger: Logger
    ) {
        self.store = store
        self.directory = directory
        self.events = events
        self.peers = peers
        self.recoveries = recoveries
        sets = [genesis.validators] + recoveries.map(\.validators)
        votingChains = [genesis.headerHash] + recoveries.map(\.votingChain)
        self.logger = logger
    }

    /// What decides over blocks is read from these; the others are read by people and peers.
    static let votedTables: Set<String> = ["state", "outputs", "transactions", "nodes", "chunks", "leaves"]

    var report: Report {
        state.withLock { state in
            var report = state.report
            report.wanted = state.wanted.count
            return report
        }
    }

    /// Whether nothing that the vote reads is known to be damaged.
    var isFitToVote: Bool {
        state.withLock { state in
            state.open.isEmpty || state.open.allSatisfy { !DatabaseCare.votedTables.contains($0.table) }
        }
    }

    // MARK: - Scrub

    /// Looks at the records until cancelled.
    func scrub() async {
        var place: ScrubPlace?
        while !Task.isCancelled {
            if state.withLock({ state in
                defer { state.isVerificationWanted = false }
                return state.isVerificationWanted
            }) {
                verifyNow()
            }
            let step: ScrubStep
            do {
                step = try store.scrub(from: place, records: DatabaseCare.stepRecords)
            } catch {
                events.fail(error)
                // The program ends; until then there is nothing to do here.
                await pause(milliseconds: DatabaseCare.passInterval)
                continue
            }
            note(step)
            _ = treat(step.damages)
            place = step.next
            let spent = UInt64(step.records) * 1000 / UInt64(DatabaseCare.recordsPerSecond)
            await pause(milliseconds: place == nil ? DatabaseCare.passInterval : max(10, spent))
        }
    }

    private func note(_ step: ScrubStep) {
        state.withLock { state in
            state.report.records += UInt64(step.records)
            state.report.table = step.next.flatMap { DatabaseCare.tableName($0) } ?? ""
            guard step.next == nil else { return }
            state.report.passes += 1
            logger.debug("looked at every record", metadata: ["records": "\(state.report.records)"])
            state.report.records = 0
        }
    }

    private static func tableName(_ place: ScrubPlace) -> String? { ChainStore.tableName(place) }

    /// Ends early when a verification is wanted.
    private func pause(milliseconds: UInt64) async {
        var left = milliseconds
        while left > 0, !Task.isCancelled, !state.withLock({ $0.isVerificationWanted }) {
            let slice = min(left, 500)
            try? await Task.sleep(for: .milliseconds(slice))
            left -= slice
        }
    }

    /// Has the whole database verified, beside everything else.
    func verifyWhole() {
        state.withLock { $0.isVerificationWanted = true }
    }

    private func verifyNow() {
        do {
            let report = try store.verification(following: recoveries)
            state.withLock { $0.report.verified = report.isSound }
            guard !report.isSound else {
                return logger.critical(
                    "the database is sound: the block that the others certified is invalid by its rules",
                    metadata: ["height": "\(report.height ?? 0)", "records": "\(report.records)"])
            }
            logger.critical("the database is damaged", metadata: ["records": "\(report.damages.count)"])
            _ = treat(report.damages)
        } catch {
            events.fail(error)
        }
    }

    // MARK: - Damage

    /// Treats what a failed read or write has named.
    ///
    /// - Returns: whether all of it is repaired, so that the same may be tried again.
    func mend(_ failure: any Error) -> Bool {
        guard let failure = failure as? StoreFailure, failure.code == .corrupt, !failure.damaged.isEmpty
        else {
            return false
        }
        return treat(failure.damaged.map { DatabaseReport.Damage(record: $0, reason: failure.message) })
    }

    /// Treats a failure that is damage of records, whatever comes of it.
    ///
    /// - Returns: `false` for any other failure.
    func takes(_ error: any Error) -> Bool {
        guard let failure = error as? StoreFailure, failure.code == .corrupt, !failure.damaged.isEmpty else {
            return false
        }
        _ = mend(failure)
        return true
    }

    /// Keeps what is damaged, and repairs it.
    ///
    /// - Returns: whether all of it is repaired.
    func treat(_ damages: [DatabaseReport.Damage]) -> Bool {
        guard !damages.isEmpty else { return true }
        do {
            try store.quarantine(damages.map(\.record))
            for damage in damages { tell(damage) }
            // What one repair needs may be what another repairs.
            let left = try repair(damages).filter { $0.outcome != nil }
            let last = left.isEmpty ? [] : try repair(left.map(\.damage))
            for (damage, outcome) in last {
                if let outcome { wait(for: damage, outcome) }
            }
            return last.allSatisfy { $0.outcome == nil }
        } catch {
            events.fail(error)
            return false
        }
    }

    private func tell(_ damage: DatabaseReport.Damage) {
        let isNew = state.withLock { state in
            guard state.open.count < DatabaseCare.knownMax else { return true }
            return state.open.insert(damage.record).inserted
        }
        guard isNew else { return }
        state.withLock { $0.report.found += 1 }
        logger.error(
            "a record of the database is damaged",
            metadata: [
                "table": "\(damage.record.table)", "key": "\(Hexadecimal.encode(damage.record.key))",
                "reason": "\(damage.reason)",
            ])
        events.damaged(damage.record)
    }

    /// - Returns: no outcome for what is repaired.
    private func repair(
        _ damages: [DatabaseReport.Damage]
    ) throws(StoreFailure) -> [(damage: DatabaseReport.Damage, outcome: RepairOutcome?)] {
        var outcomes: [(damage: DatabaseReport.Damage, outcome: RepairOutcome?)] = []
        for damage in damages {
            let outcome = try store.repair(damage.record, near: damage.near, knowing: sets)
            if outcome == .repaired { close(damage.record) }
            outcomes.append((damage, outcome == .repaired ? nil : outcome))
        }
        return outcomes
    }

    func close(_ record: StoreFailure.DamagedRecord) {
        let wasOpen = state.withLock { state in
            guard state.open.remove(record) != nil else { return false }
            state.report.repaired += 1
            return true
        }
        guard wasOpen else { return }
        logger.notice(
            "a damaged record is repaired",
            metadata: ["table": "\(record.table)", "key": "\(Hexadecimal.encode(record.key))"])
    }

    /// What an operator runs where nothing else helps: a database without its first blocks cannot be built
    /// anew from them.
    private var commands: String {
        let place = "--datadir \(directory.dataDirectory) --network \(directory.network.rawValue)"
        let isWhole = (try? store.snapshot { try $0.base() })?.blocksFrom == 0
        return isWhole
            ? "Stop the node and run `timecoin-node db reindex \(place)`"
            : "Stop the node and run `timecoin-node restore \(place) --replace BACKUP` or `timecoin-node "
                + "snapshot load \(place) --replace SNAPSHOT`, or move \(directory.chain) away and start it: "
                + "it then fetches the chain from its peers; leave the sign record where it is"
    }

    /// What cannot be repaired from here.
    private func wait(for damage: DatabaseReport.Damage, _ outcome: RepairOutcome) {
        switch outcome {
        case .repaired: break
        case .needsBlock(let height):
            state.withLock { state in
                guard state.wanted.want(height),
                    state.waiting[height]?.contains(where: { $0.record == damage.record }) != true
                else { return }
                state.waiting[height, default: []].append(damage)
            }
        case .impossible(let reason):
            let advice = "\(damage.record) cannot be repaired: \(reason). \(commands)"
            guard DatabaseCare.votedTables.contains(damage.record.table) else {
                return logger.critical("\(advice)")
            }
            events.fail(StoreFailure(.corrupt, advice, damaged: [damage.record]))
        }
    }
}
