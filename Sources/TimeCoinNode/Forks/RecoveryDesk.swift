import Foundation
import TimeCoinConsensus
public import TimeCoinCore
import TimeCoinStore

/// What an operator does after a fork, on a stopped node: look at the proof, sign one branch, put votes
/// together, and follow what came of it. Nothing here happens by itself.
public struct RecoveryDesk {
    /// Why a step is not taken.
    public struct Refusal: Error, CustomStringConvertible {
        public let description: String
    }

    /// What following a recovery changed here.
    public struct Followed: Sendable {
        /// Blocks taken back.
        public let undone: UInt64
        public let tip: Height
        /// Heights up to which the branch is still to be fetched from peers.
        public let last: Height
    }

    private let directory: NodeDirectory
    private let genesis: Genesis
    private let recoveries: [VerifiedRecovery]

    /// - Throws: faults of the directory's files.
    public init(_ directory: NodeDirectory) throws {
        try self.init(directory, genesis: try GenesisDocument(reading: directory.genesis).genesis())
    }

    init(_ directory: NodeDirectory, genesis: Genesis) throws {
        self.directory = directory
        self.genesis = genesis
        recoveries = try RecoveryDirectory(directory).recoveries(genesis: genesis.state)
    }

    /// What signs at the tip.
    public var anchor: TrustAnchor { RecoveryDirectory.anchor(genesis: genesis.state, recoveries) }

    /// Verifies a fork's proof against the chain and set of this node.
    public func verify(_ proof: ForkProof) throws(ForkProofRejection) -> ProvenFork {
        try proof.verify(against: anchor)
    }

    public func verify(_ certificate: RecoveryCertificate) throws(RecoveryRejection) -> VerifiedRecovery {
        try certificate.verify(against: anchor)
    }

    /// One that is made by this has the number of the signer's record, so that the node may sign on it.
    private func openStore() throws -> ChainStore {
        try ChainStore(
            opening: directory.chain, chain: genesis.hash, options: InstanceNumber.storeOptions(directory))
    }

    /// The terms for a branch: its last block is the named one, else this node's tip where it is on the
    /// branch, else the block of the fork itself.
    public func terms(
        _ fork: ProvenFork, branch: Hash256, last: (height: Height, hash: Hash256)?
    ) throws -> RecoveryVote {
        guard fork.isComplete else {
            throw Refusal(
                description: "the proof does not blame more than a third: wanted are the polkas of "
                    + fork.wanted.map { "round \($0.round) for \($0.value)" }.joined(separator: ", "))
        }
        let store = try openStore()
        let end = try store.snapshot { reader -> (height: Height, hash: Hash256) in
            guard try reader.hash(at: fork.height) == branch, let tip = try reader.tip() else {
                return last ?? (fork.height, branch)
            }
            guard let last else { return (tip.height, tip.hash) }
            guard try reader.hash(at: last.height) == last.hash else {
                throw Refusal(description: "block \(last.height) of this node is not \(last.hash)")
            }
            return last
        }
        try checkAge(of: fork, in: store)
        guard
            let vote = RecoveryVote(fork, branch: branch, lastHeight: end.height, lastHash: end.hash)
        else {
            throw Refusal(
                description: "\(branch) is no branch of this fork, or its last block is more than "
                    + "\(RecoveryVote.depthMax) above the fork")
        }
        return vote
    }

    /// Signs for this node's member, once a fork height: the record is durable before the signature leaves.
    /// From then on the node votes no more until it follows a recovery, since the old votes end there.
    public func sign(
        _ vote: RecoveryVote, _ fork: ProvenFork, passphrase: [UInt8]
    ) throws -> SignedRecoveryVote {
        let key = try NodeSetup.key(directory.operatorKey, "operator", passphrase)
        guard fork.remaining?.index(of: key.publicKey) != nil else {
            throw Refusal(description: "\(key.publicKey) is not of the members that remain")
        }
        let path = directory.path(\.signRecord, after: recoveries.last?.votingChain)
        let record = try StoredSignRecord(opening: path)
        let store = try openStore()
        if let strange = InstanceNumber.refusal(
            record: record.instance, at: path, database: store.instance, in: directory.chain)
        {
            throw Refusal(description: strange)
        }
        let bytes = vote.signedBytes(chain: fork.anchor.chain)
        let position = SignerPosition(vote)
        switch record.positions.answer(position, bytes: bytes) {
        case .refuse:
            throw Refusal(
                description: "this member has signed another recovery vote for height \(vote.height) already")
        case .reuse(let signature):
            return SignedRecoveryVote(vote: vote, member: key.publicKey, signature: signature)
        case .sign:
            try RecoveryDirectory(directory).mark(fork.proof)
            let signature = key.sign(bytes)
            try record.append(SignerRecord(position: position, bytes: bytes, signature: signature))
            return SignedRecoveryVote(vote: vote, member: key.publicKey, signature: signature)
        }
    }

