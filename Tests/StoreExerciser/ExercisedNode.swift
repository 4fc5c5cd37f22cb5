import Foundation
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinNode
import TimeCoinStore
import TimeCoinStoreConformance
import TimeCoinTesting

/// What of a node touches the disk, in the node's order: content and inputs into the journal, the journal
/// synced, the signature recorded and released, the block committed, and only then told.
final class ExercisedNode {
    /// A defect to be found: what is told and what is durable change places.
    enum Defect: String {
        case none
        case acknowledgeFirst = "acknowledge-first"
        case signWithoutRecord = "sign-without-record"
    }

    /// Where a fault met the node.
    enum Stage {
        case nothing
        case journal
        case signature(Vote)
        case commit(BlockCommit)
        case pruning
    }

    /// Small, so that segments begin and go often. Unit: bytes.
    private static let segmentBytes: UInt64 = 32 << 10
    private static let journalHeights: Height = 100
    static let instance: UInt64 = 7

    let chain: SeededChain
    let store: ChainStore
    let journal: StoredJournal
    private let record: StoredSignRecord
    private let signer: Signer
    private(set) var state: ChainState
    private var stage = Stage.nothing
    private let defect: Defect

    init(
        opening directory: String, seed: UInt64, defect: Defect = .none,
        options: StoreOptions = StoreOptions()
    ) throws {
        self.defect = defect
        chain = try SeededChain(seed: seed)
        var options = options
        options.instance = ExercisedNode.instance
        let sign = directory + "/sign"
        if try PosixFileSystem().names(in: sign)?.contains(where: { $0.hasPrefix("signed.v") }) != true {
            try SignRecordFile.create(in: sign, instance: ExercisedNode.instance)
        }
        store = try ChainStore(
            opening: directory + "/chain", chain: chain.chain.genesis.hash, options: options)
        if let bytes = try store.snapshot({ try $0.state() }) {
            state = try ChainState(decoding: bytes)
        } else {
            try store.commit([chain.genesis])
            state = chain.chain.genesis.state
        }
        journal = try StoredJournal(
            opening: directory + "/journal", options: ExercisedNode.journalOptions)
        record = try StoredSignRecord(opening: sign)
        let key = chain.chain.members[0]
        signer = Signer(key: key.publicKey, chain: chain.chain.genesis.hash, record: record) { key.sign($0) }
    }

    private static var journalOptions: AppendOnlyFile.Options {
        var options = AppendOnlyFile.Options()
        options.segmentBytes = segmentBytes
        return options
    }

    var signedLast: SignerPosition? { record.positions.last }

    /// Decides and writes the next block.
    ///
    /// - Parameter life: counts the starts; what is voted for differs between them, as it may in a node.
    func advance(life: UInt64) throws {
        // What cannot be read has no part in what is kept: it may be tried again.
        stage = .nothing
        let (commit, next) = try store.snapshot { try chain.next(on: state, $0) }
        for case .value(let bytes) in try journal.entries(of: commit.height) where bytes != commit.block {
            throw StoreFailure(.corrupt, "the journal holds another block of height \(commit.height)")
        }
        stage = .journal
        try journal.append(.value(commit.block), height: commit.height)
        for type in VoteType.allCases {
            var random = SeededGenerator(seed: life, part: 2 * commit.height + UInt64(type.rawValue))
            let value = Bool.random(using: &random) ? commit.hash : nil
            try vote(Vote(type: type, height: commit.height, round: 0, value: value))
            try hear(Vote(type: type, height: commit.height, round: 0, value: commit.hash))
        }
        stage = .journal
        try journal.sync()
        if defect == .acknowledgeFirst { tell(committed: commit, next) }
        stage = .commit(commit)
        try store.commit([commit])
        state = next
        if defect != .acknowledgeFirst { tell(committed: commit, next) }
        stage = .journal
        if commit.height.isMultiple(of: 50), commit.height > ExercisedNode.journalHeights {
            try journal.prune(below: commit.height - ExercisedNode.journalHeights)
        }
    }

    /// Takes away the blocks that are so much older than the tip.
    func prune(keeping count: UInt64) throws -> PruneReport {
        stage = .pruning
        return try store.prune(blocksBelow: state.height - min(state.height, count))
    }

    private func tell(committed commit: BlockCommit, _ state: ChainState) {
        Report.line("committed \(commit.height) \(commit.hash) \(state.roots.root)")
    }

    /// Signs, tells, and takes the own vote in like everybody's.
    func vote(_ vote: Vote) throws {
        stage = .journal
        try journal.sync()
        stage = .signature(vote)
        let name = "\(vote.height)/\(vote.round)/\(vote.type)"
        if defect == .signWithoutRecord {
            let key = chain.chain.members[0]
            Report.line("signed \(name) \(key.sign(vote.signedBytes(chain: chain.chain.genesis.hash)))")
        }
        guard let signature = try signer.sign(.vote(vote)) else { return Report.line("refused \(name)") }
        if defect != .signWithoutRecord { Report.line("signed \(name) \(signature)") }
        stage = .journal
        let signed = SignedVote(vote: vote, member: signer.key, signature: signature)
        try journal.append(.record(.vote(signed)), height: vote.height)
    }

    /// Takes in what the others vote for, which waits for the next sync.
    private func hear(_ vote: Vote) throws {
        stage = .journal
        for member in chain.chain.members.dropFirst() {
            let signature = member.sign(vote.signedBytes(chain: chain.chain.genesis.hash))
            let signed = SignedVote(vote: vote, member: member.publicKey, signature: signature)
            try journal.append(.record(.vote(signed)), height: vote.height)
        }
    }

    /// Tries again what has failed.
    ///
    /// - Returns: whether it was done, which must not be.
    func repeatsAfterFault() -> Bool {
        do {
            switch stage {
            case .nothing: return false
            case .journal:
                try journal.append(.record(.start), height: state.height + 2)
                try journal.sync()
            case .signature(let vote):
                let later = Vote(type: .precommit, height: vote.height + 1, round: 9, value: nil)
                guard try signer.sign(.vote(later)) != nil else { return false }
            case .commit(let commit): try store.commit([commit])
            case .pruning: try store.commit([])
            }
            return true
        } catch {
            return false
        }
    }
}

/// Lines for whoever runs this, each in one system call and none kept back. Over a socket, so that faults
/// injected into writes are of files alone.
enum Report {
    static func line(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        if send(1, bytes, bytes.count, Int32(MSG_NOSIGNAL)) < 0, errno == ENOTSOCK {
            _ = write(1, bytes, bytes.count)
        }
    }
}
