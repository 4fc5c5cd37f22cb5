import TimeCoinConsensus
import TimeCoinCore
import TimeCoinNode

/// What members let go, seen on its way.
extension SimulationWorld {
    /// One message of how many has the files of its sender looked into.
    private static let samplesEvery = 80

    func send(_ message: WireMessage, from: Int, to: Int) {
        send(Parcel(message, from: from), to: to)
    }

    func broadcast(_ message: WireMessage, from: Int) {
        let parcel = Parcel(message, from: from)
        for seat in seats where seat.number != from { send(parcel, to: seat.number) }
    }

    private func send(_ parcel: Parcel, to: Int) {
        guard to != parcel.from, seats[parcel.from].disk.survives() else { return }
        if !parcel.isObserved {
            parcel.isObserved = true
            observe(parcel)
        }
        route(parcel, to: to, at: now)
    }

    /// A member gone bad sends, perhaps late.
    func sendBadly(_ message: WireMessage, from: Int, to: Int, after delay: UInt64 = 0) {
        let parcel = Parcel(message, from: from)
        if let own = parcel.ownMessage(of: keys.keys[from])?.message {
            monitor.signed(own, by: from)
            monitor.sent(own, by: from)
        }
        route(parcel, to: to, at: now + delay)
    }

    /// A letter of a node whose effects were counted when it was written.
    func post(_ message: WireMessage, from: Int, to: Int) {
        let parcel = Parcel(message, from: from)
        if let own = parcel.ownMessage(of: keys.keys[from])?.message { monitor.sent(own, by: from) }
        route(parcel, to: to, at: now)
    }

    func inspect(_ message: WireMessage, of seat: Seat, on disk: SimulatedDisk, _ fresh: ConsensusMachine) {
        let own = Parcel(message, from: seat.number).ownMessage(of: keys.keys[seat.number])
        guard let (own, signature) = own else { return }
        inspect(own, signature, of: seat, on: disk, fresh)
    }

    private func route(_ parcel: Parcel, to: Int, at time: UInt64) {
        let (first, second) = network.arrivals(from: parcel.from, to: to, at: time)
        if let first { queue.push(.deliver(parcel, to: to), at: first) }
        if let second { queue.push(.deliver(parcel, to: to), at: second) }
    }

    private func observe(_ parcel: Parcel) {
        let from = parcel.from
        guard let (own, signature) = parcel.ownMessage(of: keys.keys[from]) else { return }
        monitor.sent(own, by: from)
        guard samples.below(SimulationWorld.samplesEvery) == 0, let host = seats[from].host as? ConsensusHost
        else { return }
        let seat = seats[from]
        inspect(
            own, signature, of: seat, on: seat.disk.durableCopy(), freshMachine(seat, host.machine.height))
    }

    /// Whether what a loss of power would surely leave holds the signature, and the reasons for the message.
    private func inspect(
        _ message: OwnMessage, _ signature: Signature, of seat: Seat, on disk: SimulatedDisk,
        _ fresh: ConsensusMachine
    ) {
        let positions = (try? StoredSignRecord(opening: SimulatedFiles.record, files: disk))?.positions
        // What was signed at a height that is over is not kept in memory.
        if let last = positions?.last, last.height > message.height { return }
        guard
            positions?.answer(SignerPosition(message), bytes: message.signedBytes(chain: chainHash))
                == .reuse(signature)
        else {
            return monitor.fail(
                .persistence, "member \(seat.number) sent before its signature was durable: \(message)")
        }
        guard message.height == fresh.height else { return }
        let emitted = try? SimulatedFiles.journal(on: disk).entries(of: message.height).reduce(
            into: (machine: fresh, said: Set<OwnMessage>())
        ) { state, entry in
            guard case .record(let record) = entry,
                let input = record.input(
                    validators: fresh.validators, chain: chainHash, check: keys.check)
            else { return }
            state.said.formUnion(state.machine.handle(input).toSign)
        }
        if emitted?.said.contains(message) != true {
            monitor.fail(
                .persistence, "member \(seat.number) sent before its reasons were durable: \(message)")
        }
    }

    func freshMachine(_ seat: Seat, _ height: Height) -> ConsensusMachine {
        ConsensusMachine(
            height: height, validators: validators(of: height), seed: proposerSeed, chain: chainHash,
            own: keys.keys[seat.number], parameters: parameters)
    }

    /// After a start: whatever the member ever let go at this height follows from what its journal has kept,
    /// and what a kill left whole is the machine that was.
    func judgeRecovery(
        of seat: Seat, _ machine: ConsensusMachine, said: Set<OwnMessage>, signsAbove: Height
    ) {
        for message in monitor.statements(of: seat.number, at: machine.height)
        where !said.contains(message) {
            monitor.fail(.recovery, "member \(seat.number) has forgotten why it said \(message)")
        }
        if signsAbove >= machine.height {
            monitor.fail(.recovery, "member \(seat.number) has lost its journal of height \(machine.height)")
        }
        if let expected = seat.expected, expected.height == machine.height, expected != machine {
            monitor.fail(.recovery, "member \(seat.number) replayed its journal to another state")
        }
    }

    /// A message from a peer does not hold: a correct node sends none such.
    func refused(_ message: WireMessage, from peer: Int, by number: Int) {
        counts[.refused] += 1
        if plan.habits[peer] == nil {
            monitor.fail(.penalty, "member \(number) cuts off correct member \(peer): \(message.summary)")
        }
    }
}
