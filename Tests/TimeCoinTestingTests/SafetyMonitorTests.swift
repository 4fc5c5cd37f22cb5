import Testing
import TimeCoinConsensus
import TimeCoinCore

@testable import TimeCoinTesting

/// The checker must see what it is for: here members break each law by hand.
@Suite("Safety monitor")
struct SafetyMonitorTests {
    private let keys: SimulatedKeys
    private let sets: SimulatedSets
    private var set: ValidatorSet { sets.electorate(of: 1).validators }
    private let values: [Hash256]

    init() throws {
        keys = try #require(SimulatedKeys(count: 4, isReal: false))
        let electorate = try #require(Electorate(weights: [1, 1, 1, 1], keys: keys))
        sets = SimulatedSets(constant: electorate, keys: keys)
        values = (0..<2).map {
            SimulatedValue.make(by: $0, at: Timestamp(milliseconds: 1), isValid: true, salt: 0)
        }
    }

    private func monitor(correct: [Bool] = [true, true, true, true]) -> SafetyMonitor {
        SafetyMonitor(sets: sets, seed: .zero, isCorrect: correct)
    }

    private func propose(_ value: Hash256, round: Round, _ monitor: inout SafetyMonitor) throws {
        let key = set.proposer(height: 1, round: round, seed: .zero).operatorKey
        let place = try #require(set.index(of: key))
        monitor.signed(
            .proposal(Proposal(height: 1, round: round, value: value, validRound: nil)), by: place)
    }

    private func vote(
        _ type: VoteType, _ value: Hash256?, round: Round, valid: Round? = nil
    ) -> OwnMessage {
        .vote(Vote(type: type, height: 1, round: round, value: value, validRound: valid))
    }

    @Test("what the paper allows is allowed")
    func allowed() throws {
        var monitor = monitor()
        try propose(values[0], round: 0, &monitor)
        for place in 0..<4 { monitor.signed(vote(.prevote, values[0], round: 0), by: place) }
        for place in 0..<4 { monitor.signed(vote(.precommit, values[0], round: 0), by: place) }
        try propose(values[0], round: 1, &monitor)
        monitor.signed(vote(.prevote, values[0], round: 1), by: 0)
        #expect(monitor.violation == nil)
    }

    @Test("K10: a prevote against the own lock is seen, unless a later polka allows it")
    func lock() throws {
        for valid in [nil, 0, 1] as [Round?] {
            var monitor = monitor()
            try propose(values[0], round: 1, &monitor)
            for place in 0..<3 { monitor.signed(vote(.prevote, values[0], round: 1), by: place) }
            monitor.signed(vote(.precommit, values[0], round: 1), by: 0)
            try propose(values[1], round: 2, &monitor)
            monitor.signed(vote(.prevote, values[1], round: 2, valid: valid), by: 0)
            #expect(monitor.violation?.law == .locking)
        }
    }

    @Test("a precommit without a polka, a prevote of what nobody proposed")
    func polka() throws {
        var first = monitor()
        try propose(values[0], round: 0, &first)
        for place in 0..<2 { first.signed(vote(.prevote, values[0], round: 0), by: place) }
        first.signed(vote(.precommit, values[0], round: 0), by: 0)
        #expect(first.violation?.law == .locking)
        var second = monitor()
        second.signed(vote(.prevote, values[0], round: 0), by: 0)
        #expect(second.violation?.law == .locking)
    }

    @Test("two signatures at a position, one behind the last, and what was never signed")
    func positions() throws {
        var first = monitor()
        first.signed(vote(.prevote, nil, round: 0), by: 0)
        first.signed(vote(.prevote, nil, round: 0), by: 0)
        #expect(first.violation == nil)
        try propose(values[0], round: 0, &first)
        first.signed(vote(.prevote, values[0], round: 0), by: 0)
        #expect(first.violation?.law == .position)
        var second = monitor()
        second.signed(vote(.precommit, nil, round: 1), by: 0)
        second.signed(vote(.prevote, nil, round: 1), by: 0)
        #expect(second.violation?.law == .position)
        var third = monitor()
        third.sent(vote(.prevote, nil, round: 0), by: 0)
        #expect(third.violation?.law == .position)
    }

    @Test("two decisions, an invalid one, and a certificate of too few")
    func decisions() {
        for (signers, isValid, values, law) in [
            (3, true, [0, 1], Violation.Law.agreement), (3, false, [0], .validity),
            (2, true, [0], .certificate),
        ] {
            var monitor = monitor()
            for number in values { decide(number, signers: signers, isValid: isValid, &monitor) }
            #expect(monitor.violation?.law == law)
        }
    }

    private func decide(_ number: Int, signers: Int, isValid: Bool, _ monitor: inout SafetyMonitor) {
        let vote = Vote(type: .precommit, height: 1, round: 0, value: values[number])
        let signatures = (0..<signers).map { keys.sign(vote.signedBytes(chain: .zero), by: $0) }
        let certificate = Certificate(
            kind: .commit, height: 1, round: 0, value: values[number], bitmap: [UInt8(1 << signers) - 1],
            signatures: signatures, validRounds: [])
        monitor.decided(
            values[number], certificate, at: 1, by: number, isValid: isValid, chain: .zero,
            check: keys.check)
    }

    @Test("evidence against a correct member, not against a bad one")
    func evidence() {
        var monitor = monitor(correct: [true, true, true, false])
        monitor.blamed(3, by: 0)
        #expect(monitor.violation == nil)
        monitor.blamed(1, by: 0)
        #expect(monitor.violation?.law == .evidence)
    }

    @Test("a member that is none of the height signs; its prevote makes no polka")
    func strangers() throws {
        let electorate = try #require(Electorate(weights: [1, 1, 1, 0], keys: keys))
        let sets = SimulatedSets(constant: electorate, keys: keys)
        var first = SafetyMonitor(sets: sets, seed: .zero, isCorrect: [true, true, true, true])
        first.signed(vote(.prevote, nil, round: 0), by: 3)
        #expect(first.violation?.law == .position)
        var second = SafetyMonitor(sets: sets, seed: .zero, isCorrect: [true, true, true, false])
        let key = electorate.validators.proposer(height: 1, round: 0, seed: .zero).operatorKey
        let proposer = try #require(keys.number(of: key))
        second.signed(
            .proposal(Proposal(height: 1, round: 0, value: values[0], validRound: nil)), by: proposer)
        for number in [0, 1, 3] { second.signed(vote(.prevote, values[0], round: 0), by: number) }
        #expect(second.violation == nil)
        second.signed(vote(.precommit, values[0], round: 0), by: 0)
        #expect(second.violation?.law == .locking)
    }
}
