import Logging
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinNode
import TimeCoinStore

/// A whole node: the product's reactor in the product's shell, over simulated files, clocks and peers.
final class NodeHost: SimulatedHost {
    private let world: SimulationWorld
    private let nodes: NodeChain
    private let seat: Seat
    private let own: PublicKey
    private let outbox: Outbox
    private let moment: MomentBox
    private let signedLog = SignedLog()
    private let signer: Signer
    private let store: SimulatedStore
    private let verifier: BlockVerifier
    private let resolver: TransactionResolver
    private let events = EventLog()
    private var nextEvent: UInt64 = 1
    private var lastTold: Height
    private var shell: NodeShell
    private(set) var tip: Height
    private var peers: Set<Int> = []

    private static let logger = Logger(label: "simulator") { _ in SwiftLogNoOpLogHandler() }

    /// Starts from the disk, as the program does.
    init(_ world: SimulationWorld, _ nodes: NodeChain, _ seat: Seat, _ memory: MemoryChainStore) throws {
        self.world = world
        self.nodes = nodes
        self.seat = seat
        own = world.keys.keys[seat.number]
        store = SimulatedStore(memory, seat.disk)
        let state =
            try store.snapshot { try $0.state() }.map { try ChainState(decoding: $0) }
            ?? nodes.genesis.state
        tip = state.height
        lastTold = tip
        let journal = try SimulatedFiles.journal(on: seat.disk)
        let (keys, number, log) = (world.keys, seat.number, signedLog)
        signer = Signer(
            key: own, chain: state.votingChain,
            record: try StoredSignRecord(opening: SimulatedFiles.record, files: seat.disk)
        ) { bytes in
            log.add(bytes)
            return keys.sign(bytes, by: number)
        }
        let moment = MomentBox(
            Moment(instant: seat.clock.instant(at: world.now), clock: seat.clock.wall(at: world.now)))
        self.moment = moment
        let entries = try journal.entries(of: state.height + 1)
        let signsAbove = max(
            journal.damagedUpTo ?? 0,
            NodeRecovery.lostHeight(entries, signer.signedAtStart.last, above: state.height) ?? 0)
        let secret = SimulatedValue.make(
            by: number, at: moment.value.clock, isValid: true, salt: world.values.next())
        var reactor = Reactor(
            state: state, own: own, signed: signer.signedAtStart, secret: secret,
            settings: Reactor.Settings(), signsAbove: signsAbove, at: moment.value.instant)
        reactor.replay(entries, check: keys.check)
        outbox = Outbox(seat.disk, own: own)
        verifier = BlockVerifier(store: store, chain: state.chain, proofs: nodes.proofs)
        resolver = TransactionResolver(store: store, faults: FaultReport(events))
        shell = NodeShell(
            reactor: reactor,
            parts: NodeShell.Parts(
                store: store, journal: journal, submissions: nil, signer: signer, peers: outbox,
                events: events, view: PublishedView(state: state), clock: NodeClock { moment.value },
                logger: NodeHost.logger, check: keys.check))
        // A block may have become durable with the last breath of the process before.
        if tip > seat.judged { observeBlocks() }
        judgeRecovery(entries, signsAbove)
    }

    private func judgeRecovery(_ entries: [JournalEntry], _ signsAbove: Height) {
        var machine = freshMachine()
        var said: Set<OwnMessage> = []
        for case .record(let record) in entries {
            let input = record.input(
                validators: machine.validators, chain: machine.chain, check: world.keys.check)
            if let input { said.formUnion(machine.handle(input).toSign) }
        }
        if machine != shell.reactor.machine {
            world.monitor.fail(.recovery, "member \(seat.number) replays its journal to another state")
        }
        world.judgeRecovery(of: seat, machine, said: said, signsAbove: signsAbove)
    }

    var machine: ConsensusMachine { shell.reactor.machine }
    var round: Round { shell.reactor.machine.round }
    var isMute: Bool { shell.reactor.signingStopped != nil }
    var hasFault: Bool { shell.fault != nil }
    var footprint: Int { shell.reactor.footprint }
    var nextDeadline: Instant? { shell.nextDeadline }

    func freshMachine() -> ConsensusMachine {
        ConsensusMachine(on: shell.reactor.state, own: own)
    }

    // MARK: - Events

    /// Lets the shell do something at the present moment, then looks at what it has done.
    private func act(_ body: (inout NodeShell) -> Void) {
        moment.set(Moment(instant: seat.clock.instant(at: world.now), clock: seat.clock.wall(at: world.now)))
        body(&shell)
        if shell.reactor.state.height != tip { observeBlocks() }
        for bytes in signedLog.take() { observe(signed: bytes) }
        for letter in outbox.take() { post(letter) }
        for job in shell.takeJobs() {
            world.schedule(.core(job), of: seat.number, after: 1 + world.values.below(8))
        }
    }