    /// Follows a recovery: takes back what is not on the branch, and from now on keeps to it.
    ///
    /// Of a database that goes on from it already nothing is taken back. Where there is none, none is made.
    ///
    /// - Parameter checkpoint: a height at or below which nothing may be taken back.
    /// - Throws: ``Refusal`` with nothing changed; faults of the disk, after which it can be repeated.
    public func follow(_ recovery: VerifiedRecovery, checkpoint: Height = 0) throws -> Followed {
        let vote = recovery.vote
        guard vote.height > 0 else {
            throw Refusal(description: "the genesis block is never taken back")
        }
        guard recoveries.count < RecoveryDirectory.recoveriesMax else {
            throw Refusal(
                description: "\(recoveries.count) recoveries are followed already, as many as there may be")
        }
        let store = NodeDatabase.exists(directory.chain) ? try openStore() : nil
        let (tip, keeps) = try store.map { try bounds(of: recovery, in: $0) } ?? (0, 0)
        guard tip - keeps <= RecoveryVote.depthMax else {
            throw Refusal(
                description: "\(tip - keeps) blocks would be taken back, at most \(RecoveryVote.depthMax)")
        }
        guard tip == keeps || keeps >= checkpoint else {
            throw Refusal(description: "the block at the checkpoint \(checkpoint) would be taken back")
        }
        for _ in 0..<(tip - keeps) { try store?.rollbackTip() }
        let path = directory.path(\.signRecord, after: recovery.votingChain)
        if !FileManager.default.fileExists(atPath: path),
            let instance = try SignRecordFile.instance(
                in: directory.path(\.signRecord, after: recoveries.last?.votingChain))
        {
            // Nothing was ever signed after this recovery: it did not exist. Whether the signer belongs to
            // this database does not change by it, so the number is that of the record before.
            try StoredSignRecord.create(at: path, instance: instance)
        }
        try RecoveryDirectory(directory).keep(recovery)
        return Followed(undone: tip - keeps, tip: keeps, last: vote.lastHeight)
    }

    /// The tip, and the height above which everything is taken back.
    private func bounds(
        of recovery: VerifiedRecovery, in store: ChainStore
    ) throws -> (tip: Height, keeps: Height) {
        let vote = recovery.vote
        let state = try store.snapshot { try $0.state() }.map { try ChainState(decoding: $0) }
        if let state, state.recovery == recovery.votingChain { return (state.height, state.height) }
        try checkAge(of: recovery.fork, in: store)
        return try store.snapshot { reader in
            guard let tip = try reader.tip() else { return (0, 0) }
            guard tip.height >= vote.height else { return (tip.height, tip.height) }
            guard try reader.hash(at: vote.height) == vote.branch else {
                return (tip.height, vote.height - 1)
            }
            guard tip.height >= vote.lastHeight else { return (tip.height, tip.height) }
            guard try reader.hash(at: vote.lastHeight) == vote.lastHash else {
                throw Refusal(
                    description: "block \(vote.lastHeight) of this node is not \(vote.lastHash): it is on "
                        + "the branch, and left it later")
            }
            return (tip.height, vote.lastHeight)
        }
    }

    private func checkAge(of fork: ProvenFork, in store: ChainStore) throws {
        let times = try store.snapshot { reader -> (tip: UInt64, fork: UInt64)? in
            guard let tip = try reader.tip(), let last = try reader.header(at: tip.height),
                let header = try reader.header(at: fork.height)
            else { return nil }
            return (last.time.milliseconds, header.time.milliseconds)
        }
        guard let times, times.tip - min(times.tip, times.fork) > Reactor.evidencePeriod else { return }
        throw Refusal(description: "the fork is older than the evidence period")
    }
}
