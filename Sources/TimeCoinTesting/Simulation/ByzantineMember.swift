import TimeCoinConsensus
import TimeCoinCore
import TimeCoinNode

/// A member gone bad: it has its own key, hears what the others say, and does what its habits tell.
final class ByzantineMember {
    private let world: SimulationWorld
    private let number: Int
    private let own: PublicKey
    private let habits: Set<ByzantineHabit>
    private var random: SimulationRandom
    private var height: Height = 1
    private var round: Round = 0
    /// Values proposed at the height, by round.
    private var proposed: [(round: Round, value: Hash256)] = []
    private var acted: Set<Round> = []
    private var heard: [WireMessage] = []
    private var certificates: [Certificate] = []

    private static let heardMax = 64

    init(_ world: SimulationWorld, _ number: Int, _ habits: Set<ByzantineHabit>) {
        self.world = world
        self.number = number
        self.habits = habits
        own = world.keys.keys[number]
        random = SimulationRandom(seed: world.plan.seed, .byzantine, number + 1)
    }

    private func has(_ habit: ByzantineHabit) -> Bool { habits.contains(habit) }

    private var others: [Int] { world.seats.map(\.number).filter { $0 != number } }

    // MARK: - Hearing

    func receive(_ message: WireMessage, from peer: Int) {
        if heard.count < ByzantineMember.heardMax {
            heard.append(message)
        } else {
            heard[random.below(heard.count)] = message
        }
        switch message {
        case .vote(let signed): reach(signed.vote.height, signed.vote.round, from: peer)
        case .proposal(let signed, _):
            let proposal = signed.proposal
            reach(proposal.height, proposal.round, from: peer)
            guard proposal.height == height else { return }
            proposed.append((proposal.round, proposal.value))
            act(proposal.round)
        case .certificate(let certificate):
            if certificates.count >= 8 { certificates.removeFirst() }
            certificates.append(certificate)
        case .positionQuery(let key, let nonce): answer(key, nonce, to: peer)
        case .clockQuery(let nonce): answer(nonce, to: peer)
        case .valueRequest(let hash):
            guard !has(.withholding) || random.chance(permille: 300) else { return }
            guard let block = world.nodes?.block(hash) else { return }
            world.sendBadly(.value(block.encoded), from: number, to: peer)
        default: break
        }
    }

    /// Follows correct members only: another bad one may claim anything.
    private func reach(_ newHeight: Height, _ newRound: Round, from peer: Int) {
        guard world.plan.habits[peer] == nil, newHeight >= height, newHeight < height + 1000 else { return }
        if newHeight > height {
            height = newHeight
            round = 0
            proposed = []
            acted = []
        }
        if newRound > round || acted.isEmpty {
            round = max(round, newRound)
            propose()
        }
        if random.chance(permille: 300) { act(newRound) }
    }

    /// Says nothing of what it has seen, and so helps whoever wants to sign twice.
    private func answer(_ key: PublicKey, _ nonce: Hash256, to peer: Int) {
        guard !has(.silent) else { return }
        let (keys, number) = (world.keys, number)
        let answer = PositionAnswer(
            key: key, nonce: nonce, highest: nil, member: own, chain: world.chainHash
        ) { keys.sign($0, by: number) }
        world.sendBadly(.positionAnswer(answer), from: number, to: peer)
    }

    /// Shows any clock.
    private func answer(_ nonce: Hash256, to peer: Int) {
        guard !has(.silent) else { return }
        let (keys, number) = (world.keys, number)
        let clock = Timestamp(milliseconds: SimulatedClock.epoch + world.now + UInt64(random.below(100_000)))
        let answer = ClockAnswer(nonce: nonce, clock: clock, member: own, chain: world.chainHash) {
            keys.sign($0, by: number)
        }
        world.sendBadly(.clockAnswer(answer), from: number, to: peer)
    }

    // MARK: - Saying

    func tick() {
        guard !has(.silent) else { return }
        if random.chance(permille: 300) { act(round) }
        if has(.flooding) { flood() }
        if has(.junk), random.chance(permille: 300) { sendJunk() }
        if has(.lying), random.chance(permille: 400) { lie() }
        if has(.replaying), let message = random.pick(heard), let peer = random.pick(others) {
            world.counts[.replay] += 1
            world.sendBadly(message, from: number, to: peer, after: random.below(500))
        }
    }

    private func signed(_ vote: Vote) -> WireMessage {
        .vote(
            SignedVote(
                vote: vote, member: own,
                signature: world.keys.sign(vote.signedBytes(chain: world.chainHash), by: number)))
    }

    private func signed(_ proposal: Proposal) -> WireMessage {
        let signed = SignedProposal(
            proposal: proposal, proposer: own,
            signature: world.keys.sign(proposal.signedBytes(chain: world.chainHash), by: number))
        return .proposal(signed, world.nodes?.compact(proposal.value))
    }

