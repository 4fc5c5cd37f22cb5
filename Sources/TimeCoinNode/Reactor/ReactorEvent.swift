package import TimeCoinConsensus
package import TimeCoinCore

/// A peer, by the Ed25519 key of its TLS identity.
package typealias PeerKey = PublicKey

/// The instants of one moment on both clocks; they never mix.
package struct Moment: Sendable, Equatable {
    package let instant: Instant
    package let clock: Timestamp

    package init(instant: Instant, clock: Timestamp) {
        self.instant = instant
        self.clock = clock
    }
}

/// Everything that can happen to a node, after the signatures in it were checked.
package enum ReactorEvent: Sendable {
    /// Every so often, for what is not worth a timer of its own.
    case tick
    /// The wake-up that was asked for.
    case wake
    case timeout(Timeout, height: Height)
    case peerConnected(PeerKey)
    case peerGone(PeerKey)
    case status(NodeStatus, from: PeerKey)
    case proposal(VerifiedProposal, CompactBlock?, from: PeerKey)
    case vote(VerifiedVote)
    case certificate(VerifiedCertificate)
    case roundCertificate(VerifiedRoundCertificate)
    case value(CheckedBlock)
    case valueRequest(Hash256, from: PeerKey)
    case positionAnswer(member: PublicKey, highest: SignedPosition?)
    case clock(ClockAnswer)
    /// The disk has become nearly full, or has room again.
    case diskRoom(isLow: Bool)
    /// Certified blocks, in height order, as an answer to a request.
    case blocks(id: UInt64, items: [CertifiedBlock], from: PeerKey)
    /// Another commit certificate of a height that is final here.
    case conflict(ForkFinding, from: PeerKey?)
    /// A polka of the height of a known fork.
    case forkPolka(VerifiedCertificate)
    case admitted([Admission])
    /// The answer to `build`.
    case built(BlockAssembly, height: Height, round: Round)
    /// The answer to `judge`.
    case judged(Hash256, Result<ExecutedBlock, BlockRejection>)
    /// The answer to `connect`.
    case connected(BlockBatch)
    /// The answer to `commit`.
    case committed(BlockBatch)
    /// An own message, its signature durable.
    case signedVote(VerifiedVote)
    case signedProposal(VerifiedProposal)
}

extension ReactorEvent {
    /// Whether both are the same message of consensus.
    func says(sameAs other: ReactorEvent) -> Bool {
        switch (self, other) {
        case (.vote(let left), .vote(let right)): left == right
        case (.proposal(let left, _, _), .proposal(let right, _, _)): left == right
        case (.certificate(let left), .certificate(let right)): left == right
        case (.roundCertificate(let left), .roundCertificate(let right)): left == right
        default: false
        }
    }
}

/// A transaction whose scripts agreed, ready for the mempool of a node whose tip is still at that height.
package struct Admission: Sendable {
    let verified: VerifiedTransaction
    let proof: ScriptProof
    /// Height of the tip on which its inputs were found.
    let height: Height
    /// How long it has waited before. Unit: milliseconds.
    var age: UInt64 = 0
}

/// What the shell does for the reactor, in this order and one after the other.
enum ReactorEffect: Sendable {
    /// Append to the journal; not durable before the next `sign` or `commit`.
    case journal(JournalRecord, height: Height)
    /// Keep the content of a value in the journal: a locked value must outlive a crash of everybody.
    case journalValue([UInt8], height: Height)
    /// Make the journal durable, sign, make the signature durable; each comes back as an event.
    case sign([OwnMessage])
    case broadcast(WireMessage)
    case send(WireMessage, to: PeerKey)
    /// Transactions to pass on to everybody who has not sent them.
    case relay([CheckedTransaction])
    /// The set of consensus timers that shall now be armed.
    case timers([ArmedTimer])
    /// Send `wake` when the wall clock reaches this time; replaces the one before.
    case wake(Timestamp)
    case build(height: Height, round: Round)
    case judge(CheckedBlock)
    /// Judge certified blocks, each on the one before, to be written together.
    case connect(BlockBatch)
    /// Write blocks and their certificates in one transaction, durably, with the journal before them.
    case commit(BlockBatch)
    /// Stop signing, for this reason; only an operator starts it again.
    case stopSigning(String)
    /// Look whether the database is sound.
    case verifyDatabase
    case report(ReactorReport)
}

struct ArmedTimer: Hashable, Sendable {
    let timeout: Timeout
    let height: Height
    /// Of the time after the slot fell due: another timer than that of before.
    let isDue: Bool
    let milliseconds: UInt64
}

/// What people may want to know; the shell logs it and tells subscribers.
package enum ReactorReport: Sendable {
    case final(ExecutedBlock, round: Round)
    case accepted([Hash256])
    case dropped([Hash256], reason: String)
    case enteredRound(height: Height, round: Round)
    case refusedValue(Hash256, BlockRejection)
    case misbehaviour(Evidence)
    case signingOpen
    /// Milliseconds by which the members' clocks are ahead of the own one, when it is off by too much; 0 when
    /// it is no longer.
    case clockOff(Int64)
    /// The disk has become nearly full, or has room again.
    case diskRoom(isLow: Bool)
    /// A height was decided twice, or more is known about it.
    case fork(ForkProof)
    /// The members to blame have left the set.
    case recovered(VerifiedRecovery)
    /// Another history of a height so long ago that nothing is done about it.
    case oldConflict(height: Height)
}
