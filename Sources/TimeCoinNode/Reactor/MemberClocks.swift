import TimeCoinConsensus
import TimeCoinCore

/// How far the own wall clock is off those of the members: a value, fed with their signed answers.
///
/// A clock is kept as its distance from the monotonic clock of this machine, so a jump of the own wall clock
/// shows at once, without asking anew.
struct MemberClocks: Sendable {
    /// Between two questions, milliseconds.
    static let interval: UInt64 = 10_000
    /// … while the own clock is off.
    static let intervalWhenOff: UInt64 = 1000
    /// An answer that took longer says too little. Unit: milliseconds.
    static let roundTripMax: UInt64 = 2000
    /// An answer counts for so long, milliseconds.
    static let ageMax: UInt64 = 60_000
    /// Beyond it a clock shows nothing that any calendar knows. Unit: milliseconds.
    private static let clockMax: UInt64 = 1 << 50

    private struct Sample: Sendable {
        /// What their clock showed when the monotonic one here stood at zero.
        let base: Int64
        /// Half the round trip: by so much the base may be wrong.
        let error: Int64
        let taken: Instant
    }

    /// Never told to anybody: what a question will be is nobody's to know, else its answer could be kept.
    private let secret: Hash256
    private var question: (nonce: Hash256, asked: Instant)?
    private var asked: UInt64 = 0
    private var samples: [PublicKey: Sample] = [:]

    init(secret: Hash256) {
        self.secret = secret
    }

    /// The next question for everybody, if one is due.
    mutating func ask(isOff: Bool, at now: Instant) -> Hash256? {
        let interval = isOff ? MemberClocks.intervalWhenOff : MemberClocks.interval
        if let question, now < question.asked.advanced(byMilliseconds: interval) { return nil }
        asked += 1
        var writer = ByteWriter(reserving: 40)
        writer.write(secret)
        writer.write(asked)
        let nonce = Blake2b.hash256(.clock, writer.bytes)
        question = (nonce, now)
        return nonce
    }

    /// Whether an answer is to the question that is open: only then is its signature worth a look.
    func expects(_ answer: ClockAnswer) -> Bool { question?.nonce == answer.nonce }

    /// Takes a verified answer.
    mutating func take(_ answer: ClockAnswer, at now: Instant) {
        guard let question, question.nonce == answer.nonce, now >= question.asked,
            answer.clock.milliseconds <= MemberClocks.clockMax
        else { return }
        let roundTrip = now.milliseconds - question.asked.milliseconds
        // The first answer to a question is the one that took least.
        let isFirst = samples[answer.member].map { $0.taken <= question.asked } ?? true
        guard roundTrip <= MemberClocks.roundTripMax, isFirst else { return }
        let middle = Int64(clamping: question.asked.milliseconds + roundTrip / 2)
        samples[answer.member] = Sample(
            base: Int64(answer.clock.milliseconds) - middle, error: Int64(roundTrip / 2), taken: now)
    }

    /// The weighted median of what the members' clocks show beyond the own one, which counts as 0, in
    /// milliseconds; `nil` while fewer than a quorum are heard. Members with less than a third of the weight
    /// cannot move it beyond the clocks of the others.
    func offset(own: PublicKey?, validators: ValidatorSet, at now: Moment) -> Int64? {
        let clock = Int64(clamping: min(now.clock.milliseconds, MemberClocks.clockMax))
        let instant = Int64(clamping: now.instant.milliseconds)
        var heard: [(offset: Int64, weight: UInt64)] = []
        var weight: UInt64 = 0
        for member in validators.members {
            var offset: Int64 = 0
            if member.operatorKey != own {
                guard let sample = samples[member.operatorKey],
                    now.instant <= sample.taken.advanced(byMilliseconds: MemberClocks.ageMax)
                else { continue }
                let apart = sample.base &+ instant &- clock
                // Nobody is blamed for how long the way was.
                offset = apart.signum() * max(0, Int64(clamping: apart.magnitude) - sample.error)
            }
            heard.append((offset, member.weight))
            weight += member.weight
        }
        guard validators.isQuorum(weight) else { return nil }
        var below: UInt64 = 0
        for (offset, share) in heard.sorted(by: { $0.offset < $1.offset }) {
            below += share
            if 2 * below >= weight { return offset }
        }
        return nil
    }
}