    /// Votes in a round: for what was proposed in it, for what was before, for nothing.
    private func act(_ number: Round) {
        guard !has(.silent), has(.equivocating) || acted.insert(number).inserted else { return }
        acted.insert(number)
        let fresh = proposed.filter { $0.round == number }.map(\.value)
        let known = proposed.map(\.value)
        var single: [VoteType: Hash256?] = [:]
        for type in VoteType.allCases { single[type] = random.pick(fresh) }
        for peer in others {
            for type in VoteType.allCases where random.chance(permille: has(.withholding) ? 300 : 850) {
                var value: Hash256? = single[type] ?? nil
                var validRound: Round?
                if has(.equivocating) {
                    value = random.chance(permille: 250) ? nil : random.pick(fresh.isEmpty ? known : fresh)
                    if has(.amnesiac), random.chance(permille: 300) { value = random.pick(known) }
                }
                if type == .prevote, value != nil, number > 0, random.chance(permille: 200) {
                    validRound = Round(random.below(UInt64(number)))
                }
                let vote = Vote(
                    type: type, height: height, round: number, value: value, validRound: validRound)
                say(signed(vote), to: peer)
            }
        }
    }

    private func say(_ message: WireMessage, to peer: Int) {
        var delay: UInt64 = 0
        if has(.withholding), random.chance(permille: 500) {
            delay = random.below(3000)
            world.counts[.withheld] += 1
        }
        world.sendBadly(message, from: number, to: peer, after: delay)
    }

    /// On its turn: nothing, one value for all, or others for others.
    private func propose() {
        guard !has(.silent),
            world.validators(of: height).proposer(
                height: height, round: round, seed: world.monitor.seed(of: height)
            ).operatorKey == own
        else { return }
        if has(.withholding), random.chance(permille: 400) { return }
        var candidates = [makeValue(), makeValue()].compactMap { $0 }
        candidates += proposed.suffix(2).map(\.value)
        let single = random.pick(candidates)
        for peer in others where !(has(.withholding) && random.chance(permille: 500)) {
            guard let value = has(.equivocating) ? random.pick(candidates) : single else { return }
            var validRound: Round?
            if round > 0, random.chance(permille: 300) { validRound = Round(random.below(UInt64(round))) }
            say(
                signed(Proposal(height: height, round: round, value: value, validRound: validRound)),
                to: peer)
        }
    }

    private func makeValue() -> Hash256? {
        if let nodes = world.nodes {
            return nodes.badValue(
                world, by: number, at: height, isCensoring: has(.censoring), &random)
        }
        let isValid = random.chance(permille: 750)
        if !isValid { world.counts[.invalidValue] += 1 }
        let clock = Timestamp(milliseconds: SimulatedClock.epoch + world.now)
        return SimulatedValue.make(by: number, at: clock, isValid: isValid, salt: random.next())
    }

    // MARK: - Nuisance

    private func flood() {
        for _ in 0..<4 {
            let far = random.chance(permille: 500)
            let vote = Vote(
                type: random.chance(permille: 500) ? .prevote : .precommit,
                height: far ? height + random.below(1_000_000) : height,
                round: Round(random.below(1_000_000 as UInt64)), value: nil)
            world.counts[.flood] += 1
            if let peer = random.pick(others) { world.sendBadly(signed(vote), from: number, to: peer) }
        }
    }

    /// Certificates with a signature of nobody, too few signers, or of another value; votes of others.
    private func sendJunk() {
        guard let peer = random.pick(others), let junk = SimulatedKeys.junk(random.next()) else { return }
        guard let real = random.pick(certificates), random.chance(permille: 700) else {
            let victim = random.pick(world.keys.keys) ?? own
            let vote = Vote(type: .precommit, height: height, round: round, value: proposed.last?.value)
            world.counts[.junkSignature] += 1
            return world.sendBadly(
                .vote(SignedVote(vote: vote, member: victim, signature: junk)), from: number, to: peer)
        }
        var signatures = real.signatures
        var bitmap = real.bitmap
        var value = real.value
        switch random.below(3) as UInt64 {
        case 0: if !signatures.isEmpty { signatures[0] = junk }
        case 1:
            signatures = Array(signatures.prefix(1))
            bitmap = [UInt8](repeating: 0, count: bitmap.count)
            bitmap[0] = 1
        default: value = proposed.last?.value ?? .zero
        }
        world.counts[.junkCertificate] += 1
        let certificate = Certificate(
            kind: real.kind, height: height, round: real.round, value: value, bitmap: bitmap,
            signatures: signatures, validRounds: Array(real.validRounds.prefix(signatures.count)))
        world.sendBadly(.certificate(certificate), from: number, to: peer)
    }

    private func lie() {
        guard let peer = random.pick(others) else { return }
        let count = (world.validators(of: height).members.count + 7) / 8
        let isHigh = random.chance(permille: 500)
        let summary = RoundSummary(
            height: height, round: isHigh ? 0 : Round(random.below(100 as UInt64)),
            prevotes: [UInt8](repeating: 0, count: count), precommits: [UInt8](repeating: 0, count: count),
            hasProposal: random.chance(permille: 500), polkaRound: nil)
        world.counts[.heightLie] += 1
        let tip = isHigh ? height + random.below(1_000_000) : random.below(height)
        world.sendBadly(
            .status(
                NodeStatus(
                    tip: tip, tipHash: .zero, clock: Timestamp(milliseconds: random.next() >> 20),
                    round: summary)),
            from: number, to: peer)
    }
}
