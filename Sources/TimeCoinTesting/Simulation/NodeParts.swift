import Synchronization
import TimeCoinCore
import TimeCoinNode
import TimeCoinStore

/// The chain in memory, behind a disk that may fail or die at a commit.
final class SimulatedStore: ChainStoring {
    private let memory: MemoryChainStore
    private let disk: SimulatedDisk

    init(_ memory: MemoryChainStore, _ disk: SimulatedDisk) {
        self.memory = memory
        self.disk = disk
    }

    var instance: UInt64 { memory.instance }

    func snapshot<Result>(_ body: (any ChainReading) throws -> Result) throws -> Result {
        try memory.snapshot(body)
    }

    func commit(_ blocks: [BlockCommit]) throws(StoreFailure) {
        try disk.transact { () throws(StoreFailure) in try memory.commit(blocks) }
    }

    @discardableResult
    func rollbackTip() throws(StoreFailure) -> ChainTip { try memory.rollbackTip() }
}

/// What a shell lets go, until the world has seen it.
final class Outbox: PeerSending {
    struct Letter: Sendable {
        let message: WireMessage
        /// `nil` for everybody.
        let peer: PeerKey?
        /// Some letters have with them what was durable when they were written.
        let files: SimulatedDisk?
    }

    private struct State {
        var letters: [Letter] = []
        var written = 0
    }

    private let state = Mutex(State())
    private let disk: SimulatedDisk
    private let own: PublicKey
    /// One own message of how many has its files kept.
    private static let samplesEvery = 64

    init(_ disk: SimulatedDisk, own: PublicKey) {
        self.disk = disk
        self.own = own
    }

    func send(_ message: WireMessage, to peer: PeerKey) -> Bool {
        write(message, to: peer)
        return true
    }

    func broadcast(_ message: WireMessage, except: PeerKey?) {
        write(message, to: nil)
    }

    private func write(_ message: WireMessage, to peer: PeerKey?) {
        // A process may die at every message.
        guard disk.survives() else { return }
        state.withLock { state in
            var files: SimulatedDisk?
            if isOwn(message) {
                state.written += 1
                if state.written % Outbox.samplesEvery == 0 { files = disk.durableCopy() }
            }
            state.letters.append(Letter(message: message, peer: peer, files: files))
        }
    }

    private func isOwn(_ message: WireMessage) -> Bool {
        switch message {
        case .vote(let signed): signed.member == own
        case .proposal(let signed, _): signed.proposer == own
        default: false
        }
    }

    func take() -> [Letter] {
        state.withLock { state in
            defer { state.letters = [] }
            return state.letters
        }
    }
}

/// The moment in which a simulated node lives.
final class MomentBox: Sendable {
    private let moment: Mutex<Moment>

    init(_ moment: Moment) {
        self.moment = Mutex(moment)
    }

    var value: Moment { moment.withLock { $0 } }

    func set(_ moment: Moment) {
        self.moment.withLock { $0 = moment }
    }
}

/// What a signer has signed, in order, until the monitor has judged it.
final class SignedLog: Sendable {
    private let messages = Mutex<[[UInt8]]>([])

    func add(_ bytes: [UInt8]) {
        messages.withLock { $0.append(bytes) }
    }

    func take() -> [[UInt8]] {
        messages.withLock { messages in
            defer { messages = [] }
            return messages
        }
    }
}
