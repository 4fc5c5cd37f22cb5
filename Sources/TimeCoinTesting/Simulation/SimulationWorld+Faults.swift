import TimeCoinConsensus
import TimeCoinCore

/// What goes wrong with machines, and their way back.
extension SimulationWorld {
    /// Process ends at the present effect: killed, or with the power.
    func die(_ seat: Seat) {
        let ending: SimulatedDisk.Ending =
            trouble.crashes.chance(permille: 500) ? .powerLost : .killed
        down(seat, ending, restartAfter: 10 + trouble.crashes.below(3000))
    }

    func down(_ seat: Seat, _ ending: SimulatedDisk.Ending, restartAfter delay: UInt64) {
        let losses = seat.disk.end(ending)
        counts[ending == .killed ? .kill : .powerLoss] += 1
        counts[.lostWrite] += UInt64(losses.lost)
        counts[.tornWrite] += UInt64(losses.torn)
        narrator?("\(now) member \(seat.number) is down (\(ending))")
        seat.host = nil
        seat.pulseAt = nil
        seat.generation += 1
        for other in seats where other.number != seat.number {
            if let host = other.host { call(other) { host.gone(seat.number) } }
        }
        queue.push(.restart(seat.number, generation: seat.generation), at: now + max(1, delay))
    }

    /// Lets the monitor forget what is over for all.
    func forgetOldHeights() {
        // Whoever is down comes back with what it had.
        let tips = correct.map { $0.host?.tip ?? 0 }
        monitor.forget(below: tips.min() ?? 0)
    }

    func start(_ seat: Seat) {
        if case .faults = phase, plan.crashesEvery != nil, trouble.crashes.chance(permille: 250) {
            seat.disk.crash(after: trouble.crashes.below(14))
        }
        let before = (seat.disk.errors, seat.disk.refusals)
        do {
            let host = try makeHost(seat)
            seat.host = host
            seat.expected = nil
            narrator?("\(now) member \(seat.number) is up at height \(host.tip)")
            host.resume()
            for other in seats where other.number != seat.number && isReachable(other) {
                host.connected(other.number)
            }
            for other in seats where other.number != seat.number {
                if let peer = other.host { call(other) { peer.connected(seat.number) } }
            }
            call(seat) {}
        } catch {
            guard seat.disk.isDead || before != (seat.disk.errors, seat.disk.refusals) else {
                return monitor.fail(.recovery, "member \(seat.number) cannot start again: \(error)")
            }
            counts[.recoveryCrash] += 1
            let isPowerLost = seat.disk.isDead && trouble.crashes.chance(permille: 500)
            let losses = seat.disk.end(isPowerLost ? .powerLost : .killed)
            counts[.lostWrite] += UInt64(losses.lost)
            counts[.tornWrite] += UInt64(losses.torn)
            seat.expected = nil
            seat.generation += 1
            queue.push(.restart(seat.number, generation: seat.generation), at: now + 200)
        }
    }

    private func isReachable(_ seat: Seat) -> Bool { seat.host != nil || seat.byzantine != nil }

    private func makeHost(_ seat: Seat) throws -> any SimulatedHost {
        if let nodes {
            let store = seat.store ?? nodes.makeStore()
            seat.store = store
            return try NodeHost(self, nodes, seat, store)
        }
        return try ConsensusHost(self, seat)
    }

    func cause(_ fault: FaultClass) {
        let number = trouble.disks.below(seats.count)
        let seat = seats[number]
        switch fault {
        case .partitions: causePartition()
        case .crashes: causeCrash()
        case .diskErrors:
            guard seat.byzantine == nil else { return }
            seat.disk.fail(after: trouble.disks.below(80))
        case .fullDisks:
            guard seat.byzantine == nil else { return }
            seat.disk.setFull(true)
            queue.push(.roomAgain(number), at: now + 300 + trouble.disks.below(5000))
        case .clockJumps:
            let span = Int64(trouble.clocks.within(0...60_000)) - 30_000
            seats[trouble.clocks.below(seats.count)].clock.jump(to: span)
            counts[.clockJump] += 1
        case .freezes:
            seats[trouble.clocks.below(seats.count)].frozenUntil = now + 50 + trouble.clocks.below(4000)
            counts[.freeze] += 1
        default: break
        }
    }

    private func causePartition() {
        guard seats.count > 1 else { return }
        var side = seats.map { _ in trouble.partitions.chance(permille: 500) }
        // Somebody is on either side.
        let lonely = trouble.partitions.below(seats.count)
        if side.allSatisfy({ $0 == side[0] }) { side[lonely].toggle() }
        let isOneWay = trouble.partitions.chance(permille: 400)
        counts[isOneWay ? .oneWayPartition : .partition] += 1
        let number = network.separate(side, isOneWay: isOneWay)
        narrator?("\(now) partition \(side.indices.filter { side[$0] }) one way: \(isOneWay)")
        queue.push(.partitionEnds(number), at: now + 200 + trouble.partitions.below(6000))
    }

    private func causeCrash() {
        // Now and then all at once: a power failure of the whole network.
        let isWhole = trouble.crashes.chance(permille: 100)
        let chosen = trouble.crashes.below(seats.count)
        for seat in correct where isWhole || seat.number == chosen {
            if let host = seat.host, trouble.crashes.chance(permille: 300) {
                // Between two events, and nothing is lost: then the journal gives the same machine again.
                seat.expected = host.machine
                down(seat, .killed, restartAfter: 10 + trouble.crashes.below(2000))
            } else {
                seat.disk.crash(after: trouble.crashes.below(60))
            }
        }
    }

    // MARK: - Healing

    /// Faults stop; members gone bad stay bad. From here on there is a bound.
    func heal() {
        network.heal()
        var round: Round = 0
        for seat in seats {
            seat.clock.heal(at: now)
            seat.frozenUntil = 0
            seat.disk.setFull(false)
            seat.disk.fail(after: nil)
            seat.disk.crash(after: nil)
            round = max(round, seat.host?.round ?? 0)
        }
        let tip = correct.map { $0.host?.tip ?? 0 }.max() ?? 0
        phase = .healing(target: tip + 2)
        narrator?("\(now) healed: \(standing)")
        for seat in correct where seat.host == nil {
            seat.generation += 1
            queue.push(.restart(seat.number, generation: seat.generation), at: now + 1)
        }
        for seat in correct { seat.pulseAt = nil }
        for seat in correct { call(seat) {} }
        queue.push(.deadline, at: now + bound(from: round, behind: tip))
    }

    /// Virtual milliseconds within which everybody must have decided two more heights: every member proposes
    /// twice from the highest round on, at its timeouts in full, once for the open height and once for
    /// the next; a minute for members to start again, to ask and to catch up.
    private func bound(from round: Round, behind tip: Height) -> UInt64 {
        var sum: UInt64 = 60_000 + 100 * tip + plan.holdMax
        for step in 0..<Round(2 * max(seats.count, sets.membersMax) + 2) {
            for kind in TimeoutKind.allCases {
                sum += parameters.duration(of: Timeout(kind: kind, round: round + step))
                sum += parameters.duration(of: Timeout(kind: kind, round: step))
            }
        }
        return sum
    }
}