    func resume() { act { $0.resume() } }

    func connected(_ peer: Int) {
        peers.insert(peer)
        act { $0.deliver(.peerConnected(world.keys.keys[peer])) }
    }

    func gone(_ peer: Int) {
        guard peers.remove(peer) != nil else { return }
        act { $0.deliver(.peerGone(world.keys.keys[peer])) }
    }

    func pulse() {
        act { $0.pulse() }
        let (fresh, next, _) = events.events(from: nextEvent, max: 1000)
        nextEvent = next
        for event in fresh {
            switch event.content {
            case .misbehaviour(let key):
                world.monitor.blamed(world.validators.index(of: key), by: seat.number)
            case .block(let header, _, _, _): told(final: header.height)
            default: break
            }
        }
    }

    func finish(_ job: SimulatedJob) {
        guard case .core(let core) = job else { return }
        do {
            switch core {
            case .build(let parent, let time, let candidates, let round):
                let assembly = try verifier.build(
                    on: parent, at: time, proposer: own, candidates: candidates)
                act { $0.deliver(.built(assembly, height: parent.height + 1, round: round)) }
            case .judge(let block, let parent):
                let result = try verifier.judgeInTurn(block, on: parent)
                act { $0.deliver(.judged(block.hash, result)) }
            case .connect(var batch):
                try batch.judgeInTurn(verifier)
                act { $0.deliver(.connected(batch)) }
            }
        } catch {
            world.monitor.fail(.fault, "member \(seat.number): \(error)")
        }
    }

    func submit(_ payment: CheckedTransaction) {
        take([payment], from: own)
    }

    /// A block on the own tip, for a member gone bad.
    func assemble(by proposer: PublicKey, at clock: Timestamp, isEmpty: Bool) -> CheckedBlock? {
        let state = shell.reactor.state
        let candidates = isEmpty ? [] : shell.reactor.mempool.candidates()
        let assembly = try? verifier.build(
            on: state, at: state.nextBlockTime(at: clock), proposer: proposer, candidates: candidates)
        return assembly?.block?.block
    }

    // MARK: - What was done

    private func post(_ letter: Outbox.Letter) {
        let targets = letter.peer.map { key in world.keys.keys.indices.filter { world.keys.keys[$0] == key } }
        for peer in targets ?? peers.sorted() where peers.contains(peer) {
            world.post(letter.message, from: seat.number, to: peer)
        }
        if let files = letter.files { world.inspect(letter.message, of: seat, on: files, freshMachine()) }
    }

    private func observe(signed bytes: [UInt8]) {
        let body = Array(bytes.dropFirst(HashDomain.vote.bytes.count + Hash256.byteCount))
        let domain = Array(bytes.prefix(HashDomain.vote.bytes.count))
        if domain == HashDomain.vote.bytes {
            let vote = try? ByteReader.decode(body) { reader throws(DecodingFailure) in
                try Vote(from: &reader)
            }
            if let vote { world.monitor.signed(.vote(vote), by: seat.number) }
        } else if domain == HashDomain.proposal.bytes {
            let proposal = try? ByteReader.decode(body) { reader throws(DecodingFailure) in
                try Proposal(from: &reader)
            }
            if let proposal { world.monitor.signed(.proposal(proposal), by: seat.number) }
        }
    }

    /// Blocks are told in order, each once, and only what the store holds.
    private func told(final height: Height) {
        let stored = (try? store.snapshot { try $0.tip() })?.height ?? 0
        if height != lastTold + 1 || height > stored {
            world.monitor.fail(
                .state,
                "member \(seat.number) tells that \(height) is final after \(lastTold), and stores \(stored)")
        }
        lastTold = height
    }

    private func observeBlocks() {
        let state = shell.reactor.state
        let blocks = try? store.snapshot {
            try $0.blocks(from: seat.judged + 1, countMax: 64, bytesMax: WireMessage.blocksBytesMax)
        }
        for stored in blocks ?? [] {
            guard let certificate = try? Certificate(decoding: stored.certificate) else {
                world.monitor.fail(.certificate, "member \(seat.number) stored no certificate")
                continue
            }
            world.monitor.decided(
                certificate.value, certificate, at: stored.height, by: seat.number, isValid: true,
                chain: world.chainHash, check: world.keys.check)
            let isTip = stored.height == state.height
            let failure =
                isTip ? nodes.committed(stored.block, state) : nodes.passed(stored.block, at: stored.height)
            if let failure {
                world.monitor.fail(failure.law, "member \(seat.number): \(failure.message)")
            }
            if isTip { world.monitor.setSeed(state.seed, of: state.height + 1) }
        }
        let count = state.height - min(seat.judged, state.height)
        if count > 1 { world.counts[.writtenTogether] += count }
        if count > PendingChain.blocksMax {
            world.monitor.fail(.state, "member \(seat.number) made \(count) blocks final at once")
        }
        tip = state.height
        seat.judged = tip
        world.forgetOldHeights()
    }

