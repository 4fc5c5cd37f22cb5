import Logging
import Synchronization
import TimeCoinConsensus
package import TimeCoinCore
package import TimeCoinStore

/// What happened, in order, for those who follow: numbered, bounded, and honest about what it no longer has.
package final class EventLog: Sendable {
    package struct Event: Sendable {
        let sequence: UInt64
        package let content: Content

        fileprivate var isBlock: Bool {
            if case .block = content { true } else { false }
        }
    }

    package enum Content: Sendable {
        case block(BlockHeader, hash: Hash256, transactions: [Hash256], round: Round)
        case accepted(Hash256)
        case dropped(Hash256, reason: String)
        case round(height: Height, round: Round)
        case misbehaviour(PublicKey)
        case fork(height: Height, proof: Hash256)
        case damaged(StoreFailure.DamagedRecord)
    }

    /// Events kept.
    static let eventsMax = 4096

    private struct State {
        var events: [Event] = []
        var next: UInt64 = 1
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter: UInt64 = 0
        var failure: (any Error)?
    }

    private let state = Mutex(State())
    private let evidence: EvidenceDirectory?
    private let failed = AsyncStream.makeStream(of: (any Error).self, bufferingPolicy: .bufferingOldest(1))

    /// - Parameter evidence: where evidence is kept; `nil` keeps none.
    init(evidence: EvidenceDirectory?) { self.evidence = evidence }

    package convenience init() { self.init(evidence: nil) }

    /// Yields the first fault of this machine.
    var failures: AsyncStream<any Error> { failed.stream }

    func fail(_ error: any Error) {
        failed.continuation.yield(error)
    }

    func take(_ report: ReactorReport, logger: Logger, at clock: Timestamp) {
        switch report {
        case .final(let executed, let round):
            let block = executed.block
            logger.info(
                "block is final",
                metadata: [
                    "height": "\(block.header.height)", "kind": "\(block.header.kind)",
                    "hash": "\(block.hash)",
                    "transactions": "\(block.transactions.count)", "round": "\(round)",
                ])
            append([
                .block(
                    block.header, hash: block.hash, transactions: block.transactions.map(\.txid), round: round
                )
            ])
        case .accepted(let txids): append(txids.map { .accepted($0) })
        case .dropped(let txids, let reason):
            logger.info(
                "dropped waiting transactions", metadata: ["count": "\(txids.count)", "reason": "\(reason)"])
            append(txids.map { .dropped($0, reason: reason) })
        case .enteredRound(let height, let round):
            logger.info("entered a round", metadata: ["height": "\(height)", "round": "\(round)"])
            append([.round(height: height, round: round)])
        case .refusedValue(let hash, let rejection):
            logger.warning("refused a block", metadata: ["hash": "\(hash)", "reason": "\(rejection)"])
        case .misbehaviour(let found):
            logger.warning(
                "a member misbehaved",
                metadata: [
                    "member": "\(found.misbehaviour.member)", "kind": "\(found.misbehaviour.kind)",
                    "height": "\(found.misbehaviour.height)",
                ])
            evidence?.keep(found, logger: logger)
            append([.misbehaviour(found.misbehaviour.member)])
        case .clockOff(0):
            logger.notice("the clock of this machine agrees with the members' again")
        case .clockOff(let offset):
            logger.error(
                "the clock of this machine is off the members': until it is right, nothing is proposed",
                metadata: ["milliseconds": "\(-offset)"])
        case .diskRoom(isLow: true):
            logger.error("the disk is nearly full: until there is room, nothing is proposed")
        case .diskRoom(isLow: false):
            logger.notice("the disk has room again")
        case .fork(let proof):
            logger.critical(
                "a height was decided twice: this node votes no more and undoes nothing",
                metadata: [
                    "height": "\(proof.height)", "one": "\(proof.first.value)",
                    "other": "\(proof.second.value)",
                    "proof": "\(proof.name)",
                ])
            evidence?.keep(proof, logger: logger)
            append([.fork(height: proof.height, proof: proof.name)])
        case .recovered(let recovery):
            logger.notice(
                "recovered from a fork: the members to blame have left the set",
                metadata: [
                    "height": "\(recovery.vote.lastHeight)",
                    "members": "\(recovery.validators.members.count)",
                ])
        case .oldConflict(let height):
            logger.warning(
                "another history of a height long ago: nothing is done about it",
                metadata: ["height": "\(height)"])
        case .signingOpen:
            logger.info("signing is open: enough members told what they hold of this key")
        }
    }

    /// A record of the database was found damaged.
    func damaged(_ record: StoreFailure.DamagedRecord) {
        append([.damaged(record)])
    }

    private func append(_ contents: [Content]) {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            for content in contents {
                state.events.append(Event(sequence: state.next, content: content))
                state.next += 1
            }
            if state.events.count > 2 * EventLog.eventsMax {
                state.events.removeFirst(state.events.count - EventLog.eventsMax)
            }
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Events from a number on. `lagged` says that some between were already forgotten.
    package func events(from sequence: UInt64, max: Int) -> (events: [Event], next: UInt64, lagged: Bool) {
        state.withLock { state in
            let first = state.events.first?.sequence ?? state.next
            let wanted = state.events.drop { $0.sequence < sequence }.prefix(max)
            let next = wanted.last.map { $0.sequence + 1 } ?? state.next
            return (Array(wanted), next, sequence > 0 && sequence < first)
        }
    }

    /// Returns `true` after the next block from now on, `false` when cancelled before.
    func nextBlock() async -> Bool {
        var next = state.withLock { $0.next }
        while !Task.isCancelled {
            await wait(for: next)
            let new = events(from: next, max: EventLog.eventsMax)
            if new.lagged || new.events.contains(where: \.isBlock) { return true }
            next = new.next
        }
        return false
    }

    /// Returns when there is an event of this number or later, or when cancelled.
    func wait(for sequence: UInt64) async {
        let ticket = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if state.next > sequence || Task.isCancelled { return true }
                    state.waiters[ticket] = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: ticket) }?.resume()
        }
    }
}
