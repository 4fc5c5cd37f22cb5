import Logging
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinNode
import TimeCoinStore

/// A process of a whole node in a scenario: the shipping reactor in the shipping shell, started from the
/// files as the program does.
struct ScenarioHost {
    var shell: NodeShell
    let outbox: Outbox
    let store: SimulatedStore
    let verifier: BlockVerifier
    private let events = EventLog()
    private var nextEvent: UInt64 = 1

    private static let logger = Logger(label: "scenario") { _ in SwiftLogNoOpLogHandler() }
    /// Events looked at in one turn at most.
    private static let eventsMax = 1000

    /// What lasts longer than a process.
    struct Machine {
        let key: SigningKey
        let disk: SimulatedDisk
        let memory: MemoryChainStore
        let moment: MomentBox
        let writes = ScenarioWrites()
        var processes: UInt64 = 0
    }

    init(_ chain: ScenarioChain, on machine: Machine) throws {
        store = SimulatedStore(machine.memory, machine.disk)
        let state =
            try store.snapshot { try $0.state() }.map { try ChainState(decoding: $0) } ?? chain.genesis.state
        let journal = try SimulatedFiles.journal(on: machine.disk)
        let (key, moment, writes) = (machine.key, machine.moment, machine.writes)
        let signer = Signer(
            key: key.publicKey, chain: state.votingChain,
            record: ScenarioSignRecord(
                try StoredSignRecord(opening: SimulatedFiles.record, files: machine.disk), writes)
        ) { key.sign($0) }
        let entries = try journal.entries(of: state.height + 1)
        let signsAbove = max(
            journal.damagedUpTo ?? 0,
            NodeRecovery.lostHeight(entries, signer.signedAtStart.last, above: state.height) ?? 0)
        var secret = ByteWriter(reserving: 8)
        secret.write(machine.processes)
        var reactor = Reactor(
            state: state, own: key.publicKey, signed: signer.signedAtStart,
            secret: Blake2b.hash256(.position, secret.bytes), settings: Reactor.Settings(),
            signsAbove: signsAbove, at: moment.value.instant)
        // What a chain has no parameter for.
        var parameters = ConsensusParameters(state.parameters)
        parameters.earlyEnd = chain.world.setting.earlyEnd
        reactor.machine = ConsensusMachine(
            height: state.height + 1, validators: state.validators, seed: state.seed,
            chain: state.votingChain, own: key.publicKey, parameters: parameters)
        reactor.replay(entries)
        outbox = Outbox(machine.disk, own: key.publicKey)
        verifier = BlockVerifier(store: store, chain: state.chain)
        shell = NodeShell(
            reactor: reactor,
            parts: NodeShell.Parts(
                store: store, journal: ScenarioJournal(journal, writes), submissions: nil, signer: signer,
                peers: outbox, events: events, view: PublishedView(state: state),
                clock: NodeClock { moment.value }, logger: ScenarioHost.logger))
    }

    /// What was told to those who follow the node, since the last call.
    mutating func takeEvents() -> [EventLog.Content] {
        let (fresh, next, _) = events.events(from: nextEvent, max: ScenarioHost.eventsMax)
        nextEvent = next
        return fresh.map(\.content)
    }

    /// The certificate of the block at a height, as others can ask for it.
    func storedCertificate(at height: Height) -> Certificate? {
        let stored = try? store.snapshot {
            try $0.blocks(from: height, countMax: 1, bytesMax: WireMessage.blocksBytesMax)
        }
        return stored?.first.flatMap { try? Certificate(decoding: $0.certificate) }
    }
}