    // MARK: - Messages

    /// As the program does with what peers send: decoded and verified before it reaches the reactor.
    func receive(_ message: WireMessage, from number: Int) {
        let peer = world.keys.keys[number]
        switch message {
        case .status(let status): act { $0.deliver(.status(status, from: peer)) }
        case .proposal, .vote, .certificate, .roundCertificate: takeConsensus(message, from: number)
        case .valueRequest(let hash): act { $0.deliver(.valueRequest(hash, from: peer)) }
        case .value(let bytes):
            if let block = try? CheckedBlock(decoding: bytes) { act { $0.deliver(.value(block)) } }
        case .positionQuery(let key, let nonce):
            let highest = shell.reactor.positions[key]
            world.send(
                .positionAnswer(signer.answer(about: key, nonce: nonce, highest: highest)),
                from: seat.number, to: number)
        case .positionAnswer(let answer): take(answer)
        case .clockQuery(let nonce):
            world.send(
                .clockAnswer(signer.answer(nonce: nonce, clock: seat.clock.wall(at: world.now))),
                from: seat.number, to: number)
        case .clockAnswer(let answer):
            guard
                answer.verifies(validators: world.validators, chain: world.chainHash, check: world.keys.check)
            else { return }
            act { $0.deliver(.clock(answer)) }
        case .transactions(let items):
            take(items.compactMap { try? CheckedTransaction(decoding: $0) }, from: peer)
        case .blockRequest(let id, let start, let count):
            answer(id: id, start: start, count: count, to: number)
        case .blocks(let id, _, let items): take(items, id: id, from: number)
        }
    }

    private func takeConsensus(_ message: WireMessage, from number: Int) {
        let height = shell.reactor.state.height + 1
        guard let other = message.votedHeight, other == height || other == height + 1 else { return }
        let event = ReactorEvent(
            verifying: message, from: world.keys.keys[number], validators: world.validators,
            chain: world.chainHash, check: world.keys.check)
        guard let event else { return world.refused(message, from: number, by: seat.number) }
        act { $0.deliver(event) }
    }

    private func take(_ answer: PositionAnswer) {
        let reactor = shell.reactor
        guard let key = reactor.own,
            answer.verifies(
                key: key, nonce: reactor.nonce, validators: world.validators, chain: world.chainHash,
                check: world.keys.check)
        else { return }
        world.counts[.signerQuestion] += 1
        act { $0.deliver(.positionAnswer(member: answer.member, highest: answer.highest)) }
    }

    private func take(_ items: [CheckedTransaction], from peer: PeerKey) {
        act { shell in
            let fresh = shell.received(items, from: peer)
            let admissions = zip(fresh.views, resolver.spendable(fresh.views)).compactMap {
                view, spendable -> Admission? in
                guard let spendable = try? spendable.get(),
                    let proof = try? nodes.proofs.verify(spendable, chain: world.chainHash)
                else { return nil }
                return try? Admission(spendable, proof: proof, height: view.1.height)
            }
            shell.admit(admissions, finishing: fresh.transactions)
        }
    }

    private func answer(id: UInt64, start: Height, count: UInt32, to number: Int) {
        let stored = try? store.snapshot {
            try $0.blocks(
                from: start, countMax: min(Int(count), WireMessage.blocksMax),
                bytesMax: WireMessage.blocksBytesMax)
        }
        let items = (stored ?? []).map {
            EncodedCertifiedBlock(block: $0.block, certificate: $0.certificate).encoded
        }
        world.send(.blocks(id: id, start: start, items: items), from: seat.number, to: number)
    }

    private func take(_ items: [[UInt8]], id: UInt64, from number: Int) {
        let peer = world.keys.keys[number]
        guard shell.reactor.expectsBlocks(id, from: peer) else { return }
        var blocks: [CertifiedBlock] = []
        for item in items {
            guard let encoded = try? EncodedCertifiedBlock(decoding: item),
                let block = try? CertifiedBlock(
                    decoding: encoded.block, certificate: encoded.certificate,
                    validators: world.validators, chain: world.chainHash, check: world.keys.check)
            else {
                if world.plan.habits[number] == nil {
                    world.monitor.fail(.penalty, "member \(number) sent a block that does not hold")
                }
                break
            }
            blocks.append(block)
        }
        world.counts[.caughtUp] += UInt64(blocks.count)
        act { $0.deliver(.blocks(id: id, items: blocks, from: peer)) }
    }
}
